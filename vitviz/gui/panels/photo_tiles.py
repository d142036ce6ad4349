"""How a photo is drawn in the list of photos: as a tile of a grid, or as a row of a list."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QObject, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPainterPath, QPalette, QPen, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from vitviz.gui.canvas import marks
from vitviz.gui.panels.photo_model import LABEL, MISSING, PIXMAP, PREVIEW, Index
from vitviz.gui.threads.service import Preview

PAD = 6
"""Around a picture, in pixels."""

LEAST_TILE, MOST_TILE = 84, 360
"""Widths of a tile, in pixels."""

WIDE = 190
"""From this width on there is room for a photo's size beside its name, in pixels."""

RATIO = 0.66
"""Height of a picture's place by its width."""

ROW = 44
"""Height of a row of the list, in pixels."""


class PhotoTiles(QStyledItemDelegate):
    """Draws a photo: its picture, its name, and what the model says of it.

    Args:
        parent: Qt's.

    Attributes:
        cell: Width and height of each.
        as_rows: The picture at the left, the words beside it; else the words below it.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.cell = QSize(120, 120)
        self.as_rows = False

    def height(self, width: int, metrics: QFontMetrics) -> int:
        """Of a tile of this width."""
        if self.as_rows:
            return max(ROW, 2 * metrics.height() + PAD)
        return round((width - 2 * PAD) * RATIO) + 2 * metrics.height() + 3 * PAD

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return self.cell

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        palette, metrics = option.palette, option.fontMetrics
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        picture = self.picture(rect, metrics)
        outline = QPainterPath()
        outline.addRoundedRect(picture, 4, 4)
        painter.fillPath(outline, palette.mid())
        pixmap: QPixmap | None = index.data(PIXMAP)
        if pixmap is not None:
            painter.setClipPath(outline)
            painter.drawPixmap(picture, pixmap, covering(pixmap.size(), picture.size()))
            painter.setClipping(False)
        elif index.data(MISSING):
            marks.missing(painter, QRectF(picture), palette.placeholderText().color())
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected:
            pen = QPen(palette.highlight(), 2)
            view = cast("QAbstractItemView", option.widget)
            if index != view.currentIndex():  # one of several, not the one that is shown
                pen = QPen(palette.text(), 1.5, Qt.PenStyle.DotLine)
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(picture.adjusted(-2, -2, 2, 2), 6, 6)
        words = self._words(rect, picture, metrics)
        _write(painter, words, index, selected, palette, metrics)
        painter.restore()

    def picture(self, rect: QRect, metrics: QFontMetrics) -> QRect:
        """Where the picture of a tile stands."""
        if self.as_rows:
            height = rect.height() - 8
            return QRect(rect.left() + 4, rect.top() + 4, round(1.4 * height), height)
        below = 2 * metrics.height() + 2 * PAD
        return rect.adjusted(PAD, PAD, -PAD, -below)

    def _words(self, rect: QRect, picture: QRect, metrics: QFontMetrics) -> QRect:
        """Where the two lines of its words stand."""
        lines = 2 * metrics.height()
        if self.as_rows:
            left = picture.right() + 9
            top = rect.top() + (rect.height() - lines) // 2
            return QRect(left, top, rect.right() - left - 4, lines)
        return QRect(picture.left(), picture.bottom() + 4, picture.width(), lines)


def _write(
    painter: QPainter, at: QRect, index: Index, selected: bool, palette: QPalette,
    metrics: QFontMetrics,
) -> None:  # fmt: skip
    """The name, the photo's size where there is room, and below them the predicted class."""
    line = QRect(at.left(), at.top(), at.width(), metrics.height())
    room = line.width()
    preview: Preview | None = index.data(PREVIEW)
    if preview is not None and line.width() >= WIDE:
        size = facts(preview)
        painter.setPen(palette.placeholderText().color())
        painter.drawText(line, Qt.AlignmentFlag.AlignRight, size)
        room -= metrics.horizontalAdvance(size) + 8
    painter.setPen((palette.text() if selected else palette.placeholderText()).color())
    name = str(index.data(Qt.ItemDataRole.DisplayRole))
    middle = Qt.TextElideMode.ElideMiddle
    painter.drawText(line, Qt.AlignmentFlag.AlignLeft, metrics.elidedText(name, middle, room))
    label: str = index.data(LABEL) or ""
    if label:
        painter.setPen(palette.text().color())
        below = line.translated(0, metrics.height())
        cut = metrics.elidedText(label, Qt.TextElideMode.ElideRight, below.width())
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, cut)


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
