"""Checkpoints in the names of timm, which DeiT, DINO, DINOv2 and MAE share.

Sources: timm ``vision_transformer.py`` (``checkpoint_filter_fn``), facebookresearch/deit (also
``models_v2.py``, DeiT III), facebookresearch/dino, facebookresearch/dinov2, facebookresearch/mae.
"""

from __future__ import annotations

import re

from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.reader import Assumption, Notes, Reader, Tensors
from vitviz.models.checkpoints.said import NOT_SAID, Said
from vitviz.models.vit.config import ViTConfig
from vitviz.models.vit.weights.relatives import rope_by_name
from vitviz.models.vit.weights.shapes import fit, infer, renamed
from vitviz.models.vit.weights.siglip import activation, is_gap

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

NOT_NEEDED = re.compile(
    r"head\.(mlp|last_layer)\.|"  # DINO's projection, for its training only
    r"mask_token$|"  # stands for masked patches in the training of DINOv2 and MAE
    r"decoder_"  # MAE's decoder
)
"""Keys that are known, and no part of what a photo passes through."""

OTHER_NAMES = (
    (re.compile(r"^blocks\.\d+\.(\d+)\."), r"blocks.\1."),  # DINOv2 in chunks for training
    (re.compile(r"^register_tokens$"), "reg_token"),
    (re.compile(r"\.gamma_([12])$"), r".ls\1.gamma"),  # DeiT III as published
    (re.compile(r"\.mlp\.w12\."), ".mlp.fc1."),  # DINOv2's SwiGLU
    (re.compile(r"\.mlp\.w3\."), ".mlp.fc2."),
)


def our_name(key: str) -> str | None:
    """Our name for a key; None for one that is known and not needed."""
    if NOT_NEEDED.match(key):
        return None
    for pattern, ours in OTHER_NAMES:
        key = pattern.sub(ours, key)
    return key


SAME_NAMES = (
    "Read as DeiT III. timm's vit_*_rope_ape_* have the same names, and turn q and k besides: a "
    "config.json beside the file can say so."
)


def recognises(tensors: Tensors) -> bool:
    """Whether the names are timm's."""
    return "patch_embed.proj.weight" in tensors and any(
        re.match(r"blocks\.(\d+\.)+attn\.qkv\.weight$", key) for key in tensors
    )


def config(tensors: Tensors, said: Said = NOT_SAID) -> tuple[ViTConfig, Notes]:
    """The network, from the shapes."""
    found = {name: tensors[key] for name, key in renamed(tensors, our_name).items()}
    usual = rope_by_name(said)
    notes: Notes = ()
    if not said.architecture and "blocks.0.gamma_1" in tensors:
        notes = (SAME_NAMES,)
    if is_gap(found):
        usual = {"activation": activation(found)}
    config, more = infer(found, said, usual)
    return config, (*notes, *more)


def convert(tensors: Tensors, config: ViTConfig) -> Tensors:
    """The parameters under our names."""
    return fit(tensors, our_name, config)


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


READER = Reader(
    "timm",
    "timm, DeiT, DINO, DINOv2 and MAE (plain ViT)",
    recognises,
    config,
    convert,
    preprocessing,
)
