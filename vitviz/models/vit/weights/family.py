"""What a reader of checkpoints is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.vit.config import ViTConfig

Tensors = Mapping[str, Tensor]
"""Parameters by name."""

Notes = tuple[str, ...]
"""What had to be assumed, one line each, for the user to read."""


@dataclass(frozen=True)
class Family:
    """Checkpoints that name their parameters alike.

    Args:
        name: As in a model card's ``keys``.
        title: For people.
        recognises: Whether a checkpoint is of this family; says nothing about its being whole.
        config: The network, from the shapes, and for what shapes do not tell from a card's
            config, or from a documented assumption where there is no card.
        convert: The parameters under the names of ``vitviz.models.vit.network``, exactly those
            it has.
        preprocessing: What the family's models usually want.
    """

    name: str
    title: str
    recognises: Callable[[Tensors], bool]
    config: Callable[[Tensors, ViTConfig | None], tuple[ViTConfig, Notes]]
    convert: Callable[[Tensors, ViTConfig], Tensors]
    preprocessing: Callable[[ViTConfig], tuple[Preprocessing, Notes]]
