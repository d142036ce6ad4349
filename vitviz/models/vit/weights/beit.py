"""BEiT and BEiT v2, under the names of their authors, of timm and of transformers.

Sources: microsoft/unilm ``beit/modeling_finetune.py``, timm ``beit.py``, transformers
``modeling_beit.py`` and ``modeling_data2vec_vision.py``.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.reader import Notes, Reader, Tensors
from vitviz.models.checkpoints.renaming import Names, named
from vitviz.models.checkpoints.said import NOT_SAID, Assumption, Said
from vitviz.models.vit.config import ViTConfig
from vitviz.models.vit.weights.heard import heard
from vitviz.models.vit.weights.parts import ONLY_FOR_TRAINING, TIMM, shared
from vitviz.models.vit.weights.shapes import fit, infer

TRANSFORMERS: Names = (
    (r"^(?:beit|data2vec_vision)\.", ""),
    (r"^embeddings\.cls_token$", "cls_token"),
    (r"^embeddings\.position_embeddings$", "pos_embed"),
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^(?:encoder\.layer|layers)\.(?=\d)", "blocks."),
    (r"^(?:encoder\.)?relative_position_bias\.", "rel_pos_bias."),
    (r"^pooler\.layernorm\.", "fc_norm."),
    (r"^layernorm\.", "norm."),
    (r"^classifier\.", "head."),
    (r"\.layernorm_before\.", ".norm1."),
    (r"\.layernorm_after\.", ".norm2."),
    (r"\.lambda_([12])$", r".ls\1.gamma"),
    (r"\.(?:attention\.attention\.)?relative_position_bias\.(?=rel)", ".attn.rel_pos."),
    (r"\.attention\.attention\.query\.", ".attn.q."),
    (r"\.attention\.attention\.key\.", ".attn.k."),
    (r"\.attention\.attention\.value\.", ".attn.v."),
    (r"\.attention\.output\.dense\.", ".attn.proj."),
    (r"\.attention\.([qkv])_proj\.", r".attn.\1."),
    (r"\.attention\.o_proj\.", ".attn.proj."),
    (r"\.intermediate\.dense\.", ".mlp.fc1."),
    (r"\.output\.dense\.", ".mlp.fc2."),
)

NOT_NEEDED = r"(beit\.|data2vec_vision\.)?embeddings\.mask_token$|(beit\.)?lm_head\.|.*_index$"

TABLE = "relative_position_bias_table"


def our_names(tensors: Tensors) -> dict[str, Tensor]:
    """The parameters under our names; a table that blocks share is in each of them."""
    if _is_transformers(tensors):
        found = named(tensors, TRANSFORMERS, NOT_NEEDED)
    else:
        found = named(tensors, TIMM, ONLY_FOR_TRAINING)
    return shared(found, "rel_pos_bias.", "attn.rel_pos.")


def _is_transformers(tensors: Tensors) -> bool:
    return any(key.endswith("embeddings.cls_token") for key in tensors)


def recognises(tensors: Tensors) -> bool:
    """Whether the names are BEiT's: attention over all patches with a table of relative ways."""
    if _is_transformers(tensors) and any(key.endswith(".0.lambda_1") for key in tensors):
        return True
    tables = any(key.endswith(TABLE) for key in tensors)
    return tables and (_is_transformers(tensors) or "cls_token" in tensors)


def config(tensors: Tensors, said: Said = NOT_SAID) -> tuple[ViTConfig, Notes]:
    """The network, from the shapes."""
    found = our_names(tensors)
    usual: dict[str, Any] = {}
    if _is_transformers(tensors):
        usual = {"norm_eps": 1e-12, "position_resizing": "linear"}
        if "pos_embed" not in found:  # a config may leave out positions of every kind
            usual |= {"embedded_positions": False, "input_size": (224, 224)}
    return infer(found, heard(said), usual)


def convert(tensors: Tensors, config: ViTConfig) -> Tensors:
    """The parameters under our names."""
    return fit(our_names(tensors), lambda name: name, config)


def preprocessing(config: ViTConfig) -> tuple[Preprocessing, Notes]:
    """As BEiT evaluates: the shorter edge to 8/7 of the input up to 320, above that not cropped.

    Source: microsoft/unilm ``beit/datasets.py``; timm ``beit.py``.
    """
    short = min(config.input_size)
    edge = short if short > 320 else short * 10 // 9
    half = (0.5, 0.5, 0.5)
    note = (
        f"Preprocessing is assumed: shorter edge to {edge}, bicubic, mean = std = 0.5 as BEiT was "
        "trained; BEiT v2 has ImageNet's mean and std, and the weights do not tell."
    )
    found = Preprocessing(config.input_size, config.patch, half, half, edge=edge)
    return found, (Assumption("preprocessing", note),)


READER = Reader(
    "beit", "BEiT (its authors, timm, transformers)", recognises, config, convert, preprocessing
)
