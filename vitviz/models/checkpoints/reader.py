"""What a reader of checkpoints is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.config import Config

Tensors = Mapping[str, Tensor]
"""Parameters by name."""

Notes = tuple[str, ...]
"""What had to be assumed, one line each, for the user to read."""


@dataclass(frozen=True)
class Reader:
    """Reads checkpoints that name their parameters alike.

    Args:
        name: As in a model card's ``keys``.
        title: For people.
        recognises: Whether a checkpoint names them so; says nothing about its being whole.
        config: The network, from the shapes, and for what shapes do not tell from a card's
            config, or from a documented assumption where there is no card.
        convert: The parameters under the names of the family's network, exactly those it has.
        preprocessing: What models with these names usually want.
    """

    name: str
    title: str
    recognises: Callable[[Tensors], bool]
    config: Callable[[Tensors, Config | None], tuple[Config, Notes]]
    convert: Callable[[Tensors, Config], Tensors]
    preprocessing: Callable[[Config], tuple[Preprocessing, Notes]]
