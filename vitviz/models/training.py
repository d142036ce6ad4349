"""What training needs of a family of networks (see ``Family.training``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from torch import Tensor

Own = Any
"""A network of the family's own class."""

Kind = Literal["matrix", "vector", "tokens"]


class Role(NamedTuple):
    """What a parameter is in its network.

    Args:
        layer: Where it is, from 0; -1 before the first layer (the embedding), the number of layers
            behind the last one (the head).
        kind: A "matrix" maps its input, and only matrices decay; a "vector" is a bias, a norm or a
            scale; "tokens" are learned tokens and positions.
        head: Whether it belongs to the classifier.
    """

    layer: int
    kind: Kind
    head: bool


@dataclass(frozen=True)
class Training:
    """How networks of one family are made for training, and what their parameters are.

    Args:
        config_of: The configuration of a network.
        depths: How many layers a student can have that learns from a network layer by layer.
        student: A network of another one's shape but for its number of layers, its weights random
            by a seed; on the same device.
        classifier: A network with another head, of so many classes, which begins at zero, and all
            else as it is; on the same device.
        roles: What each parameter is, by its name.
        forward: Logits of normalised images (batch 3 height width), each residual branch of each
            layer multiplied with a number for each image (layers 2 batch): stochastic depth.
    """

    config_of: Callable[[Own], Any]
    depths: Callable[[Own], tuple[int, ...]]
    student: Callable[[Own, int, int], Own]
    classifier: Callable[[Own, int], Own]
    roles: Callable[[Own], Mapping[str, Role]]
    forward: Callable[[Own, Tensor, Tensor], Tensor]
