"""The open photos as thumbnails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QModelIndex, QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QFontMetrics,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPalette,
    QPen,
    QPixmap,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from vitviz.gui.panels.photo_model import PIXMAP, PREVIEW, REF, Index, PhotoModel
from vitviz.gui.scene import PaneDrop, Scene
from vitviz.gui.threads.service import Preview
from vitviz.gui.widgets.drops import drag, drop_data
from vitviz.gui.widgets.form import MARGIN
from vitviz.session.state import PhotoRef

MOST_PREVIEWS = 128
"""That are kept, of the photos nearest to those in sight: about 80 MB with their pixmaps."""


class PhotoTiles(QStyledItemDelegate):
    """Draws a photo as wide as the list, its name and size below."""

    PAD = 6
    SIDE = MARGIN  # as in every other panel
    RATIO = 0.62

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        width = max(80, option.rect.width())
        text = option.fontMetrics.height()
        return QSize(width, round((width - 2 * self.SIDE) * self.RATIO) + text + 3 * self.PAD)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        palette, metrics = option.palette, option.fontMetrics
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        picture = rect.adjusted(self.SIDE, self.PAD, -self.SIDE, -metrics.height() - 2 * self.PAD)
        outline = QPainterPath()
        outline.addRoundedRect(picture, 5, 5)
        painter.fillPath(outline, palette.mid())
        pixmap: QPixmap | None = index.data(PIXMAP)
        if pixmap is not None:
            painter.setClipPath(outline)
            painter.drawPixmap(picture, pixmap, covering(pixmap.size(), picture.size()))
            painter.setClipping(False)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected:
            painter.setPen(QPen(palette.highlight(), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(picture.adjusted(-2, -2, 2, 2), 7, 7)
        self._write(painter, rect, index, selected, palette, metrics)
        painter.restore()

    def _write(
        self,
        painter: QPainter,
        rect: QRect,
        index: Index,
        selected: bool,
        palette: QPalette,
        metrics: QFontMetrics,
    ) -> None:
        line = QRect(rect.left() + self.SIDE, rect.bottom() - metrics.height() - self.PAD + 3,
                     rect.width() - 2 * self.SIDE, metrics.height())  # fmt: skip
        preview: Preview | None = index.data(PREVIEW)
        size = "" if preview is None else facts(preview)
        painter.setPen(palette.placeholderText().color())
        painter.drawText(line, Qt.AlignmentFlag.AlignRight, size)
        painter.setPen((palette.text() if selected else palette.placeholderText()).color())
        room = line.width() - metrics.horizontalAdvance(size) - 8
        name = metrics.elidedText(
            index.data(Qt.ItemDataRole.DisplayRole), Qt.TextElideMode.ElideMiddle, room
        )
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft, name)


def facts(preview: Preview) -> str:
    """Width and height; which frame of how many, for an animation."""
    height, width = preview.size
    frame = f" · {preview.ref.frame + 1}/{preview.frames}" if preview.frames > 1 else ""
    return f"{width}×{height}{frame}"


def covering(source: QSize, target: QSize) -> QRect:
    """The middle part of the source that fills the target without distortion."""
    part = target.scaled(source, Qt.AspectRatioMode.KeepAspectRatio)
    left, top = (source.width() - part.width()) // 2, (source.height() - part.height()) // 2
    return QRect(left, top, part.width(), part.height())


class PhotosPanel(QListView):
    """The list of open photos, which can be dragged to the panes of the Compare view.

    Signals:
        selected(int): The user chose the photo at this index.
        close_requested(int): The user wants it closed (Delete).
        previews_wanted(tuple[PhotoRef, ...]): These have no preview yet, the most urgent first;
            others need none any more.
    """

    selected = Signal(int)
    close_requested = Signal(int)
    previews_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._quiet = False
        self.setAccessibleName("Open photos")
        self.photos = PhotoModel(self)
        self.setModel(self.photos)
        self.setItemDelegate(PhotoTiles(self))
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self._background: object = None
        self._stale: set[PhotoRef] = set()  # their previews are on another background
        self._row_before: int | None = None  # while a button is pressed
        self._row_dragged_from: int | None = None
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(self._want_previews)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)

    @property
    def row(self) -> int:
        """Of the chosen photo; -1 without one."""
        return self.currentIndex().row()

    def show_scene(self, scene: Scene) -> None:
        """Shows the open photos; those whose preview is known at once."""
        session = scene.session
        if session.background != self._background:
            self._background = session.background
            self._stale = {ref for ref in self.photos.refs if self.preview(ref) is not None}
            self._later.start()
        with self._silence():
            if session.photos is not self.photos.refs:
                self.photos.set_refs(session.photos)
                self._later.start()
            self._go_to(session.selected if session.photos else -1)

    def show_preview(self, preview: Preview) -> None:
        """Fills in a photo's thumbnail."""
        self._stale.discard(preview.ref)
        self.photos.set_preview(preview)

    def preview(self, ref: PhotoRef) -> Preview | None:
        return self.photos.preview(ref)

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
        with self._silence():
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
            with self._silence():  # dragging it away is not choosing it
                self._go_to(self._row_dragged_from)
        drag(self, data, pixmap or QPixmap())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self.row >= 0:
            self.close_requested.emit(self.row)
            return
        super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()
        self._later.start()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._later.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._later.stop()

    def rows_in_sight(self) -> tuple[int, int]:
        """The first and last row that can be seen; the chosen one, where nothing is drawn yet."""
        seen = self.viewport().rect()
        ends = (QPoint(seen.center().x(), seen.top()), QPoint(seen.center().x(), seen.bottom()))
        first, last = (self.indexAt(point).row() for point in ends)
        count = self.photos.rowCount()
        if first < 0:
            return (max(self.row, 0),) * 2
        return first, last if last >= 0 else count - 1

    def _scrolled(self, _to: int) -> None:
        self._later.start()

    def _want_previews(self) -> None:
        refs, (first, last) = self.photos.refs, self.rows_in_sight()
        near = [refs[row] for row in _nearest(first, last, len(refs))]
        chosen = [refs[self.row]] if self.row >= 0 else []
        self.photos.keep_only({*near, *chosen})
        wanted = [ref for ref in near if ref in self._stale or self.preview(ref) is None]
        self.previews_wanted.emit(tuple(wanted))

    def _go_to(self, row: int) -> None:
        if row != self.row:
            self.setCurrentIndex(self.photos.index(row) if row >= 0 else QModelIndex())

    @contextmanager
    def _silence(self) -> Iterator[None]:
        """Rows that are chosen meanwhile are not the user's choice."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def _row_changed(self, row: int) -> None:
        if row >= 0 and self._row_before is None:
            self.selected.emit(row)


def _nearest(first: int, last: int, count: int) -> list[int]:
    """The rows from ``first`` to ``last``, and then those around them, outwards."""
    inside = range(first, min(last, count - 1) + 1)
    around = (row for step in range(1, MOST_PREVIEWS) for row in (last + step, first - step))
    rows = [*inside, *(row for row in around if 0 <= row < count)]
    return rows[: max(MOST_PREVIEWS, len(inside))]
