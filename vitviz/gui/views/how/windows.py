"""What the first step of a network looks through: patches side by side, or windows that slide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vitviz.engine.station_answers import FirstState
from vitviz.gui.views.how.subject import Subject
from vitviz.imaging.geometry import Box, Geometry
from vitviz.shapes import Float32, UInt8


@dataclass(frozen=True, eq=False)
class Windows:
    """They lie on the input, in its pixels.

    Args:
        geometry: Of their places.
        side: Of a window.
        margins: How far the first one reaches past the left and the top edge.
        input: sRGB.
        first: The network's own numbers; None while they are not known.
    """

    geometry: Geometry
    side: int
    margins: tuple[int, int]
    input: UInt8[np.ndarray, "height width 3"]
    first: FirstState | None

    @property
    def tiles(self) -> bool:
        """They lie side by side."""
        return self.side == self.geometry.patch and self.margins == (0, 0)

    def corner(self, place: int) -> tuple[int, int]:
        """Top and left of a window."""
        row, col = divmod(place, self.geometry.grid[1])
        step = self.geometry.patch
        return row * step - self.margins[1], col * step - self.margins[0]

    def box(self, place: int) -> Box:
        """Where a window is."""
        top, left = self.corner(place)
        return Box(left, top, left + self.side, top + self.side)

    def pixels(self, place: int) -> UInt8[np.ndarray, "side side 3"]:
        """What is seen through a window; black beyond the input."""
        top, left = self.corner(place)
        found = np.zeros((self.side, self.side, 3), np.uint8)
        height, width = self.input.shape[:2]
        rows = slice(max(top, 0), min(top + self.side, height))
        cols = slice(max(left, 0), min(left + self.side, width))
        part = self.input[rows, cols]
        found[rows.start - top : rows.stop - top, cols.start - left : cols.stop - left] = part
        return found

    def numbers(self, place: int) -> Float32[np.ndarray, " numbers"] | None:
        """The same as the network gets it: a row; None while that is not known."""
        if self.first is None or self.first.embedding is None:
            return None
        row, col = divmod(place, self.geometry.grid[1])
        return self.first.embedding.window(row, col).reshape(-1)

    def place_of(self, subject: Subject) -> int:
        """The place over the patch that all is about; the middle one where it is about none."""
        rows, cols = self.geometry.grid
        patch = subject.patch
        if patch is None:
            return rows // 2 * cols + cols // 2
        first = subject.geometry
        centre = first.patch_box(*divmod(patch, first.grid[1])).centre
        row, col = self.geometry.nearest_patch(*centre)
        return row * cols + col

    def patch_at(self, subject: Subject, place: int) -> int:
        """The patch of the first layer over a place, row by row."""
        centre = self.geometry.patch_box(*divmod(place, self.geometry.grid[1])).centre
        row, col = subject.geometry.nearest_patch(*centre)
        return row * subject.geometry.grid[1] + col


def windows_of(subject: Subject, first: FirstState | None) -> Windows:
    """What the network looks through first.

    Args:
        subject: Of what.
        first: Its first step, as far as it is known: until then the patches of the first layer.
    """
    if first is None or first.embedding is None:
        geometry = subject.geometry
        return Windows(geometry, geometry.patch, (0, 0), subject.pixels, first)
    embedding, size = first.embedding, subject.geometry.input_size
    rows, cols = embedding.products.shape[:2]
    side, stride, (left, above) = embedding.side, embedding.stride, embedding.margins
    # Windows lie around their middles, which are a stride apart.
    offset = (side - stride) / 2
    geometry = Geometry(size, size, (0, 0), size, stride, (offset - above, offset - left),
                        (rows, cols))  # fmt: skip
    return Windows(geometry, side, (left, above), subject.pixels, first)
