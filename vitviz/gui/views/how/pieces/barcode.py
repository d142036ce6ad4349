"""Numbers as a bar code: each is a line, whose colour is how far it is above or below zero."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from vitviz.gui.canvas import marks
from vitviz.gui.views.how.pieces.colours import signed_pixels
from vitviz.shapes import Float32

ROW = 16
"""Height of a bar code, in pixels."""

GAP = 4

Row = tuple[str, Float32[np.ndarray, " numbers"]]
"""What it is called, and its numbers."""


def signed_image(values: Float32[np.ndarray, "rows cols"], most: float | None = None) -> QImage:
    """Numbers as colours (``signed_pixels``), as Qt paints them."""
    pixels = signed_pixels(values, most)
    height, width = pixels.shape[:2]
    image = QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
    return image.copy()  # the bytes go


class Barcode(QWidget):
    """Rows of equally many numbers, one below the other, with one scale of colours.

    With keys: left and right go from number to number, Return chooses.

    Signals:
        pointed(int): The number under the pointer or the cursor; -1 for none.
        chosen(int): The number that was clicked.
    """

    pointed = Signal(int)
    chosen = Signal(int)

    def __init__(self, name: str, *, choosing: bool = True) -> None:
        super().__init__()
        self.rows: tuple[Row, ...] = ()
        self.current: int | None = None
        self.pointer: int | None = None
        self._names = 0.0
        self._images: list[QImage] = []
        self._choosing = choosing
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        if choosing:
            self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def show_rows(
        self, rows: Sequence[Row], current: int | None = None, *, own_scales: bool = False
    ) -> None:
        """Shows other numbers.

        Args:
            rows: As many numbers in each.
            current: The one that is chosen.
            own_scales: Each row has its own scale of colours.
        """
        self.rows, self.current = tuple(rows), current
        greatest = max((float(np.abs(values).max(initial=0)) for _, values in rows), default=0.0)
        most = None if own_scales else greatest
        self._images = [signed_image(values[None], most) for _, values in rows]
        metrics = QFontMetricsF(marks.small(self.font()))
        self._names = max((metrics.horizontalAdvance(name) for name, _ in rows), default=0.0)
        self._names += 8 if self._names else 0
        if self.pointer is not None and self.pointer >= self.count:
            self.pointer = None
        self.updateGeometry()
        self._say()
        self.update()

    @property
    def count(self) -> int:
        """Numbers in a row."""
        return len(self.rows[0][1]) if self.rows else 0

    def sizeHint(self) -> QSize:
        line = int(QFontMetricsF(marks.small(self.font())).height())
        return QSize(240, max(len(self.rows), 1) * (ROW + GAP) + line)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.sizeHint().height())

    def row_box(self, row: int) -> QRectF:
        """Where the numbers of a row are."""
        return QRectF(self._names, row * (ROW + GAP), max(self.width() - self._names - 1, 1), ROW)

    def number_at(self, x: float) -> int | None:
        """The number at a place."""
        box = self.row_box(0)
        if not self.count or not box.left() <= x <= box.right():
            return None
        return min(int((x - box.left()) / box.width() * self.count), self.count - 1)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, palette = QPainter(self), self.palette()
        painter.setFont(marks.small(self.font()))
        metrics = QFontMetricsF(painter.font())
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        for index, ((name, _), image) in enumerate(zip(self.rows, self._images, strict=True)):
            box = self.row_box(index)
            painter.setRenderHint(
                QPainter.RenderHint.SmoothPixmapTransform, box.width() < image.width()
            )
            painter.drawImage(box, image)
            painter.setPen(marks.quiet(palette))
            painter.drawText(QRectF(0, box.top(), self._names, ROW), left, name)
        self._paint_place(painter, self.current, palette.color(QPalette.ColorRole.Highlight))
        self._paint_place(painter, self.pointer, palette.color(QPalette.ColorRole.Text))
        painter.setPen(marks.quiet(palette))
        below = QRectF(self._names, len(self.rows) * (ROW + GAP) - GAP + 2,
                       self.width() - self._names, metrics.height())  # fmt: skip
        words = metrics.elidedText(self.words(), Qt.TextElideMode.ElideRight, below.width())
        painter.drawText(below, left, words)
        if self.hasFocus() and self.rows:
            box = self.row_box(0).united(self.row_box(len(self.rows) - 1))
            marks.frame(painter, box, palette.color(QPalette.ColorRole.Highlight), 1, 2)
        painter.end()

    def _paint_place(self, painter: QPainter, at: int | None, colour: object) -> None:
        if at is None or at >= self.count:
            return
        box = self.row_box(0).united(self.row_box(len(self.rows) - 1))
        width = max(box.width() / self.count, 2.0)
        x = box.left() + (at + 0.5) * box.width() / self.count - width / 2
        marks.outline(painter, QRectF(x, box.top() - 1, width, box.height() + 1), colour, 1)  # type: ignore[arg-type]

    def words(self) -> str:
        """What is said below: the number under the pointer, else how many there are."""
        at = self.pointer if self.pointer is not None else self.current
        if not self.rows:
            return ""
        if at is None or at >= self.count:
            least = min(float(values.min()) for _, values in self.rows)
            most = max(float(values.max()) for _, values in self.rows)
            return f"{self.count:,} numbers, {least:.3g} to {most:.3g}".replace("-", "−")
        each = ", ".join(
            f"{name} {values[at]:.4g}" if name else f"{values[at]:.4g}"
            for name, values in self.rows
        )
        return f"number {at + 1:,} of {self.count:,}: {each}".replace("-", "−")

    def _say(self) -> None:
        self.setAccessibleDescription(self.words())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._move(self.number_at(event.position().x()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = self.number_at(event.position().x())
        if self._choosing and at is not None and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(at)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        step = steps.get(Qt.Key(event.key()))
        at = self.pointer if self.pointer is not None else (self.current or 0)
        if step is not None and self.count:
            self._move(min(max(at + step, 0), self.count - 1))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.count:
            self.chosen.emit(at)
        else:
            super().keyPressEvent(event)

    def _move(self, at: int | None) -> None:
        if at != self.pointer:
            self.pointer = at
            self.pointed.emit(-1 if at is None else at)
            self._say()
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._move(None)
