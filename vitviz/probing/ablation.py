"""What is taken from a network, or moved in it, while it is looked at: a choice, without arrays or
torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

import numpy as np

from vitviz.errors import VitvizError
from vitviz.imaging.geometry import Box, Geometry
from vitviz.models.outline import Outline
from vitviz.reading import Within
from vitviz.shapes import Bool

Fill = Literal["zero", "mean"]
"""What stands in the place of what a silenced head puts out: nothing, or its own mean over the
tokens of this photo, which leaves what it adds everywhere alike."""

Index = Annotated[int, Within(0, 1000)]
Coordinate = Annotated[float, Within(-1e7, 1e7)]

MOST_HEADS = 10_000
MOST_BOXES = 65_536
MOST_NEURONS = 1_000

HeadPlace = tuple[Index, Index]
"""Layer and head, from 0."""

Place = tuple[Coordinate, Coordinate, Coordinate, Coordinate]
"""Left, top, right and bottom of a removed patch, in photo pixels: on another grid, those patches
are removed whose centre lies in one."""


Neuron = tuple[Index, Annotated[int, Within(0, 1_000_000)]]
"""Layer and neuron of its MLP, from 0."""


@dataclass(frozen=True)
class Registers:
    """Neurons whose largest value goes to a token that is added, and is zero on all patches
    (``probing.registered``).

    Args:
        neurons: Which, sorted; none: nothing is moved, and no token added.
        weights: SHA-256 of the weights that they are neurons of.
        bound: From how many MADs above the median norm on a patch was an outlier, where they were
            looked for.
        photos: On how many photos with outliers they were found.
    """

    neurons: Annotated[tuple[Neuron, ...], Within(0, MOST_NEURONS)] = ()
    weights: Annotated[str, Within(0, 64)] = ""
    bound: Annotated[float, Within(0, 1e6)] = 0.0
    photos: Annotated[int, Within(0, 1 << 20)] = 0

    def __bool__(self) -> bool:
        """Whether anything is moved."""
        return bool(self.neurons)

    def of_layer(self, layer: int) -> tuple[int, ...]:
        """The register neurons of one layer."""
        return tuple(neuron for of, neuron in self.neurons if of == layer)


@dataclass(frozen=True)
class Ablation:
    """Heads that are silent, patches that are gone, and neurons that a register takes over.

    Args:
        heads: Which heads, sorted.
        fill: What they put out instead.
        places: Where patches are removed.
        registers: Which neurons are moved to a token that is added.
    """

    heads: Annotated[tuple[HeadPlace, ...], Within(0, MOST_HEADS)] = ()
    fill: Fill = "zero"
    places: Annotated[tuple[Place, ...], Within(0, MOST_BOXES)] = ()
    registers: Registers = field(default_factory=Registers)

    def __bool__(self) -> bool:
        """Whether the network is not as it was trained."""
        return bool(self.heads or self.places or self.registers)

    def silenced(self, layer: int) -> tuple[int, ...]:
        """The silent heads of one layer."""
        return tuple(head for of, head in self.heads if of == layer)

    def with_head(self, layer: int, head: int, silent: bool) -> Ablation:
        """With one head silent, or heard again."""
        rest = set(self.heads) - {(layer, head)}
        return replace(self, heads=tuple(sorted(rest | ({(layer, head)} if silent else set()))))

    def with_place(self, box: Box, gone: bool) -> Ablation:
        """With the patch in a box of the photo removed, or there again."""
        place = _rounded(box)
        rest = tuple(other for other in self.places if other != place)
        if gone and len(rest) >= MOST_BOXES:
            return self
        return replace(self, places=(*rest, place) if gone else rest)

    def has_place(self, box: Box) -> bool:
        """Whether the patch in a box of the photo is removed."""
        return _rounded(box) in self.places

    def removed(self, geometry: Geometry) -> Bool[np.ndarray, "rows cols"]:
        """Which patches of a grid are gone.

        Args:
            geometry: Of that grid, on the same photo.
        """
        found = np.zeros(geometry.grid, bool)
        for left, top, right, bottom in self.places:
            first = geometry.to_input(left, top)
            last = geometry.to_input(right, bottom)
            # Centres of patches, in patches, lie half-way between whole numbers.
            cols = _between(first[0] / geometry.patch, last[0] / geometry.patch)
            rows = _between(first[1] / geometry.patch, last[1] / geometry.patch)
            found[rows, cols] = True
        return found

    def with_patches(self, geometry: Geometry, removed: Bool[np.ndarray, "rows cols"]) -> Ablation:
        """With exactly these patches gone.

        Args:
            geometry: Of their grid.
            removed: Which.
        """
        boxes = (geometry.patch_box(int(row), int(col)) for row, col in np.argwhere(removed))
        return replace(self, places=tuple(_rounded(box) for box in boxes))


def require_room(outline: Outline) -> None:
    """Refuses networks that can have no test-time register.

    Args:
        outline: Of the network as it was trained.

    Raises:
        VitvizError: It is such a network.
    """
    if outline.has_registers:
        why = "it was trained with registers of its own"
    elif not {"neurons", "states"} <= outline.gives:
        why = "it has no MLP neurons of tokens, or no room for a token that lies nowhere"
    else:
        return
    raise VitvizError(
        f"This model can have no test-time register: {why}.",
        "Choose a Vision Transformer that was trained without registers.",
    )


def _between(first: float, last: float) -> slice:
    """The whole numbers whose half-way points lie between two numbers, none of them negative."""
    start, stop = int(np.ceil(first - 0.5)), int(np.floor(last - 0.5)) + 1
    return slice(max(start, 0), max(stop, 0))


def _rounded(box: Box) -> Place:
    """A box of which the text in a file is short; a thousandth of a pixel moves no centre."""
    left, top, right, bottom = (round(value, 3) for value in box)
    return left, top, right, bottom
