"""All that anybody outside ``models`` and ``tracing`` may know of a network.

What a program shows, offers and refuses follows from this and from nothing else of a network, so
that a new family of networks changes nothing outside its own folder.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from vitviz.imaging.geometry import Geometry
from vitviz.models.tokens import TokenLayout

Ability = Literal[
    "attention",
    "values",
    "states",
    "gradients",
    "rerun",
    "drop",
    "sequence",
    "classes",
    "decoder",
    "text",
]
"""What a network gives to those who ask.

attention: which tokens each token looks at, by layer and head; values: what the heads mix; states:
what each layer puts out; gradients: how a logit depends on these; rerun: an answer to an input
that was changed; drop: one without some of its patches, the others being where they were;
sequence: one and the same sequence of tokens through all layers, which a path from layer to layer
can follow; classes: a head that tells classes apart; decoder: pixels from tokens; text: an answer
to words.
"""


@dataclass(frozen=True)
class LayerOutline:
    """One layer, from outside.

    Args:
        name: For people, unique in the network: "block 3", "stage 2, block 1".
        grid: Rows and columns of the patches that it puts out.
        patch: Side of such a patch, in input pixels; where it does not divide the input, the last
            patches reach past its edge.
        heads: Attention heads; 0 where it has none.
        window: Rows and columns of patches that look at each other; None where all do.
        width: Numbers a patch.
    """

    name: str
    grid: tuple[int, int]
    patch: int
    heads: int = 0
    window: tuple[int, int] | None = None
    width: int = 0


@dataclass(frozen=True)
class Outline:
    """A network at one size of its input, from outside.

    Args:
        layers: From the input to the output; at least one.
        prefix: Names of the tokens before the patches, the same in every layer: "cls", "reg1".
        classes: How many its head tells apart; 0 where it has none.
        parameters: How many numbers it has learned.
        gives: What it can be asked for.
        sizes: Its other sizes, named as its field does: ("width", 192), ("patch", 16).
    """

    layers: tuple[LayerOutline, ...]
    prefix: tuple[str, ...]
    classes: int
    parameters: int
    gives: frozenset[Ability]
    sizes: tuple[tuple[str, int], ...] = ()

    @property
    def depth(self) -> int:
        """How many layers it has."""
        return len(self.layers)

    @property
    def heads(self) -> int:
        """The most heads that any of its layers has."""
        return max(layer.heads for layer in self.layers)

    def tokens(self, layer: int) -> TokenLayout:
        """Which token is which in a layer, from 0."""
        return TokenLayout(self.prefix, self.layers[layer].grid)

    def geometry(self, layer: int, geometry: Geometry) -> Geometry:
        """Where the patches of a layer lie on the photo; ``geometry`` is of the same input."""
        patch = self.layers[layer].patch
        return geometry if patch == geometry.patch else replace(geometry, patch=patch)

    def token_in(self, layer: int, token: int, geometry: Geometry) -> int:
        """The token of a layer over the same place as a token of the first.

        Args:
            layer: From 0.
            token: Index among the tokens of the first layer.
            geometry: Of the first layer.
        """
        first, here = self.tokens(0), self.tokens(layer)
        patch = first.patch(token)
        if patch is None or first == here:
            return token
        centre = geometry.patch_box(*patch).centre
        return here.index(*self.geometry(layer, geometry).nearest_patch(*centre))
