"""What a reader of checkpoints is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.said import Assumption, Notes, Said, texts
from vitviz.models.config import Config

__all__ = ["Assumption", "Notes", "Reader", "Said", "Tensors", "texts"]

Tensors = Mapping[str, Tensor]
"""Parameters by name."""


@dataclass(frozen=True)
class Reader:
    """Reads checkpoints that name their parameters alike.

    Args:
        name: As in a model card's ``keys``.
        title: For people.
        recognises: Whether a checkpoint names them so, by names and shapes alone (the tensors may
            be on the meta device); says nothing about its being whole.
        config: The network, from the shapes, and for what shapes do not tell from what is said
            beside them, or else from a documented assumption, which is noted.
        convert: The parameters under the names of the family's network, exactly those it has.
        preprocessing: What models with these names usually want; what is said goes over it.
        knows: Whether a key is one of its names, for saying which names of a stranger do not fit;
            None: whatever it is.
    """

    name: str
    title: str
    recognises: Callable[[Tensors], bool]
    config: Callable[[Tensors, Said], tuple[Config, Notes]]
    convert: Callable[[Tensors, Config], Tensors]
    preprocessing: Callable[[Config], tuple[Preprocessing, Notes]]
    knows: Callable[[str], bool] | None = None
