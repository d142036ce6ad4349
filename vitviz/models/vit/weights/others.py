"""Plain ViTs in the names of OpenMMLab, and of the most used port of Google's to PyTorch.

Sources: open-mmlab/mmpretrain ``vision_transformer.py``; jeonsworld/ViT-pytorch ``modeling.py``.
"""

from __future__ import annotations

from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.reader import Assumption, Notes
from vitviz.models.checkpoints.renaming import Names
from vitviz.models.vit.config import ViTConfig
from vitviz.models.vit.weights.plain import PlainNames
from vitviz.models.vit.weights.timm import preprocessing as imagenet

OPENMMLAB: Names = (
    (r"^backbone\.", ""),
    (r"^patch_embed\.projection\.", "patch_embed.proj."),
    (r"^ln1\.", "norm."),
    (r"^layers\.", "blocks."),
    (r"(?<=\d)\.ln([12])\.", r".norm\1."),
    (r"\.ffn\.layers\.0\.0\.", ".mlp.fc1."),
    (r"\.ffn\.layers\.1\.", ".mlp.fc2."),
    (r"\.gamma([12])\.weight$", r".ls\1.gamma"),
)

PORT: Names = (
    (r"^transformer\.", ""),
    (r"^embeddings\.cls_token$", "cls_token"),
    (r"^embeddings\.position_embeddings$", "pos_embed"),
    (r"^embeddings\.patch_embeddings\.", "patch_embed.proj."),
    (r"^encoder\.encoder_norm\.", "norm."),
    (r"^encoder\.layer\.", "blocks."),
    (r"\.attention_norm\.", ".norm1."),
    (r"\.ffn_norm\.", ".norm2."),
    (r"\.ffn\.", ".mlp."),
    (r"\.attn\.query\.", ".attn.q."),
    (r"\.attn\.key\.", ".attn.k."),
    (r"\.attn\.value\.", ".attn.v."),
    (r"\.attn\.out\.", ".attn.proj."),
)


def half(config: ViTConfig) -> tuple[Preprocessing, Notes]:
    """As timm evaluates Google's networks: the shorter edge to 10/9 of the input, uncropped from
    384 on, bicubic, mean = std = 0.5.

    Source: timm ``vision_transformer.py`` (``_cfg`` of the AugReg models).
    """
    middle = (0.5, 0.5, 0.5)
    short = min(config.input_size)
    edge = short if short > 320 else short * 10 // 9
    found = Preprocessing(config.input_size, config.patch, middle, middle, edge=edge)
    note = (
        f"Preprocessing is assumed: shorter edge to {edge}, bicubic, mean = std = 0.5, as timm "
        "evaluates Google's networks."
    )
    return found, (Assumption("preprocessing", note),)


READERS = (
    PlainNames(
        "openmmlab", "OpenMMLab (mmpretrain's plain ViT)", OPENMMLAB,
        (r"(backbone\.)?patch_embed\.projection\.weight$",
         r"(backbone\.)?layers\.0\.ffn\.layers\.0\.0\.weight$", r"(backbone\.)?pos_embed$"),
        imagenet,
    ).reader,
    PlainNames(
        "vit-port", "jeonsworld/ViT-pytorch", PORT,
        (r"(transformer\.)?embeddings\.patch_embeddings\.weight$",
         r"(transformer\.)?encoder\.layer\.0\.attn\.query\.weight$"),
        half,
    ).reader,
)  # fmt: skip
