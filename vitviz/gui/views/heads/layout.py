"""Where the tiles of the layers x heads matrix are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, QSize

LEAST_WIDTH = 84
MOST_WIDTH = 360
GAP = 12
LEFT = 76
"""Width of the frozen labels at the left."""

TOP = 30
"""Height of the frozen labels above."""

ABOVE = 18
"""Height of the label above each tile, where tiles are in lines."""

GAIN = 1.2
"""How much larger tiles must become for layers not to stand below each other."""

Place = tuple[int, int]
"""A layer and a head, by their numbers among those shown; or a row and a column of tiles."""

Arrangement = Literal["down", "across", "lines"]
"""Layers below each other; layers beside each other; or, where each has one map, in lines as of a
text, with a label above each."""


@dataclass(frozen=True)
class HeadLayout:
    """Tiles as large as lets all be in sight, within limits.

    Args:
        shape: Layers and heads; both may be 0.
        aspect: Width of the photo by its height.
        room: Of the viewport, in widget pixels.
        scrolled: How far, (right, down), in widget pixels.
    """

    shape: Place
    aspect: float
    room: QSize
    scrolled: tuple[int, int] = (0, 0)

    @cached_property
    def arrangement(self) -> Arrangement:
        """The one whose tiles are the largest; few heads of many layers lie across."""
        layers, heads = self.shape
        down = self._width(layers, heads, left=LEFT, top=TOP)
        if heads == 1 and layers > 1:
            return "lines"
        across = self._width(heads, layers, left=LEFT, top=TOP)
        return "across" if across > GAIN * down else "down"

    @cached_property
    def grid(self) -> Place:
        """Rows and columns of tiles."""
        layers, heads = self.shape
        if self.arrangement == "across":
            return heads, layers
        if self.arrangement == "down":
            return layers, heads
        counts = [(math.ceil(layers / cols), cols) for cols in range(1, layers + 1)]
        return max(counts, key=lambda at: (self._width(*at, left=GAP, top=0, above=ABOVE), -at[0]))

    @property
    def left(self) -> int:
        """Width of the labels at the left."""
        return GAP if self.arrangement == "lines" else LEFT

    @property
    def top(self) -> int:
        """Height of the labels above all."""
        return 0 if self.arrangement == "lines" else TOP

    @property
    def above(self) -> int:
        """Height of the label above each tile."""
        return ABOVE if self.arrangement == "lines" else 0

    def _width(self, rows: int, cols: int, *, left: int, top: int, above: int = 0) -> float:
        """Of a tile, were there so many rows and columns."""
        across = (self.room.width() - left) / max(cols, 1) - GAP
        down = (self.room.height() - top - GAP) / max(rows, 1) - GAP - above
        return min(max(min(across, down * self._ratio), LEAST_WIDTH), MOST_WIDTH)

    @property
    def _ratio(self) -> float:
        """The photo's own shape, unless that is extreme."""
        return min(max(self.aspect, 0.5), 2.2)

    @cached_property
    def tile_size(self) -> QSize:
        """Of one tile."""
        best = int(self._width(*self.grid, left=self.left, top=self.top, above=self.above))
        return QSize(best, round(best / self._ratio))

    @cached_property
    def pitch(self) -> QSize:
        """From a tile to the next, to the right and down."""
        size = self.tile_size
        return QSize(size.width() + GAP, size.height() + GAP + self.above)

    @cached_property
    def content(self) -> QSize:
        """Of all tiles with their gaps, without the labels at the left and above all."""
        rows, cols = self.grid
        return QSize(cols * self.pitch.width(), rows * self.pitch.height() + GAP)

    @cached_property
    def begins(self) -> int:
        """Where the labels begin; the whole matrix is in the middle where there is room."""
        return max(self.room.width() - self.left - self.content.width(), 0) // 2

    @property
    def scroll_range(self) -> tuple[int, int]:
        """How far it can be scrolled, (right, down)."""
        return (
            max(self.content.width() - self.room.width() + self.left, 0),
            max(self.content.height() - self.room.height() + self.top, 0),
        )

    @property
    def page(self) -> QSize:
        """The part of the viewport that scrolls, without the labels."""
        return QSize(self.room.width() - self.left, self.room.height() - self.top)

    def cell(self, place: Place) -> Place:
        """Row and column of the tile of a layer and head."""
        layer, head = place
        if self.arrangement == "lines":
            return divmod(layer, self.grid[1])
        return (head, layer) if self.arrangement == "across" else (layer, head)

    def place(self, cell: Place) -> Place | None:
        """The layer and head of a tile; None where there is none."""
        row, col = cell
        rows, cols = self.grid
        if not (0 <= row < rows and 0 <= col < cols):
            return None
        if self.arrangement == "lines":
            layer = row * cols + col
            return (layer, 0) if layer < self.shape[0] else None
        return (col, row) if self.arrangement == "across" else (row, col)

    def box(self, place: Place) -> QRectF:
        """Where the tile of a layer and head is on the viewport."""
        row, col = self.cell(place)
        size, pitch = self.tile_size, self.pitch
        return QRectF(
            self.begins + self.left + col * pitch.width() - self.scrolled[0],
            self.top + self.above + GAP // 2 + row * pitch.height() - self.scrolled[1],
            size.width(),
            size.height(),
        )

    def at(self, point: QPointF) -> Place | None:
        """The layer and head whose tile is under a point of the viewport."""
        if point.x() < self.left or point.y() < self.top or 0 in self.shape:
            return None
        first = self.box((0, 0))
        col = math.floor((point.x() - first.left()) / self.pitch.width())
        row = math.floor((point.y() - first.top()) / self.pitch.height())
        place = self.place((row, col))
        return place if place is not None and self.box(place).contains(point) else None

    def in_sight(self) -> list[Place]:
        """Layers and heads whose tiles are, row by row."""
        area = QRectF(self.left, self.top, self.page.width(), self.page.height())
        rows, cols = self.grid
        places = (self.place((row, col)) for row in range(rows) for col in range(cols))
        return [p for p in places if p is not None and self.box(p).intersects(area)]

    def stepped(self, place: Place, down: int, right: int) -> Place:
        """The place so many tiles further, or the nearest that exists."""
        rows, cols = self.grid
        row, col = self.cell(place)
        row = min(max(row + down, 0), max(rows - 1, 0))
        col = min(max(col + right, 0), max(cols - 1, 0))
        found = self.place((row, col))
        return found if found is not None else self.nearest(self.shape[0] - 1, 0)

    def nearest(self, layer: int, head: int) -> Place:
        """The place, or the nearest that exists."""
        layers, heads = self.shape
        return min(max(layer, 0), max(layers - 1, 0)), min(max(head, 0), max(heads - 1, 0))

    def to_reveal(self, place: Place) -> tuple[int, int]:
        """How far to scroll, (right, down), to bring a tile into sight."""
        box = self.box(place).adjusted(0, -self.above, 0, 0)
        right = box.left() - GAP - self.left, box.right() + GAP - self.room.width()
        down = box.top() - GAP - self.top, box.bottom() + GAP - self.room.height()
        return (round(min(right[0], 0) + max(right[1], 0)),
                round(min(down[0], 0) + max(down[1], 0)))  # fmt: skip
