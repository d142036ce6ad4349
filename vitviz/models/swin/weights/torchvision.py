"""Checkpoints in the names of torchvision's ``swin_t``, ``swin_v2_t`` and their kin.

Source: torchvision ``models/swin_transformer.py``: the names, and the preprocessing of each
``Weights``.
"""

from __future__ import annotations

import re

from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.reader import Assumption, Notes, Reader, Tensors
from vitviz.models.checkpoints.said import NOT_SAID, Said
from vitviz.models.swin.config import SwinConfig
from vitviz.models.swin.weights import shapes
from vitviz.models.vit.weights.timm import IMAGENET_MEAN, IMAGENET_STD

PLACES = (
    (re.compile(r"^features\.0\.0\."), "patch_embed.proj."),
    (re.compile(r"^features\.0\.2\."), "patch_embed.norm."),
    (re.compile(r"\.mlp\.0\."), ".mlp.fc1."),
    (re.compile(r"\.mlp\.3\."), ".mlp.fc2."),
)

EDGES = {
    (1, 2, 6): 232, (1, 2, 18): 246, (2, 2, 6): 260, (2, 2, 18): 260,
}  # fmt: skip
"""To what the shorter edge is resized, by version, blocks of the first and of the third stage."""


def our_place(key: str) -> str:
    """Where the network has a parameter: stages and merges take turns in the list of features."""
    for pattern, place in PLACES:
        key = pattern.sub(place, key)
    if match := re.match(r"features\.(\d+)\.(.*)", key):
        number, rest = int(match[1]), match[2]
        if number % 2:
            return f"stages.{number // 2}.blocks.{rest}"
        return f"stages.{number // 2}.merge.{rest}"
    return key


def recognises(tensors: Tensors) -> bool:
    """Whether the names are torchvision's."""
    return {"features.0.0.weight", "features.1.0.attn.qkv.weight"} <= tensors.keys() and any(
        key.startswith("features.1.0.attn.relative_position") or key.endswith("logit_scale")
        for key in tensors
    )


def config(tensors: Tensors, said: Said = NOT_SAID) -> tuple[SwinConfig, Notes]:
    """The network, from the shapes."""
    return shapes.infer(tensors, our_place, said, "each axis")


def convert(tensors: Tensors, config: SwinConfig) -> Tensors:
    """The parameters under our names."""
    return shapes.convert(tensors, config, our_place)


def preprocessing(config: SwinConfig) -> tuple[Preprocessing, Notes]:
    """As the published weights of each size want it: bicubic, a little more than the crop."""
    large = {(1, 128): 238, (2, 128): 272}.get((config.version, config.width))
    usual = {1: 232, 2: 260}[config.version]
    edge = large or EDGES.get((config.version, config.depths[0], max(config.depths)), usual)
    trained = 224 if config.version == 1 else 256
    edge = edge * min(config.input_size) // trained
    note = (
        f"Preprocessing is assumed: shorter edge to {edge}, bicubic, ImageNet mean and std, as "
        "torchvision's published weights of this size want it."
    )
    return Preprocessing(config.input_size, config.patch, IMAGENET_MEAN, IMAGENET_STD, edge=edge), (
        Assumption("preprocessing", note),
    )


READER = Reader(
    "torchvision-swin",
    "torchvision (swin_t, swin_v2_t and their kin)",
    recognises,
    config,
    convert,
    preprocessing,
)
