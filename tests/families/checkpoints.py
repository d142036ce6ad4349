"""Weights of a toy network, as its reader takes them."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import save_file

from vitviz.models.checkpoints.said import NOT_SAID
from vitviz.models.family import Family


def save_toy(family: Family, path: Path) -> Path:
    """A checkpoint of a family's smallest network."""
    (reader,) = family.readers()
    config, _ = reader.config({}, NOT_SAID)
    weights = {name: t.contiguous() for name, t in family.build(config).state_dict().items()}
    save_file(weights, path)
    return path
