"""Where the panes of the Compare view go."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

GAP = 6
"""Between panes, and around them, in widget pixels."""

CHROME = QSize(90, 62)
"""Of a pane beside its photo: about what the colour bar, the heading and the numbers take."""

SHAPES: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((1, 1),),
    2: ((1, 2), (2, 1)),
    3: ((1, 3), (3, 1), (2, 2)),
    4: ((2, 2), (1, 4), (4, 1)),
    5: ((2, 3), (3, 2)),
    6: ((2, 3), (3, 2)),
    7: ((2, 4), (4, 2), (3, 3)),
}
"""Rows and columns for a number of tiles; of those that show photos equally large, the first."""


def best_shape(count: int, aspect: float, room: QSize) -> tuple[int, int]:
    """The rows and columns that show the photos largest.

    Args:
        count: Of tiles, 1..7.
        aspect: Width of a photo by its height.
        room: For all of them, in widget pixels.
    """
    return max(SHAPES[count], key=lambda shape: _photo_width(shape, aspect, room))


def _photo_width(shape: tuple[int, int], aspect: float, room: QSize) -> float:
    rows, cols = shape
    width = (room.width() - GAP) / cols - GAP - CHROME.width()
    height = (room.height() - GAP) / rows - GAP - CHROME.height()
    return round(min(width, height * aspect))


def boxes(shape: tuple[int, int], room: QSize) -> list[QRect]:
    """Boxes row by row, all of one size, so that equal photos in them lie alike."""
    rows, cols = shape
    width, height = (room.width() - GAP) // cols - GAP, (room.height() - GAP) // rows - GAP
    return [
        QRect(GAP + col * (width + GAP), GAP + row * (height + GAP), max(width, 1), max(height, 1))
        for row in range(rows)
        for col in range(cols)
    ]


class TileGrid(QWidget):
    """Lays widgets out in as many rows and columns as show the photos largest."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tiles: tuple[QWidget, ...] = ()
        self._beside: QWidget | None = None
        self._stretched = False
        self._aspect = 1.5

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return best_shape(max(len(self._tiles), 1), self._aspect, self._room)

    @property
    def _room(self) -> QSize:
        free = self._beside_width + GAP if self._beside is not None else 0
        return QSize(self.width() - free, self.height())

    @property
    def _beside_width(self) -> int:
        return min(max(round(self.width() * 0.3), 200), 300)

    def show_tiles(
        self,
        tiles: Sequence[QWidget],
        aspect: float,
        beside: QWidget | None = None,
        *,
        stretched: bool = False,
    ) -> None:
        """Shows these of its children, row by row; the others are hidden.

        Args:
            tiles: At most seven.
            aspect: Width of their photos by their height.
            beside: Another, narrow one at the right.
            stretched: The last of the tiles takes all of the room that is left in its row.
        """
        shown = {*tiles, *([beside] if beside is not None else [])}
        for gone in {*self._tiles, *([self._beside] if self._beside is not None else [])} - shown:
            gone.hide()
        self._tiles, self._aspect, self._beside = tuple(tiles), aspect, beside
        self._stretched = stretched
        self._place()
        for tile in shown:
            tile.show()

    def free_box(self) -> QRect | None:
        """The first place that no tile takes."""
        left = boxes(self.shape, self._room)[len(self._tiles) :]
        return left[0] if left and not self._stretched else None

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        room = self._room
        all_boxes = boxes(self.shape, room)
        for tile, box in zip(self._tiles, all_boxes, strict=False):
            tile.setGeometry(box)
        if self._stretched and self._tiles:
            self._tiles[-1].setGeometry(all_boxes[len(self._tiles) - 1].united(all_boxes[-1]))
        if self._beside is not None:
            self._beside.setGeometry(room.width(), GAP, self._beside_width, self.height() - 2 * GAP)
