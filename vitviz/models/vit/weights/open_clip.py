"""OpenCLIP's models whose image tower is one of timm's: SigLIP, EVA-02, BiomedCLIP.

Source: mlfoundations/open_clip ``timm_model.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from vitviz.errors import CheckpointError
from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.reader import Notes, Reader, Tensors
from vitviz.models.checkpoints.said import NOT_SAID, Said
from vitviz.models.vit.config import ViTConfig
from vitviz.models.vit.weights import clip, dinov3, relatives, siglip, timm
from vitviz.models.vit.weights.text import with_text

TRUNK, PROJECTION = "visual.trunk.", "visual.head.proj.weight"


def _tower(tensors: Tensors) -> dict[str, Tensor]:
    """The image tower under timm's names, with the projection that stands beside it."""
    trunk = clip.tower(tensors, TRUNK)
    return trunk | ({"proj.weight": tensors[PROJECTION]} if PROJECTION in tensors else {})


def _reader(tower: Tensors) -> Reader:
    readers = (clip.READER, siglip.READER, dinov3.READER, relatives.READER, timm.READER)
    reader = next((one for one in readers if one.recognises(tower)), None)
    if reader is None:
        some = ", ".join(key[:60] for key in list(tower)[:3])
        raise CheckpointError(
            f"The image tower of this OpenCLIP model ({some}, ...) is no ViT that vitviz reads.",
            "Its attention cannot be shown.",
        )
    return reader


def recognises(tensors: Tensors) -> bool:
    """Whether there is such a tower."""
    return any(key.startswith(TRUNK) for key in tensors)


def config(tensors: Tensors, said: Said = NOT_SAID) -> tuple[ViTConfig, Notes]:
    """The image tower, from the shapes."""
    tower = _tower(tensors)
    inside = said.arguments.get("model_cfg", said.arguments)
    vision = inside.get("vision_cfg", {}) if isinstance(inside, Mapping) else {}
    name = vision.get("timm_model_name") if isinstance(vision, Mapping) else None
    of_tower = replace(said, kind="timm", architecture=name) if isinstance(name, str) else said
    found: tuple[ViTConfig, Notes] = _reader(tower).config(tower, of_tower)
    quick = isinstance(inside, Mapping) and inside.get("quick_gelu") is True
    return with_text(*found, tensors, said, "quick_gelu" if quick else "gelu")


def convert(tensors: Tensors, config: ViTConfig) -> Tensors:
    """The image tower's parameters under our names."""
    tower = _tower(tensors)
    return _reader(tower).convert(tower, config)


def preprocessing(config: ViTConfig) -> tuple[Preprocessing, Notes]:
    """As SigLIP where a learned query pools, else as CLIP."""
    reader = siglip.READER if config.pool == "map" else clip.READER
    return reader.preprocessing(config)


READER = Reader(
    "open_clip", "OpenCLIP with one of timm's towers", recognises, config, convert, preprocessing
)
