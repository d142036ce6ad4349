"""Numbers in rows and columns, and small pictures in rows, painted."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPalette

from vitviz.figures.chart import Matrix, Tiles
from vitviz.gui.canvas import marks
from vitviz.gui.canvas.colour_bar import bar_width, paint_colour_bar
from vitviz.gui.canvas.pictures import photo_image
from vitviz.maps.bar import ColourBar
from vitviz.maps.colour import table
from vitviz.maps.style import Style

CELL = 46.0
"""A cell's least width whose number is written in it, in pixels."""

MOST_CELL = 64.0

BELOW = 10.0
"""Between pictures and what stands below them."""


class MatrixPainter:
    """Paints a matrix into a box.

    Args:
        painter: Of the widget.
        matrix: What is painted.
        outer: All of its room.
        palette: For texts.
    """

    def __init__(self, painter: QPainter, matrix: Matrix, outer: QRectF, palette: QPalette) -> None:
        self.painter, self.matrix, self.palette = painter, matrix, palette
        self.metrics = QFontMetricsF(painter.font())
        self._bar = bar_of_matrix(matrix)
        self._bar_wide = bar_width(self._bar, self.metrics, outer.height())
        self.box = matrix_box(matrix, outer, self.metrics, self._bar_wide)

    def cell(self, row: int, column: int) -> QRectF:
        """Where one number lies."""
        return cell_box(self.matrix, self.box, row, column)

    def paint(self) -> None:
        """All of it but what is marked."""
        self._numbers()
        self._labels()
        line = self.metrics.height()
        bar = QRectF(self.box.right() + 22, self.box.top() - line, self._bar_wide,
                     min(self.box.height() + line, 320))  # fmt: skip
        paint_colour_bar(self.painter, bar, self._bar, self.palette)

    def mark(self, row: int, column: int) -> None:
        """A frame around one number."""
        marks.frame(self.painter, self.cell(row, column).adjusted(-1, -1, 1, 1),
                    self.palette.color(QPalette.ColorRole.Highlight), 2, 2)  # fmt: skip

    def _numbers(self) -> None:
        low, high = self.matrix.range
        shades, values = colours(self.matrix), self.matrix.values
        wide = self.cell(0, 0).width() >= CELL - 10 and self.cell(0, 0).height() >= 14
        for row, column in np.argwhere(np.isfinite(values)).tolist():
            value = float(values[row, column])
            box = self.cell(row, column).adjusted(0.5, 0.5, -0.5, -0.5)
            place = (value - low) / ((high - low) or 1.0)
            colour = QColor(*(int(c) for c in shades[round(255 * min(max(place, 0.0), 1.0))]))
            self.painter.fillRect(box, colour)
            if wide:
                self.painter.setPen(QColor("#000000" if brightness(colour) > 0.45 else "#ffffff"))
                words = f"{value + 0.0:.2f}".replace("-0.00", "0.00").replace("-", "−")
                self.painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)

    def _labels(self) -> None:
        line, painter, box = self.metrics.height(), self.painter, self.box
        painter.setPen(marks.quiet(self.palette))
        first = self.cell(0, 0)
        step = max(1, math.ceil(line / max(first.height(), 1)))
        for row in range(0, len(self.matrix.rows), step):
            there = QRectF(box.left() - 66, self.cell(row, 0).top(), 58, first.height())
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(there, right, self.matrix.rows[row])
        widest = max(map(self.metrics.horizontalAdvance, self.matrix.columns), default=0) + 4
        step = max(1, math.ceil(widest / max(first.width(), 1)))
        centre = Qt.AlignmentFlag.AlignCenter
        for column in range(0, len(self.matrix.columns), step):
            middle = self.cell(0, column).center().x()
            painter.drawText(QRectF(middle - 30, box.bottom() + 3, 60, line), centre,
                             self.matrix.columns[column])  # fmt: skip
        down, across = self.matrix.titles
        painter.drawText(QRectF(box.left(), box.bottom() + 3 + line, box.width(), line + 2), centre,
                         across)  # fmt: skip
        painter.save()
        painter.translate(box.left() - 44, box.center().y())
        painter.rotate(-90)
        painter.drawText(QRectF(-box.height() / 2, -line, box.height(), line), centre, down)
        painter.restore()


def brightness(colour: QColor) -> float:
    """How bright a colour looks, 0..1: green counts most."""
    return 0.2126 * colour.redF() + 0.7152 * colour.greenF() + 0.0722 * colour.blueF()


def colours(matrix: Matrix) -> np.ndarray:
    """Of its numbers, from the lower end to the upper."""
    return table("coolwarm" if matrix.signed else "viridis")


def bar_of_matrix(matrix: Matrix) -> ColourBar:
    """What its colours stand for."""
    style = Style(colour_map="viridis", opacity=1.0, fade=False)
    if matrix.signed:
        style = Style(colour_map="coolwarm", opacity=1.0, fade=False)
    return ColourBar(*matrix.range, matrix.unit, style)


def matrix_box(matrix: Matrix, outer: QRectF, metrics: QFontMetricsF, bar: float) -> QRectF:
    """Where the numbers lie: as large as there is room, no wider than they need."""
    line = metrics.height()
    rows, columns = matrix.values.shape
    room = outer.adjusted(64, line + 4, -(bar + 30), -(2.4 * line + 6))
    wide = min(room.width() / max(columns, 1), MOST_CELL)
    high = min(room.height() / max(rows, 1), MOST_CELL * 0.75)
    return QRectF(room.left(), room.top(), wide * columns, high * rows)


def cell_box(matrix: Matrix, box: QRectF, row: int, column: int) -> QRectF:
    """One number's place."""
    rows, columns = matrix.values.shape
    wide, high = box.width() / max(columns, 1), box.height() / max(rows, 1)
    return QRectF(box.left() + column * wide, box.top() + row * high, wide, high)


def cell_at(matrix: Matrix, box: QRectF, where: QPointF) -> tuple[int, int] | None:
    """Row and column under the pointer, where there is a number."""
    if not box.contains(where):
        return None
    rows, columns = matrix.values.shape
    row = min(int((where.y() - box.top()) / box.height() * rows), rows - 1)
    column = min(int((where.x() - box.left()) / box.width() * columns), columns - 1)
    return (row, column) if math.isfinite(matrix.values[row, column]) else None


def tile_boxes(tiles: Tiles, outer: QRectF) -> list[QRectF]:
    """Where each picture lies: squares, as large as there is room."""
    count, columns = len(tiles.images), max(tiles.columns, 1)
    if not count:
        return []
    rows, step = -(-count // columns), 1 + tiles.gap
    side = min(outer.width() / (columns * step - tiles.gap),
               (outer.height() - BELOW) / (rows * step - tiles.gap), 120.0)  # fmt: skip
    left = outer.center().x() - side * (columns * step - tiles.gap) / 2
    return [
        QRectF(left + column * step * side, outer.top() + row * step * side, side, side)
        for row, column in (divmod(number, columns) for number in range(count))
    ]


def paint_tiles(painter: QPainter, tiles: Tiles, outer: QRectF) -> None:
    """Paints small pictures, each pixel a square."""
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
    for box, picture in zip(tile_boxes(tiles, outer), tiles.images, strict=True):
        painter.drawImage(box, photo_image(picture))
