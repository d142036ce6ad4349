"""Where the tiles of the layers x heads matrix are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from PySide6.QtCore import QPointF, QRectF, QSize

LEAST_WIDTH = 84
MOST_WIDTH = 240
GAP = 12
LEFT = 76
"""Width of the frozen layer labels."""

TOP = 30
"""Height of the frozen head labels."""

Place = tuple[int, int]
"""Row and column of a tile in the matrix."""


@dataclass(frozen=True)
class HeadLayout:
    """Tiles in rows and columns, as large as lets all be in sight, within limits.

    Args:
        shape: Rows and columns; both may be 0.
        aspect: Width of the photo by its height.
        room: Of the viewport, in widget pixels.
        scrolled: How far, (right, down), in widget pixels.
    """

    shape: Place
    aspect: float
    room: QSize
    scrolled: tuple[int, int] = (0, 0)

    @cached_property
    def tile_size(self) -> QSize:
        """Of one tile; the photo's own shape, unless that is extreme."""
        rows, cols = self.shape
        aspect = min(max(self.aspect, 0.5), 2.2)
        across = (self.room.width() - LEFT) / max(cols, 1) - GAP
        down = (self.room.height() - TOP - GAP) / max(rows, 1) - GAP
        best = int(min(max(min(across, down * aspect), LEAST_WIDTH), MOST_WIDTH))
        return QSize(best, round(best / aspect))

    @cached_property
    def content(self) -> QSize:
        """Of all tiles with their gaps, without the labels."""
        rows, cols = self.shape
        return QSize(
            cols * (self.tile_size.width() + GAP), rows * (self.tile_size.height() + GAP) + GAP
        )

    @cached_property
    def left(self) -> int:
        """Where the labels begin; the whole matrix is in the middle where there is room."""
        return max(self.room.width() - LEFT - self.content.width(), 0) // 2

    @property
    def scroll_range(self) -> tuple[int, int]:
        """How far it can be scrolled, (right, down)."""
        return (
            max(self.content.width() - self.room.width() + LEFT, 0),
            max(self.content.height() - self.room.height() + TOP, 0),
        )

    @property
    def page(self) -> QSize:
        """The part of the viewport that scrolls, without the labels."""
        return QSize(self.room.width() - LEFT, self.room.height() - TOP)

    def box(self, place: Place) -> QRectF:
        """Where a tile is on the viewport."""
        size = self.tile_size
        return QRectF(
            self.left + LEFT + place[1] * (size.width() + GAP) - self.scrolled[0],
            TOP + GAP // 2 + place[0] * (size.height() + GAP) - self.scrolled[1],
            size.width(),
            size.height(),
        )

    def at(self, point: QPointF) -> Place | None:
        """The tile under a point of the viewport."""
        if point.x() < LEFT or point.y() < TOP or 0 in self.shape:
            return None
        first = self.box((0, 0))
        col = math.floor((point.x() - first.left()) / (first.width() + GAP))
        row = math.floor((point.y() - first.top()) / (first.height() + GAP))
        if not (0 <= row < self.shape[0] and 0 <= col < self.shape[1]):
            return None
        return (row, col) if self.box((row, col)).contains(point) else None

    def in_sight(self) -> list[Place]:
        """The tiles that are, row by row."""
        area = QRectF(LEFT, TOP, self.room.width() - LEFT, self.room.height() - TOP)
        rows, cols = self.shape
        return [
            (row, col)
            for row in range(rows)
            for col in range(cols)
            if self.box((row, col)).intersects(area)
        ]

    def nearest(self, row: int, col: int) -> Place:
        """The place, or the nearest that exists."""
        rows, cols = self.shape
        return min(max(row, 0), max(rows - 1, 0)), min(max(col, 0), max(cols - 1, 0))

    def to_reveal(self, place: Place) -> tuple[int, int]:
        """How far to scroll, (right, down), to bring a tile into sight."""
        box = self.box(place)
        right = min(box.left() - GAP - LEFT, 0) + max(box.right() + GAP - self.room.width(), 0)
        down = min(box.top() - GAP - TOP, 0) + max(box.bottom() + GAP - self.room.height(), 0)
        return round(right), round(down)
