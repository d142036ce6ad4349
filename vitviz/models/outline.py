"""All that anybody outside ``models`` and ``tracing`` may know of a network.

What a program shows, offers and refuses follows from this and from nothing else of a network, so
that a new family of networks changes nothing outside its own folder.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from vitviz.imaging.geometry import Geometry, covering
from vitviz.models.tokens import TokenLayout

Ability = Literal[
    "attention",
    "values",
    "states",
    "gradients",
    "rerun",
    "drop",
    "path",
    "sequence",
    "neurons",
    "classes",
    "decoder",
    "text",
]
"""What a network gives to those who ask.

attention: which tokens each token looks at, by layer and head; values: what the heads mix; states:
what each layer puts out; gradients: how a logit depends on these; rerun: an answer to an input
that was changed; drop: one without some of its patches, the others being where they were; path:
each layer's patches are those of the layer before, or two by two (three by three, ...) of them that
were merged, so that a path from layer to layer can be followed; sequence: one and the same sequence
of tokens through all layers; neurons: what its MLPs' neurons put out (``models.neurons``), and room
for one more token; classes: a head that tells classes apart; decoder: pixels from tokens;
text: an answer to words.
"""

NO_CLASSES = "it was trained without labels, or its classifier is not in the file"
"""Why a network has none, as far as anybody can tell from its weights."""

REGISTER = "reg1"
"""What a register that was added is called: as the first one of networks that have some."""

Pool = Literal["cls", "mean", "cls+mean", "map", ""]
"""What a network's head reads: the CLS token, the mean of its patches, both, or a map of weights
that it learned ("map": attention pooling); "" where that is not known.
"""


@dataclass(frozen=True)
class LayerOutline:
    """One layer, from outside.

    Args:
        name: For people, unique in the network: "block 3", "stage 2, block 1".
        grid: Rows and columns of the patches that it puts out.
        patch: Side of such a patch, in input pixels, which is how far its centre is from the next
            one's; where it does not divide the input, the last patches reach past its edge.
        heads: Attention heads; 0 where it has none.
        window: Rows and columns of patches that look at each other; None where all do.
        width: Numbers a patch.
        shift: By how many rows and columns the windows are shifted.
        cuts: The rows, and the columns, before which other windows begin.
        offset: Top and left of the first patch, in input pixels: of a convolution with a stride,
            patches are not even tiles, but lie around the centres of what they are made from.
        receptive: Side in input pixels of the square around a patch's centre outside of which the
            input cannot change it; infinite where all of the input can, None where that is not
            known.
    """

    name: str
    grid: tuple[int, int]
    patch: int
    heads: int = 0
    window: tuple[int, int] | None = None
    width: int = 0
    shift: tuple[int, int] = (0, 0)
    cuts: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    offset: tuple[float, float] = (0.0, 0.0)
    receptive: float | None = None


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
        pool: What its classes, or its features, are read from.
        readouts: The prefix tokens, where each of several has a head of its own ("cls", "dist" of a
            distilled DeiT): the answer is the mean of theirs. Empty where one head reads all.
        read_layers: From how many of the last layers the head reads; it has no answer to one alone
            where that is more than one.
    """

    layers: tuple[LayerOutline, ...]
    prefix: tuple[str, ...]
    classes: int
    parameters: int
    gives: frozenset[Ability]
    sizes: tuple[tuple[str, int], ...] = ()
    pool: Pool = ""
    readouts: tuple[str, ...] = ()
    read_layers: int = 1

    @property
    def depth(self) -> int:
        """How many layers it has."""
        return len(self.layers)

    def receptive(self, layer: int) -> float | None:
        """How much of the input a patch of a layer sees through convolutions (``LayerOutline``);
        None where that is not known, or where attention looks at all of it.
        """
        here = self.layers[layer]
        return None if here.heads else here.receptive

    @property
    def heads(self) -> int:
        """The most heads that any of its layers has."""
        return max(layer.heads for layer in self.layers)

    @property
    def has_registers(self) -> bool:
        """It was trained with tokens that hold nothing of the photo's own."""
        return any(name.startswith("reg") for name in self.prefix)

    def with_register(self) -> Outline:
        """With a register that was added to its prefix: a network that had none."""
        return replace(self, prefix=(*self.prefix, REGISTER), gives=self.gives - {"decoder"})

    @property
    def reads_all_depths(self) -> bool:
        """Whether its head can read what its earlier layers put out: it tells classes apart, reads
        one layer alone, and all layers have one and the same sequence of tokens.
        """
        return {"classes", "sequence", "states"} <= self.gives and self.read_layers == 1

    @property
    def default_query(self) -> str:
        """Whose attention is asked about unless somebody says otherwise: "cls", where the classes
        are read from it; else "patches", the mean over all of them.

        A token that nothing is read from says little of what decides.
        """
        reads_cls = self.pool in ("cls", "cls+mean", "")
        return "cls" if reads_cls and "cls" in self.prefix else "patches"

    def tokens(self, layer: int) -> TokenLayout:
        """Which token is which in a layer, from 0."""
        return TokenLayout(self.prefix, self.layers[layer].grid)

    def geometry(self, layer: int, geometry: Geometry) -> Geometry:
        """Where the patches of a layer lie on the photo; ``geometry`` is of the same input."""
        here = self.layers[layer]
        usual = here.grid == covering(geometry.input_size, here.patch)
        there = replace(
            geometry, patch=here.patch, offset=here.offset, cells=None if usual else here.grid
        )
        return geometry if there == geometry else there

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

    def tokens_in(self, layer: int, tokens: tuple[int, ...], geometry: Geometry) -> tuple[int, ...]:
        """The tokens of a layer over the same places as some of the first, each once; ascending.

        Args:
            layer: From 0.
            tokens: Indices among the tokens of the first layer, ascending.
            geometry: Of the first layer.
        """
        first, here = self.tokens(0), self.tokens(layer)
        if first == here:
            return tokens
        if tokens == first.all_patches:
            return here.all_patches
        return tuple(sorted({self.token_in(layer, token, geometry) for token in tokens}))
