"""The open photos as thumbnails."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import (
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSignalBlocker,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QFontMetrics,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPalette,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from vitviz.gui.scene import PaneDrop, Scene
from vitviz.gui.threads.service import Preview
from vitviz.gui.widgets.drops import drag, drop_data
from vitviz.gui.widgets.form import MARGIN
from vitviz.gui.widgets.text import set_tooltip
from vitviz.plain_text import shown_text
from vitviz.session.state import PhotoRef

PREVIEW = Qt.ItemDataRole.UserRole + 1
PIXMAP = Qt.ItemDataRole.UserRole + 2
REF = Qt.ItemDataRole.UserRole + 3

Index = QModelIndex | QPersistentModelIndex


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


class PhotosPanel(QListWidget):
    """The list of open photos, which can be dragged to the panes of the Compare view.

    Signals:
        selected(int): The user chose the photo at this index.
        close_requested(int): The user wants it closed (Delete).
    """

    selected = Signal(int)
    close_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Open photos")
        self.setItemDelegate(PhotoTiles(self))
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self._previews: dict[PhotoRef, Preview] = {}
        self._row_before: int | None = None  # while a button is pressed
        self._row_dragged_from: int | None = None
        self.currentRowChanged.connect(self._row_changed)

    def show_scene(self, scene: Scene) -> None:
        """Shows the open photos; those whose preview is known at once."""
        refs, selected = scene.session.photos, scene.session.selected
        blocked = self.blockSignals(True)
        if [self.item(i).data(REF) for i in range(self.count())] != list(refs):
            self.clear()
            for ref in refs:
                item = QListWidgetItem(shown_text(Path(ref.path).name))
                item.setData(REF, ref)
                set_tooltip(item, shown_text(ref.path))
                self.addItem(item)
                if ref in self._previews:
                    self._fill(item, self._previews[ref])
        self.setCurrentRow(selected if refs else -1)
        self.blockSignals(blocked)

    def show_preview(self, preview: Preview) -> None:
        """Fills in a photo's thumbnail."""
        self._previews[preview.ref] = preview
        for i in range(self.count()):
            if self.item(i).data(REF) == preview.ref:
                self._fill(self.item(i), preview)

    def has_preview(self, ref: PhotoRef) -> bool:
        return ref in self._previews

    def preview(self, ref: PhotoRef) -> Preview | None:
        return self._previews.get(ref)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pressing may be the start of a drag: the photo is chosen once it is let go."""
        self._row_before, self._row_dragged_from = self.currentRow(), None
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        before, self._row_before = self._row_before, None
        with QSignalBlocker(self):
            super().mouseReleaseEvent(event)
            if self._row_dragged_from is not None:
                self.setCurrentRow(self._row_dragged_from)
        if before is not None and self.currentRow() != before:
            self._row_changed(self.currentRow())

    def startDrag(self, actions: Qt.DropAction) -> None:
        if self.currentRow() < 0:
            return
        item = self.currentItem()
        pixmap: QPixmap | None = item.data(PIXMAP)
        if self._row_before is not None:
            self._row_dragged_from, self._row_before = self._row_before, None
            with QSignalBlocker(self):  # dragging it away is not choosing it
                self.setCurrentRow(self._row_dragged_from)
        drag(self, drop_data(PaneDrop(photo=item.data(REF))), pixmap or QPixmap())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self.currentRow() >= 0:
            self.close_requested.emit(self.currentRow())
            return
        super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()

    def _fill(self, item: QListWidgetItem, preview: Preview) -> None:
        pixels = preview.thumbnail
        height, width = pixels.shape[:2]
        image = QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
        item.setData(PREVIEW, preview)
        item.setData(PIXMAP, QPixmap.fromImage(image))
        notes = "".join(f"\n{shown_text(note)}" for note in preview.notes)
        frames = f"\n{preview.frames} frames: Alt+Right, Alt+Left" if preview.frames > 1 else ""
        set_tooltip(item, f"{shown_text(item.data(REF).path)}{frames}{notes}")

    def _row_changed(self, row: int) -> None:
        if row >= 0 and self._row_before is None:
            self.selected.emit(row)
