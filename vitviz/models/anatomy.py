"""Parts that networks of all families have, for whoever shows how one comes to its answer."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from vitviz.shapes import Float


@dataclass(frozen=True, eq=False)
class Filters:
    """The first thing a network does: windows of the input, each times every filter.

    Args:
        weight: The filters.
        bias: What is added to each product; None: nothing.
        stride: From one window to the next, in pixels; a Vision Transformer's is the window's side.
        padding: Zeros before and after, of rows and columns: (left, right, top, bottom).
        after: What is done to the products, in order, for people.
    """

    weight: Float[Tensor, "width 3 side side"]
    bias: Float[Tensor, " width"] | None
    stride: int
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    after: tuple[str, ...] = ()

    def products(
        self, image: Float[Tensor, "1 3 height width"]
    ) -> Float[Tensor, "rows cols filters"]:
        """Each window times each filter, and the bias; without what comes ``after``."""
        padded = F.pad(image, self.padding)
        found: Tensor = F.conv2d(padded, self.weight, self.bias, self.stride)[0]
        return found.permute(1, 2, 0)


@dataclass(frozen=True, eq=False)
class Places:
    """How a network knows where its tokens lie.

    Args:
        added: To each token of the first state; None: nothing.
        within: What comes in later, in every block, for people: "rotary positions".
    """

    added: Float[Tensor, "tokens width"] | None = None
    within: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Reader:
    """A head: what it reads, and what it multiplies that with.

    Args:
        name: Of what it reads: "CLS", "the mean of all patches".
        features: What it reads of one photo.
        weight: A vector a class; its product with the features is the class's logit, but for...
        bias: ... what is added; None: nothing.
    """

    name: str
    features: Float[Tensor, " numbers"]
    weight: Float[Tensor, "classes numbers"]
    bias: Float[Tensor, " classes"] | None

    @property
    def logits(self) -> Float[Tensor, " classes"]:
        """Its own answer; a network's is the mean over its readers."""
        return F.linear(self.features, self.weight, self.bias)
