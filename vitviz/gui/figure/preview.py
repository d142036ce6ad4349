"""The figure on its page, whose words can be edited where they stand."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
)
from PySide6.QtWidgets import QLineEdit, QWidget

from vitviz.figures.words import PlacedWord
from vitviz.shapes import UInt8

CHECK = 8
"""Side of the squares behind a transparent figure, in pixels."""

LEAST = QSize(320, 240)
"""Of the page, in pixels."""


def image_of(pixels: UInt8[np.ndarray, "height width 4"]) -> QImage:
    """A picture with pixels of its own."""
    height, width = pixels.shape[:2]
    data = np.ascontiguousarray(pixels)
    return QImage(data.data, width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()


class PreviewArea(QWidget):
    """A figure on the page it is printed on; its words can be edited where they stand.

    Signals:
        reworded(str, str): What stands there by itself, and what is to stand there.
    """

    reworded = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words: tuple[PlacedWord, ...] = ()
        self._scale = 1.0
        self._edited: PlacedWord | None = None
        self.editor = QLineEdit(self)
        self.editor.setAccessibleName("Words of the figure")
        self.editor.hide()
        self.editor.editingFinished.connect(self._finish)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolTip("Click a heading or the caption to edit it (F2); empty it to leave it out")
        self.setMinimumSize(LEAST)
        self.setAccessibleName("Preview of the figure")
        self._image = QImage()
        self._words = "Drawing…"

    @property
    def image(self) -> QImage:
        """What it shows."""
        return self._image

    @property
    def room(self) -> tuple[int, int]:
        """Width and height that a figure can have, in device pixels."""
        ratio = self.devicePixelRatioF()
        around = self.parentWidget()
        seen = self.size() if around is None else around.size()
        return int((seen.width() - 24) * ratio), int((seen.height() - 24) * ratio)

    def show_pixels(self, pixels: UInt8[np.ndarray, "height width 4"]) -> None:
        """Shows a figure."""
        self._image = image_of(pixels)
        self._image.setDevicePixelRatio(self.devicePixelRatioF())
        size = self._image.deviceIndependentSize()
        larger = size.width() > self.width() or size.height() > self.height()
        # At its real size it may be larger than there is room, and is scrolled.
        least = (
            QSize(int(size.width()) + 24, int(size.height()) + 24) if larger else QSize(320, 240)
        )
        self.setMinimumSize(least)
        self.update()

    def show_words(self, words: tuple[PlacedWord, ...], scale: float) -> None:
        """Words that can be edited, and how many pixels a millimetre has."""
        self.words, self._scale = words, scale / self.devicePixelRatioF()

    def place_of(self, word: PlacedWord) -> QRectF:
        """Where a word is on the widget."""
        left, top, width, height = (self._scale * side for side in word.place)
        corner = self._box().topLeft()
        return QRectF(corner.x() + left, corner.y() + top, width, height)

    def edit(self, word: PlacedWord) -> None:
        """Lets the user type other words in its place."""
        self._edited = word
        place = self.place_of(word)
        wanted = self.fontMetrics().horizontalAdvance(word.shown) + 30
        width = min(max(wanted, 140), self.width() - 8)
        left = min(max(place.center().x() - width / 2, 4), self.width() - width - 4)
        height = self.editor.sizeHint().height()
        top = place.center().y() - height / 2
        self.editor.setGeometry(int(left), int(top), int(width), height)
        self.editor.setText(word.shown)
        self.editor.selectAll()
        self.editor.show()
        self.editor.setFocus()

    def _finish(self) -> None:
        word, self._edited = self._edited, None
        self.editor.hide()
        if word is not None and self.editor.text().strip() != word.shown:
            self.reworded.emit(word.by_itself, self.editor.text().strip())

    def _word_at(self, point: QPointF) -> PlacedWord | None:
        near = (word for word in self.words
                if self.place_of(word).adjusted(-4, -3, 4, 3).contains(point))  # fmt: skip
        return next(near, None)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        over = self._word_at(event.position()) is not None
        self.setCursor(Qt.CursorShape.IBeamCursor if over else Qt.CursorShape.ArrowCursor)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        word = self._word_at(event.position())
        if word is not None and event.button() == Qt.MouseButton.LeftButton:
            self.edit(word)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.accept()  # it ended an edit, and is not meant for the default button
        elif event.key() == Qt.Key.Key_F2 and self.words:
            self.edit(self.words[0])
        elif event.key() == Qt.Key.Key_Escape and self.editor.isVisible():
            self._edited = None
            self.editor.hide()
        else:
            super().keyPressEvent(event)

    def _box(self) -> QRectF:
        size = self._image.deviceIndependentSize()
        return QRectF(round((self.width() - size.width()) / 2),
                      round((self.height() - size.height()) / 2),
                      size.width(), size.height())  # fmt: skip

    def sizeHint(self) -> QSize:
        return QSize(640, 560)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().color(QPalette.ColorRole.Window).darker(113))
        if self._image.isNull():
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._words)
        else:
            box = self._box()
            if self._image.pixelColor(0, 0).alpha() < 255:
                self._paint_checks(painter, box)
            painter.drawImage(box.topLeft(), self._image)
        painter.end()

    def _paint_checks(self, painter: QPainter, box: QRectF) -> None:
        painter.save()
        painter.setClipRect(box)
        painter.fillRect(box, QColor(255, 255, 255))
        for y in range(0, round(box.height()), CHECK):
            for x in range((y // CHECK % 2) * CHECK, round(box.width()), 2 * CHECK):
                corner = box.topLeft()
                painter.fillRect(
                    QRectF(corner.x() + x, corner.y() + y, CHECK, CHECK), QColor(226, 226, 226)
                )
        painter.restore()
