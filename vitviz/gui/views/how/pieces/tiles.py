"""Equal tiles in as many columns as there is room for."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

GAP = 10


class TileRows(QWidget):
    """Lays its tiles out in rows from the left; its height follows from its width.

    Args:
        least: Width of a tile at least.
        most: Width of a tile at most.
        extra: How much higher than wide a tile is.
    """

    def __init__(self, least: int = 104, most: int = 168, extra: int = 34) -> None:
        super().__init__()
        self._least, self._most, self._extra = least, most, extra
        self.tiles: list[QWidget] = []
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def set_tiles(self, tiles: list[QWidget]) -> None:
        """Shows these, in their order."""
        for tile in self.tiles:
            if tile not in tiles:
                tile.hide()
        self.tiles = tiles
        for tile in tiles:
            tile.setParent(self)
            tile.show()
        self._arrange()
        self.updateGeometry()

    def _columns(self, width: int) -> int:
        count = max(len(self.tiles), 1)
        fitting = min(count, max((width + GAP) // (self._least + GAP), 1))
        return -(-count // -(-count // fitting))  # rows of about equally many

    def _tile(self, width: int) -> QSize:
        columns = self._columns(width)
        wide = min((width - (columns - 1) * GAP) // columns, self._most)
        return QSize(wide, wide + self._extra)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        rows = -(-len(self.tiles) // self._columns(width))
        return rows * self._tile(width).height() + max(rows - 1, 0) * GAP

    def sizeHint(self) -> QSize:
        wide = len(self.tiles) * (self._most + GAP)
        return QSize(min(wide, 560), self.heightForWidth(max(self.width(), self._least)))

    def minimumSizeHint(self) -> QSize:
        return QSize(self._least, self.heightForWidth(max(self.width(), self._least)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()
        if event.oldSize().width() != event.size().width():
            self.updateGeometry()

    def _arrange(self) -> None:
        width = max(self.width(), self._least)
        columns, tile = self._columns(width), self._tile(width)
        for index, widget in enumerate(self.tiles):
            row, col = divmod(index, columns)
            widget.setGeometry(QRect(
                col * (tile.width() + GAP), row * (tile.height() + GAP), tile.width(), tile.height()
            ))  # fmt: skip
        for before, after in zip(self.tiles, self.tiles[1:], strict=False):
            if before.focusPolicy() != Qt.FocusPolicy.NoFocus:
                QWidget.setTabOrder(before, after)
