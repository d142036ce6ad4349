"""What vitviz knows about a model besides its weights."""

from __future__ import annotations

from dataclasses import dataclass

from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.vit import ViTConfig


@dataclass(frozen=True)
class ModelCard:
    """The facts shown in the window, and all that is needed to run the model.

    Args:
        id: Short and stable, fit for a command line: "vitviz-small-v0", or the file's stem.
        title: For people: "DeiT-Tiny/16".
        config: The network.
        preprocessing: How it wants its photos.
        classes: "imagenet-1k", or "" where the names of its classes are not known.
        licence: As the model's authors give it; "" where unknown.
        source: Where it comes from, one line.
        sha256: Of the weights file.
        bytes: Size of the weights file.
        notes: Assumptions the reader had to make (number of heads, preprocessing), one line each;
            the window shows them, since a wrong one gives plausible but wrong maps.
        measured: What was measured of it, name to number(s), as in the card's file.
    """

    id: str
    title: str
    config: ViTConfig
    preprocessing: Preprocessing
    classes: str = ""
    licence: str = ""
    source: str = ""
    sha256: str = ""
    bytes: int = 0
    notes: tuple[str, ...] = ()
