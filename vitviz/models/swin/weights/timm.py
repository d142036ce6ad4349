"""Checkpoints in the names of the authors, and in timm's, which has a stage's merging at its
beginning where they have it at the end of the one before.

Sources: microsoft/Swin-Transformer ``models/swin_transformer.py`` and ``swin_transformer_v2.py``,
``data/build.py``; timm ``swin_transformer.py`` and ``swin_transformer_v2.py``.
"""

from __future__ import annotations

import re

from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.reader import Assumption, Notes, Reader, Tensors
from vitviz.models.checkpoints.said import NOT_SAID, Said
from vitviz.models.swin.config import SwinConfig
from vitviz.models.swin.weights import shapes
from vitviz.models.vit.weights.timm import IMAGENET_MEAN, IMAGENET_STD

NOT_NEEDED = re.compile(r"mask_token$|decoder\.")
"""Of masked image modelling (SimMIM), which has to do with training only."""


def timm_place(key: str) -> str | None:
    """Where the network has a parameter of timm's."""
    if NOT_NEEDED.match(key):
        return None
    key = re.sub(r"^layers\.(\d+)\.downsample\.", r"stages.\1.merge.", key)
    key = re.sub(r"^layers\.(\d+)\.", r"stages.\1.", key)
    return re.sub(r"^head\.fc\.", "head.", key)


def authors_place(key: str) -> str | None:
    """Where the network has a parameter of the authors'."""
    if NOT_NEEDED.match(key):
        return None
    if match := re.match(r"layers\.(\d+)\.downsample\.(.*)", key):
        return f"stages.{int(match[1]) + 1}.merge.{match[2]}"
    return re.sub(r"^layers\.(\d+)\.", r"stages.\1.", key)


def _is_swin(tensors: Tensors) -> bool:
    return {"patch_embed.proj.weight", "layers.0.blocks.0.attn.qkv.weight"} <= tensors.keys()


def recognises(tensors: Tensors) -> bool:
    """Whether the names are timm's."""
    return _is_swin(tensors) and not by_the_authors(tensors)


def by_the_authors(tensors: Tensors) -> bool:
    """Whether the names are the authors': their first stage ends with a merging."""
    return _is_swin(tensors) and "layers.0.downsample.reduction.weight" in tensors


def config(tensors: Tensors, said: Said = NOT_SAID) -> tuple[SwinConfig, Notes]:
    """The network, from the shapes of timm's parameters."""
    return shapes.infer(tensors, timm_place, said, "as trained", shift_first=True)


def config_by_the_authors(tensors: Tensors, said: Said = NOT_SAID) -> tuple[SwinConfig, Notes]:
    """The network, from the shapes of the authors' parameters."""
    return shapes.infer(tensors, authors_place, said, "as trained")


def convert(tensors: Tensors, config: SwinConfig) -> Tensors:
    """Timm's parameters under our names."""
    return shapes.convert(tensors, config, timm_place)


def convert_by_the_authors(tensors: Tensors, config: SwinConfig) -> Tensors:
    """The authors' parameters under our names."""
    return shapes.convert(tensors, config, authors_place)


def preprocessing(config: SwinConfig) -> tuple[Preprocessing, Notes]:
    """As timm evaluates: the crop is 0.9 of the shorter edge; above 320 there is no crop."""
    short = min(config.input_size)
    return _preprocessing(config, short if short > 320 else int(short / 0.9), "timm evaluates")


def preprocessing_by_the_authors(config: SwinConfig) -> tuple[Preprocessing, Notes]:
    """As the authors evaluate: the shorter edge is 8/7 of the crop."""
    return _preprocessing(config, min(config.input_size) * 256 // 224, "the authors evaluate")


def _preprocessing(config: SwinConfig, edge: int, who: str) -> tuple[Preprocessing, Notes]:
    note = (
        f"Preprocessing is assumed: shorter edge to {edge}, bicubic, ImageNet mean and std, as "
        f"{who}."
    )
    return Preprocessing(config.input_size, config.patch, IMAGENET_MEAN, IMAGENET_STD, edge=edge), (
        Assumption("preprocessing", note),
    )


READER = Reader(
    "timm-swin", "timm (Swin, Swin v2)", recognises, config, convert, preprocessing,
)  # fmt: skip

MICROSOFT = Reader(
    "swin", "microsoft/Swin-Transformer (Swin, Swin v2)", by_the_authors, config_by_the_authors,
    convert_by_the_authors, preprocessing_by_the_authors,
)  # fmt: skip
