"""The text tower that stands beside an image tower."""

from __future__ import annotations

from dataclasses import replace

from vitviz.models.checkpoints.reader import Notes, Tensors
from vitviz.models.checkpoints.said import Said
from vitviz.models.config import Activation
from vitviz.models.text.weights import text_config
from vitviz.models.vit.config import ViTConfig


def with_text(
    config: ViTConfig, notes: Notes, tensors: Tensors, said: Said, activation: Activation
) -> tuple[ViTConfig, Notes]:
    """An image tower's configuration and notes, with those of the text tower in the same file.

    Args:
        config: Of the image tower.
        notes: On it.
        tensors: Of the whole file.
        said: What is said beside it.
        activation: As for ``text_config``.
    """
    if config.classes:  # what it puts out is no vector that texts have, too
        return config, notes
    text, more = text_config(tensors, said, config.projection or config.features, activation)
    return replace(config, text=text), (*notes, *more)
