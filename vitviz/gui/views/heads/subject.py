"""What the matrix of layers and heads shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vitviz.imaging.geometry import Geometry
from vitviz.maps.heat_map import Explanation, Head
from vitviz.maps.style import Style
from vitviz.shapes import UInt8


@dataclass(frozen=True, eq=False)
class Subject:
    """What the matrix shows.

    Args:
        explanation: Of every layer and head.
        thumbnail: The photo, small; sRGB.
        geometry: Of the maps.
        style: How they look.
    """

    explanation: Explanation
    thumbnail: UInt8[np.ndarray, "height width 3"]
    geometry: Geometry
    style: Style

    @property
    def heads(self) -> tuple[Head, ...]:
        """The columns: the mean and every head, or the one fusion that the method made."""
        if self.explanation.head is not None:
            return (self.explanation.head,)
        return ("mean", *range(max(len(m.values) for m in self.explanation.by_layer.values())))

    @property
    def layers(self) -> tuple[int, ...]:
        """The rows."""
        return self.explanation.layers

    def has(self, row: int, col: int) -> bool:
        """Whether there is a map in a row and column: the layer has such a head."""
        head = self.heads[col]
        of_layer = self.explanation.by_layer[self.layers[row]]
        return not isinstance(head, int) or head < len(of_layer.values)

    def draws_like(self, other: Subject | None) -> bool:
        """Whether its tiles look the same."""
        return (
            other is not None
            and self.explanation is other.explanation
            and self.thumbnail is other.thumbnail
            and self.geometry == other.geometry
            and self.style == other.style
        )
