"""A small checkpoint whose grid is not square, with three prefix tokens, and a photo for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.torch import save_file

from tests.models.networks import SMALL, random_network
from vitviz.engine.plan import plan
from vitviz.engine.requests import ExplainRequest
from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.card import ModelCard, to_json
from vitviz.session.state import PhotoRef, Session, View

CARD = ModelCard(
    "small", "Small", SMALL,
    Preprocessing((12, 20), 4, (0.5,) * 3, (0.5,) * 3, "shortest edge, then centre crop", 20),
)  # fmt: skip

NOBODY = "\U00016a50"
"""A letter of a script that hardly any font has."""


def save_checkpoint(path: Path) -> Path:
    """3 x 5 patches, CLS and two registers, 2 layers, 3 heads, 7 classes."""
    save_file(dict(random_network(SMALL).state_dict()), path)
    path.with_suffix(".json").write_text(to_json(CARD), encoding="utf-8")
    return path


def of_class(checkpoint: Path, name: str) -> Path:
    """A copy of a checkpoint that ``save_checkpoint`` wrote, its first class called so."""
    path = checkpoint.with_name("named.safetensors")
    path.write_bytes(checkpoint.read_bytes())
    path.with_suffix(".json").write_text(
        to_json(replace(CARD, names=(name, *"bcdefg"))), encoding="utf-8"
    )
    return path


def save_photo(path: Path, seed: int, size: tuple[int, int] = (40, 60)) -> Path:
    """A random photo; size: height and width."""
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def request_for(photo: Path, checkpoint: Path, view: View | None = None) -> ExplainRequest:
    session = Session((PhotoRef(str(photo)),), model=str(checkpoint), view=view or View())
    (request,) = plan(session, "cpu")
    return request
