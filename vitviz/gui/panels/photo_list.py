"""The list in the Photos panel: thousands of thumbnails, of which those in sight are made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import (
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPixmap,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QWidget

from vitviz.gui.panels.photo_model import PIXMAP, REF, Index, PhotoModel
from vitviz.gui.panels.photo_tiles import LEAST_TILE, MOST_TILE, PhotoTiles
from vitviz.gui.scene import PaneDrop
from vitviz.gui.widgets.drops import drag, drop_data
from vitviz.session.state import PhotoRef

MOST_PREVIEWS = 128
"""That are kept, of the photos nearest to those in sight: about 80 MB with their pixmaps."""


class PhotoList(QListView):
    """Photos as tiles or rows, which can be dragged to the panes of the Compare view.

    Signals:
        row_chosen(int): The user chose the photo in this row.
        several_chosen(): Others are chosen beside it, or not any more.
        close_requested(): The user wants those that are chosen closed (Delete).
        near_changed(): What is in sight has changed.
        tile_chosen(int): The user wants tiles of this width (Ctrl and the wheel).
    """

    row_chosen = Signal(int)
    several_chosen = Signal()
    close_requested = Signal()
    near_changed = Signal()
    tile_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._quiet = False
        self.setObjectName("photoList")
        self.setAccessibleName("Open photos")
        self.photos = PhotoModel(self)
        self.tiles = PhotoTiles(self)
        self._tile = LEAST_TILE
        self.setModel(self.photos)
        self.setItemDelegate(self.tiles)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self._row_before: int | None = None  # while a button is pressed
        self._row_dragged_from: int | None = None
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(self.near_changed)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        self.selectionModel().selectionChanged.connect(self.several_chosen)

    @property
    def row(self) -> int:
        """Of the chosen photo; -1 without one."""
        return self.currentIndex().row()

    @property
    def chosen(self) -> tuple[PhotoRef, ...]:
        """All that are chosen, in the order of their rows."""
        rows = sorted(index.row() for index in self.selectionModel().selectedIndexes())
        return tuple(self.photos.refs[row] for row in rows if row < len(self.photos.refs))

    @property
    def columns(self) -> int:
        """Tiles beside each other."""
        return 1 if self.tiles.as_rows else max(1, self._room // self._tile)

    @property
    def _room(self) -> int:
        """What tiles have, in pixels; room for the scroll bar is kept, so that it moves nothing."""
        bar = QStyle.PixelMetric.PM_ScrollBarExtent
        extent = self.style().pixelMetric(bar, None, self.verticalScrollBar())
        return max(LEAST_TILE, self.maximumViewportSize().width() - extent)

    def arrange(self, tile: int, *, as_rows: bool) -> None:
        """Draws tiles of about this width, made wider to fill the list; or rows."""
        self._tile = min(max(tile, LEAST_TILE), MOST_TILE)
        self.tiles.as_rows = as_rows
        self._lay_out()

    def request_previews(self) -> None:
        """Has it said again what is in sight, once everything has its place."""
        self._later.start()

    def show_row(self, row: int) -> None:
        """Marks the photo that is shown; that is not the user's choice."""
        with self.silence():
            self._go_to(row)

    def _lay_out(self) -> None:
        width = (self._room - 1) // self.columns  # what fits to the pixel, Qt puts below
        self.tiles.cell.setWidth(width)
        self.tiles.cell.setHeight(self.tiles.height(width, self.fontMetrics()))
        self.verticalScrollBar().setSingleStep(max(20, self.tiles.cell.height() // 3))
        self.scheduleDelayedItemsLayout()
        self._later.start()

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        if not self._quiet:
            self._row_changed(current.row())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pressing may be the start of a drag: the photo is chosen once it is let go."""
        self._row_before, self._row_dragged_from = self.row, None
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        before, self._row_before = self._row_before, None
        with self.silence():
            super().mouseReleaseEvent(event)
            if self._row_dragged_from is not None:
                self._go_to(self._row_dragged_from)
        if before is not None and self.row != before:
            self._row_changed(self.row)

    def startDrag(self, actions: Qt.DropAction) -> None:
        index = self.currentIndex()
        if not index.isValid():
            return
        pixmap: QPixmap | None = index.data(PIXMAP)
        data = drop_data(PaneDrop(photo=index.data(REF)))
        if self._row_before is not None:
            self._row_dragged_from, self._row_before = self._row_before, None
            with self.silence():  # dragging it away is not choosing it
                self._go_to(self._row_dragged_from)
        drag(self, data, pixmap or QPixmap())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self.row >= 0:
            self.close_requested.emit()
            return
        super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.tile_chosen.emit(self._tile + round(event.angleDelta().y() / 8))
            event.accept()
            return
        super().wheelEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._later.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._later.stop()

    def rows_in_sight(self) -> tuple[int, int]:
        """The first and last row that can be seen; the chosen one, where nothing is drawn yet."""
        seen, cell = self.viewport().rect(), self.tiles.cell
        right = (self.columns - 1) * cell.width() + cell.width() // 2
        ends = (QPoint(cell.width() // 2, seen.top()), QPoint(right, seen.bottom()))
        first, last = (self.indexAt(point).row() for point in ends)
        if first < 0:
            return (max(self.row, 0),) * 2
        below = first + self.columns * (seen.height() // cell.height() + 2) - 1
        return first, last if last >= 0 else min(below, self.photos.rowCount() - 1)

    def refs_in_sight(self) -> list[PhotoRef]:
        """The photos in sight, and then those around them, outwards."""
        refs, (first, last) = self.photos.refs, self.rows_in_sight()
        return [refs[row] for row in _nearest(first, last, len(refs))]

    def _scrolled(self, _to: int) -> None:
        self._later.start()

    def _go_to(self, row: int) -> None:
        if row != self.row:
            self.setCurrentIndex(self.photos.index(row, 0) if row >= 0 else QModelIndex())

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Rows that are chosen meanwhile are not the user's choice."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def _row_changed(self, row: int) -> None:
        if row >= 0 and self._row_before is None:
            self.row_chosen.emit(row)


def _nearest(first: int, last: int, count: int) -> list[int]:
    """The rows from ``first`` to ``last``, and then those around them, outwards."""
    inside = range(first, min(last, count - 1) + 1)
    around = (row for step in range(1, MOST_PREVIEWS) for row in (last + step, first - step))
    rows = [*inside, *(row for row in around if 0 <= row < count)]
    return rows[: max(MOST_PREVIEWS, len(inside))]
