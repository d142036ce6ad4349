"""DINOv3, under the names of Meta, of transformers and of timm.

Sources: facebookresearch/dinov3 ``models/vision_transformer.py`` and ``layers``, transformers
``modeling_dinov3_vit.py``, timm ``eva.py``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.reader import Notes, Reader, Tensors
from vitviz.models.checkpoints.renaming import Names, named
from vitviz.models.checkpoints.said import NOT_SAID, Assumption, Said
from vitviz.models.vit.config import Rope, ViTConfig
from vitviz.models.vit.rope import periods
from vitviz.models.vit.weights.heard import heard
from vitviz.models.vit.weights.parts import ONLY_FOR_TRAINING, TIMM
from vitviz.models.vit.weights.shapes import fit, infer
from vitviz.models.vit.weights.timm import IMAGENET_MEAN, IMAGENET_STD

ROPE = Rope(base=100.0, unit="turn", axes="yx", pairs="halves")

NOT_DINOV3S = (
    "The rotary periods in the file are not those that DINOv3 is trained with, and are not used: "
    "theta 100 is assumed."
)

META: Names = ((r"^rope_embed\.periods$", "rope.periods"),)

TRANSFORMERS: Names = (
    (r"^embeddings\.cls_token$", "cls_token"),
    (r"^embeddings\.register_tokens$", "reg_token"),
    (r"^embeddings\.patch_embeddings\.", "patch_embed.proj."),
    (r"^(?:model\.)?layer\.", "blocks."),
    (r"\.attention\.([qkv])_proj\.", r".attn.\1."),
    (r"\.attention\.o_proj\.", ".attn.proj."),
    (r"\.layer_scale([12])\.lambda1$", r".ls\1.gamma"),
    (r"\.mlp\.gate_proj\.", ".mlp.gate."),
    (r"\.mlp\.down_proj\.", ".mlp.fc2."),
)


def our_names(tensors: Tensors) -> dict[str, Tensor]:
    """The parameters under our names."""
    if "embeddings.register_tokens" in tensors:
        gated = any(".mlp.gate_proj." in key for key in tensors)
        up = (r"\.mlp\.up_proj\.", ".mlp.value." if gated else ".mlp.fc1.")
        return named(tensors, (*TRANSFORMERS, up), r"embeddings\.mask_token$")
    found = named(tensors, (*META, *TIMM), ONLY_FOR_TRAINING)
    if not _are_periods(found.get("rope.periods")):
        found.pop("rope.periods", None)
    for name in [name for name in found if name.endswith(".attn.qkv.bias")]:
        q, k, v = found[name].chunk(3)  # that of k is masked where it was trained
        found[name] = torch.cat([q, torch.zeros_like(k), v])
    return found


def _are_periods(tensor: Tensor | None) -> bool:
    """Whether these are the periods that DINOv3 is trained with, as its files round them."""
    if tensor is None or tensor.ndim != 1 or tensor.is_meta:
        return tensor is not None and tensor.is_meta
    usual = periods(ROPE, 4 * len(tensor))
    return torch.allclose(tensor.float(), usual, rtol=0.01, atol=0)


def recognises(tensors: Tensors) -> bool:
    """Whether the names are DINOv3's."""
    if "storage_tokens" in tensors or "rope_embed.periods" in tensors:
        return True
    if "embeddings.register_tokens" in tensors:
        return not any("position_embeddings" in key for key in tensors)
    timms = {"cls_token", "reg_token", "patch_embed.proj.weight", "blocks.0.gamma_1"}
    return timms <= tensors.keys() and "pos_embed" not in tensors


def config(tensors: Tensors, said: Said = NOT_SAID) -> tuple[ViTConfig, Notes]:
    """The network, from the shapes."""
    found = our_names(tensors)
    usual: dict[str, Any] = {"norm_eps": 1e-5, "pool": "cls", "rope": ROPE}
    usual["input_size"] = (224, 224) if "embeddings.register_tokens" in tensors else (256, 256)
    if "patch_embed.proj.weight" in found:
        width = len(found["patch_embed.proj.weight"])
        usual["heads"] = 32 if width == 4096 else width // 64
    config, notes = infer(found, _with_theta(heard(said)), usual)
    if "rope_embed.periods" in tensors and "rope.periods" not in found:
        notes += (Assumption("rope", NOT_DINOV3S),)
    return config, notes


def _with_theta(said: Said) -> Said:
    theta = said.arguments.get("rope_theta")
    if said.kind != "transformers" or not isinstance(theta, int | float):
        return said
    rope = Rope(float(theta), ROPE.unit, ROPE.axes, ROPE.pairs)
    return said.over(Said(network={"rope": rope}))


def convert(tensors: Tensors, config: ViTConfig) -> Tensors:
    """The parameters under our names."""
    found = our_names(tensors)
    periods = found.get("rope.periods")
    if periods is not None and not bool((periods.diff() > 0).all()):
        del found["rope.periods"]  # a buffer that was never filled: they follow from the base
    return fit(found, lambda name: name, config)


def preprocessing(config: ViTConfig) -> tuple[Preprocessing, Notes]:
    """As DINOv3's own transform: squashed to the input, ImageNet's mean and std.

    Source: facebookresearch/dinov3 ``README.md`` (``make_transform``); timm's interpolation.
    """
    note = (
        "Preprocessing is assumed: squashed, bicubic, ImageNet mean and std, as DINOv3's for "
        "photos of the web; those of satellites have others."
    )
    found = Preprocessing(
        config.input_size, config.patch, IMAGENET_MEAN, IMAGENET_STD, "squash", edge=0
    )
    return found, (Assumption("preprocessing", note),)


READER = Reader(
    "dinov3", "DINOv3 (Meta, transformers, timm)", recognises, config, convert, preprocessing
)
