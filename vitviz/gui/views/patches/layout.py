"""Where the tiles of the model's tokens are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF

from vitviz.models.tokens import TokenLayout

MARGIN = 24.0
LEAST_SIDE = 10.0
MOST_SIDE = 320.0

GAP_SHARE = 0.12
"""Of a patch's side, between patches."""

NUMBERS_FROM = 30.0
"""Widget pixels per patch from which token numbers are written below the patches."""

PREFIX_HEIGHT = 30.0
PREFIX_GAP = 8.0


@dataclass(frozen=True)
class PatchLayout:
    """The prefix tokens in a row, and below them the patches in their grid.

    Args:
        tokens: Their names and grid.
        room: Of the viewport, in widget pixels.
        line: Height of a line of numbers.
        prefix_width: Of a prefix token's tile.
        zoom: 1: all in sight.
        scrolled: How far, (right, down), in widget pixels.
    """

    tokens: TokenLayout
    room: QSizeF
    line: float
    prefix_width: float
    zoom: float = 1.0
    scrolled: tuple[int, int] = (0, 0)

    @cached_property
    def fitting_side(self) -> float:
        """The side of a patch, in whole widget pixels, at which everything is in sight."""
        rows, cols = self.tokens.grid
        best = min(self.room.width() / cols, self.room.height() / rows, MOST_SIDE)
        sides = range(int(best), int(LEAST_SIDE), -1)
        return next((float(side) for side in sides if self._fits(float(side))), LEAST_SIDE)

    def _fits(self, side: float) -> bool:
        width, height = self._extent(side)
        return width <= self.room.width() and height <= self.room.height()

    @cached_property
    def side(self) -> float:
        """Of a patch, in whole widget pixels, so that all gaps are alike."""
        return float(math.floor(min(max(self.fitting_side * self.zoom, LEAST_SIDE), MOST_SIDE)))

    @property
    def numbered(self) -> bool:
        """Whether there is room for token numbers."""
        return self.side >= NUMBERS_FROM

    @property
    def most_zoom(self) -> float:
        """Beyond which tiles do not grow."""
        return max(MOST_SIDE / self.fitting_side, 1.0)

    @property
    def prefix_room(self) -> float:
        """Height of the prefix tokens' row, with the gap below."""
        return PREFIX_HEIGHT + 14 if self.tokens.prefix else 0.0

    @property
    def pitch(self) -> tuple[float, float]:
        """From one row to the next, and from one column to the next."""
        return self._pitch(self.side)

    def _pitch(self, side: float) -> tuple[float, float]:
        gap = max(round(side * GAP_SHARE), 1)
        numbers = math.ceil(self.line) if side >= NUMBERS_FROM else 0
        return side + gap + numbers, side + gap

    @property
    def content(self) -> tuple[float, float]:
        """Width and height of everything, margins included."""
        return self._extent(self.side)

    def _extent(self, side: float) -> tuple[float, float]:
        rows, cols = self.tokens.grid
        down, across = self._pitch(side)
        prefix = len(self.tokens.prefix) * (self.prefix_width + PREFIX_GAP)
        return (
            max(cols * across, prefix) + 2 * MARGIN,
            rows * down + 2 * MARGIN + self.prefix_room,
        )

    @property
    def scroll_range(self) -> tuple[int, int]:
        """How far it can be scrolled, (right, down)."""
        width, height = self.content
        return (
            max(math.ceil(width - self.room.width()), 0),
            max(math.ceil(height - self.room.height()), 0),
        )

    @property
    def page(self) -> QSize:
        """The part of the viewport that scrolls: all of it."""
        return self.room.toSize()

    @cached_property
    def origin(self) -> QPointF:
        """Where the first tile begins on the viewport; in the middle where there is room."""
        width, height = self.content
        x = max((self.room.width() - width) / 2, 0.0) + MARGIN - self.scrolled[0]
        y = max((self.room.height() - height) / 2, 0.0) + MARGIN - self.scrolled[1]
        return QPointF(round(x), round(y))

    def box(self, token: int) -> QRectF:
        """Where a token's tile is on the viewport."""
        patch = self.tokens.patch(token)
        if patch is None:
            left = self.origin.x() + token * (self.prefix_width + PREFIX_GAP)
            return QRectF(left, self.origin.y(), self.prefix_width, PREFIX_HEIGHT)
        return self.patch_box(*patch)

    def patch_box(self, row: int, col: int) -> QRectF:
        """Where a patch's tile is on the viewport."""
        down, across = self.pitch
        left = self.origin.x() + col * across
        return QRectF(left, self.origin.y() + self.prefix_room + row * down, self.side, self.side)

    def at(self, point: QPointF) -> int | None:
        """The token whose tile is under a point of the viewport."""
        for token in range(len(self.tokens.prefix)):
            if self.box(token).contains(point):
                return token
        first, (down, across) = self.patch_box(0, 0), self.pitch
        row = math.floor((point.y() - first.top()) / down)
        col = math.floor((point.x() - first.left()) / across)
        rows, cols = self.tokens.grid
        if 0 <= row < rows and 0 <= col < cols and self.patch_box(row, col).contains(point):
            return self.tokens.index(row, col)
        return None

    def in_sight(self) -> list[tuple[int, int]]:
        """The patches that are, row by row."""
        first, (down, across) = self.patch_box(0, 0), self.pitch
        rows, cols = self.tokens.grid
        shown_rows = _shown(first.top(), down, rows, self.room.height())
        shown_cols = _shown(first.left(), across, cols, self.room.width())
        return [(row, col) for row in shown_rows for col in shown_cols]

    def to_reveal(self, token: int) -> tuple[int, int]:
        """How far to scroll, (right, down), to bring a token into sight."""
        box = self.box(token).adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN)
        right = min(box.left(), 0.0) + max(box.right() - self.room.width(), 0.0)
        down = min(box.top(), 0.0) + max(box.bottom() - self.room.height(), 0.0)
        return round(right), round(down)


def _shown(first: float, pitch: float, count: int, length: float) -> range:
    return range(
        max(math.floor(-first / pitch), 0), min(math.ceil((length - first) / pitch), count)
    )
