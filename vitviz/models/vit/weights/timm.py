"""Checkpoints in the names of timm, which DeiT, DINO, DINOv2 and MAE share.

Sources: timm ``vision_transformer.py`` (``checkpoint_filter_fn``), facebookresearch/deit (also
``models_v2.py``, DeiT III), facebookresearch/dino, facebookresearch/dinov2, facebookresearch/mae.
"""

from __future__ import annotations

import re
from typing import Any

import torch

from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.reader import Assumption, Notes, Tensors
from vitviz.models.checkpoints.renaming import Names
from vitviz.models.checkpoints.said import Said
from vitviz.models.vit.config import ViTConfig
from vitviz.models.vit.weights.plain import PlainNames
from vitviz.models.vit.weights.relatives import post_norm, rope_by_name
from vitviz.models.vit.weights.siglip import activation, is_gap

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

NOT_NEEDED = (
    r"head\.(mlp|last_layer\d?)\.|"  # DINO's and iBOT's projection, for their training only
    r"mask_token$|masked_embed$|"  # stands for masked patches in training
    r"decoder_"  # MAE's decoder
)
"""Keys that are known, and no part of what a photo passes through."""

NAMES: Names = (
    (r"^blocks\.\d+\.(\d+)\.", r"blocks.\1."),  # DINOv2 in chunks for training
    (r"^register_tokens$", "reg_token"),
    (r"^patch_embed\.backbone\.(conv|norm)\.", r"patch_embed.backbone.stem.\1."),
    (r"\.gamma_([12])$", r".ls\1.gamma"),  # DeiT III as published
    (r"\.mlp\.w12\.", ".mlp.fc1."),  # DINOv2's SwiGLU
    (r"\.mlp\.w3\.", ".mlp.fc2."),
)

SAME_NAMES = (
    "Read as DeiT III. timm's vit_*_rope_ape_* have the same names, and turn q and k besides: a "
    "config.json beside the file can say so."
)


def usual(tensors: Tensors, found: Tensors, said: Said) -> tuple[dict[str, Any], Notes]:
    """What timm's names, MoCo's positions and a script's words tell."""
    notes: Notes = ()
    if not said.architecture and "blocks.0.gamma_1" in tensors:
        notes = (SAME_NAMES,)
    order, more = post_norm(found, said)
    notes += more
    known = rope_by_name(said) | order
    if {f"blocks.0.{part}.norm.weight" for part in ("attn", "mlp")} <= found.keys():
        known = {"norm_eps": 1e-5} | known  # BEiT-3's, the only ones with both here
    if is_gap(dict(found)):
        known = {"activation": activation(dict(found))} | known
    if "heads" not in known and is_moco(found, said):
        known["heads"] = 12
    return known, notes


def is_moco(found: Tensors, said: Said) -> bool:
    """Whether it is MoCo v3's ViT-S, whose 384 numbers are of 12 heads and not of 6.

    Source: facebookresearch/moco-v3 ``vits.py``: ``vit_small`` has 12 heads, and positions of sines
    and cosines with zeros for CLS. Its files call it ``arch: vit_small``.
    """
    positions = found.get("pos_embed")
    if positions is None or positions.shape[-1] != 384 or positions.ndim != 3:
        return False
    words = said.arguments if said.kind == "training" else {}
    prefix = str(words.get("prefix", ""))
    if words.get("arch") == "vit_small" or re.search(r"(base|momentum)_encoder\.", prefix):
        return True
    if positions.is_meta or "cls_token" not in found:
        return False
    fixed = bool((positions[0, 0] == 0).all()) and float(positions.abs().max()) <= 1.0001
    return fixed and torch.equal(positions[0, 1, :96], torch.zeros(96, dtype=positions.dtype))


def preprocessing(config: ViTConfig) -> tuple[Preprocessing, Notes]:
    """As DeiT evaluates: the shorter edge to 8/7 of the input, which above 320 is not cropped.

    Source: facebookresearch/deit ``datasets.py`` (256 for 224, bicubic); timm's ``crop_pct`` is
    1.0 for inputs of 384 and more.
    """
    short = min(config.input_size)
    edge = short if short > 320 else short * 8 // 7
    note = (
        f"Preprocessing is assumed: shorter edge to {edge}, bicubic, ImageNet mean and std, as "
        "DeiT and DINO were trained; timm's vit_*.augreg* were trained with mean = std = 0.5."
    )
    return Preprocessing(config.input_size, config.patch, IMAGENET_MEAN, IMAGENET_STD, edge=edge), (
        Assumption("preprocessing", note),
    )


TIMM = PlainNames(
    "timm", "timm, DeiT, DINO, DINOv2 and MAE (plain ViT)", NAMES,
    (r"patch_embed\.proj\.weight$", r"blocks\.(\d+\.)+attn\.qkv\.weight$"),
    preprocessing, NOT_NEEDED, usual=usual,
)  # fmt: skip

READER = TIMM.reader
recognises, config, convert = TIMM.recognises, TIMM.config, TIMM.convert
