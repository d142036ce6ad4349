"""Checkpoints in the names of Hugging Face's transformers: ViT, DeiT, DINOv2, MSN, MAE, I-JEPA.

Both on disk and in memory since version 5, where ``torch.save(model.state_dict())`` gives other
names than ``save_pretrained``.

Sources: transformers ``modeling_vit.py``, ``modeling_deit.py``, ``modeling_dinov2.py``,
``modeling_dinov2_with_registers.py``, ``modeling_vit_msn.py``, ``modeling_vit_mae.py``,
``modeling_ijepa.py``, ``conversion_mapping.py``, and the image processor of each.
"""

from __future__ import annotations

from typing import Any

from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.reader import Assumption, Notes, Tensors
from vitviz.models.checkpoints.renaming import Names
from vitviz.models.checkpoints.said import Said
from vitviz.models.vit.config import ViTConfig
from vitviz.models.vit.weights.plain import PlainNames
from vitviz.models.vit.weights.timm import IMAGENET_MEAN, IMAGENET_STD

PREFIX = r"^(?:vit|deit|dinov2|dinov2_with_registers|ijepa|vit_msn|dpt|base_model|model)\."

NAMES: Names = (
    (PREFIX, ""),
    (r"^embeddings\.cls_token$", "cls_token"),
    (r"^embeddings\.distillation_token$", "dist_token"),
    (r"^embeddings\.register_tokens$", "reg_token"),
    (r"^embeddings\.position_embeddings$", "pos_embed"),
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^layernorm\.", "norm."),
    (r"^cls_classifier\.", "head."),
    (r"^distillation_classifier\.", "head_dist."),
    (r"^(?:encoder\.layer|layers)\.", "blocks."),
    (r"\.(?:layernorm_before|norm1)\.", ".norm1."),
    (r"\.(?:layernorm_after|norm2)\.", ".norm2."),
    (r"\.attention\.(?:attention\.)?(?:query|q_proj)\.", ".attn.q."),
    (r"\.attention\.(?:attention\.)?(?:key|k_proj)\.", ".attn.k."),
    (r"\.attention\.(?:attention\.)?(?:value|v_proj)\.", ".attn.v."),
    (r"\.attention\.(?:output\.dense|o_proj)\.", ".attn.proj."),
    (r"\.intermediate\.dense\.", ".mlp.fc1."),
    (r"(?<=\d)\.output\.dense\.", ".mlp.fc2."),
    (r"\.mlp\.weights_in\.", ".mlp.fc1."),
    (r"\.mlp\.weights_out\.", ".mlp.fc2."),
    (r"\.layer_scale([12])\.lambda1$", r".ls\1.gamma"),
)

NOT_NEEDED = (
    r"(.*\.)?pooler\.dense\.|"  # a layer on CLS that no classifier reads
    r"(.*\.)?embeddings\.mask_token$|"
    r"decoder\.|neck\.|head\.head\."  # what stands on the network: MAE's decoder, DPT's depth
)

EPS = {"dinov2": 1e-6, "dinov2_with_registers": 1e-6, "ijepa": 1e-6}
"""``layer_norm_eps`` of each kind where its config does not say it; of all others 1e-12."""


def usual(tensors: Tensors, found: Tensors, said: Said) -> tuple[dict[str, Any], Notes]:  # noqa: ARG001
    """Epsilon, and how positions are resized, by the kind of network."""
    scaled = "blocks.0.ls1.gamma" in found
    kind = said.architecture if said.kind == "transformers" else "dinov2" if scaled else "vit"
    plain = "reg_token" not in found
    known: dict[str, Any] = {"norm_eps": EPS.get(kind, 1e-12)}
    known["position_resizing"] = "cubic" if plain else "cubic antialiased"
    if "cls_token" not in found:
        known["pool"] = "mean"
    return known, ()


def preprocessing(config: ViTConfig) -> tuple[Preprocessing, Notes]:
    """As the image processor of each kind: ViT's squashes, DeiT's and DINOv2's crop.

    Source: ``ViTImageProcessor``, ``DeiTImageProcessor``, facebook/dinov2-base.
    """
    size, patch = config.input_size, config.patch
    if config.layer_scale or "dist" in config.prefix:
        short = min(size) if min(size) < 320 else 224
        rule = "shortest edge to 256, then centre crop"
        found = Preprocessing((short, short) if config.layer_scale else size, patch, IMAGENET_MEAN,
                              IMAGENET_STD, edge=max(256, short))  # fmt: skip
        note = f"{rule}, ImageNet mean and std, as DINOv2's and DeiT's of transformers"
    else:
        half = (0.5, 0.5, 0.5)
        found = Preprocessing(size, patch, half, half, "squash", max(size), "bilinear")
        note = "squashed, bilinear, mean = std = 0.5, as transformers' ViTImageProcessor does"
    return found, (Assumption("preprocessing", f"Preprocessing is assumed: {note}."),)


TRANSFORMERS = PlainNames(
    "transformers", "Hugging Face transformers (ViT, DeiT, DINOv2, MSN, MAE's encoder, I-JEPA)",
    NAMES,
    (
        r"(\w+\.)?embeddings\.patch_embeddings\.projection\.weight$",
        r"(\w+\.)?embeddings\.position_embeddings$",
        r"(\w+\.)?(encoder\.layer|layers)\.0\.attention\.(attention\.query|q_proj)\.weight$",
    ),
    preprocessing, NOT_NEEDED, usual=usual,
)  # fmt: skip

READER = TRANSFORMERS.reader
