"""Checkpoints in the names of torchvision's ``vit_b_16`` and its kin.

Source: torchvision ``models/vision_transformer.py``: the names, the older names of the MLP that
``MLPBlock._load_from_state_dict`` accepts, and the preprocessing of each ``Weights``.
"""

from __future__ import annotations

import re

from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.reader import Assumption, Notes, Reader, Tensors
from vitviz.models.checkpoints.said import NOT_SAID, Said
from vitviz.models.vit.config import ViTConfig
from vitviz.models.vit.weights.shapes import fit, infer, renamed
from vitviz.models.vit.weights.timm import IMAGENET_MEAN, IMAGENET_STD

OUR_NAMES = (
    (re.compile(r"^conv_proj\."), "patch_embed.proj."),
    (re.compile(r"^class_token$"), "cls_token"),
    (re.compile(r"^encoder\.pos_embedding$"), "pos_embed"),
    (re.compile(r"^encoder\.ln\."), "norm."),
    (re.compile(r"^heads\.head\."), "head."),
    (re.compile(r"^encoder\.layers\.encoder_layer_(\d+)\."), r"blocks.\1."),
    (re.compile(r"(?<=\d)\.ln_([12])\."), r".norm\1."),
    (re.compile(r"\.self_attention\.in_proj_"), ".attn.qkv."),
    (re.compile(r"\.self_attention\.out_proj\."), ".attn.proj."),
    (re.compile(r"\.mlp\.(?:0|linear_1)\."), ".mlp.fc1."),
    (re.compile(r"\.mlp\.(?:3|linear_2)\."), ".mlp.fc2."),
)


def our_name(key: str) -> str:
    """Our name for a key."""
    for pattern, ours in OUR_NAMES:
        key = pattern.sub(ours, key)
    return key


def recognises(tensors: Tensors) -> bool:
    """Whether the names are torchvision's."""
    return {"conv_proj.weight", "class_token", "encoder.pos_embedding"} <= tensors.keys()


def config(tensors: Tensors, said: Said = NOT_SAID) -> tuple[ViTConfig, Notes]:
    """The network, from the shapes."""
    keys = renamed(tensors, our_name)
    return infer({name: tensors[key] for name, key in keys.items()}, said)


def convert(tensors: Tensors, config: ViTConfig) -> Tensors:
    """The parameters under our names."""
    return fit(tensors, our_name, config)


def preprocessing(config: ViTConfig) -> tuple[Preprocessing, Notes]:
    """As the published weights of each size want it.

    224 is bilinear from 256 (L/16: 242), except H/14, which was published as SWAG only; SWAG is
    bicubic without a crop.
    """
    short = min(config.input_size)
    swag = short > 320 or config.width == 1280
    large = config.width == 1024 and config.patch == 16
    edge = short if swag else (242 if large else 256) * short // 224
    resize = Preprocessing(
        config.input_size,
        config.patch,
        IMAGENET_MEAN,
        IMAGENET_STD,
        edge=edge,
        interpolation="bicubic" if swag else "bilinear",
    )
    note = (
        f"Preprocessing is assumed: shorter edge to {edge}, {resize.interpolation}, ImageNet mean "
        "and std, as torchvision's published weights of this size want it."
    )
    return resize, (Assumption("preprocessing", note),)


READER = Reader(
    "torchvision",
    "torchvision (vit_b_16 and its kin)",
    recognises,
    config,
    convert,
    preprocessing,
)
