"""The colour bar: what the colours over the photo stand for, in natural units."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QPainter, QPaintEvent, QPalette, QTransform
from PySide6.QtWidgets import QWidget

from vitviz.gui.canvas.marks import quiet, small
from vitviz.maps.bar import ColourBar
from vitviz.maps.overlay import over_grey
from vitviz.maps.style import Style
from vitviz.maps.ticks import Ticks

BAR_WIDTH = 12
TICK_LENGTH = 4
TICK_ROOM = 44
"""Widget pixels of the bar for each tick."""


WIDEST_LABEL = "≤ 0.0000"
"""What labels are given room for, so that the photo beside the bar stays where it is from layer to
layer; wider ones take more."""

WIDEST_FACTOR = "× 10⁻¹⁰"
"""The same for the power of ten that labels share."""


def ticks_along(bar: ColourBar, length: float) -> Ticks:
    """As many ticks as a bar of some length (in widget pixels) has room for."""
    return bar.ticks(min(max(round(length / TICK_ROOM), 2), 6))


def bar_image(style: Style) -> QImage:
    """The colours as they look over a photo of neutral grey, the greatest value at the top."""
    column = np.ascontiguousarray(over_grey(style)[::-1])
    return QImage(column.data, 1, len(column), 3, QImage.Format.Format_RGB888).copy()


def bar_width(bar: ColourBar, painter_font_metrics: QFontMetricsF, height: float) -> float:
    """How wide the bar with its labels and its title will be.

    Args:
        bar: What it shows.
        painter_font_metrics: Of the labels' font.
        height: Of bar and title, in widget pixels.
    """
    metrics = painter_font_metrics
    marks = ticks_along(bar, height)
    labels = max(metrics.horizontalAdvance(label) for label in (WIDEST_LABEL, *marks.labels))
    lines = bar.title_lines(marks.factor or WIDEST_FACTOR)
    title = max(metrics.horizontalAdvance(line) for line in lines)
    return max(BAR_WIDTH + TICK_LENGTH + 4 + labels, title)


def paint_colour_bar(painter: QPainter, box: QRectF, bar: ColourBar, palette: QPalette) -> None:
    """Draws title, bar and ticks into a box, upright, labels to the right of the bar.

    Args:
        painter: Its font is the labels' font.
        box: In widget pixels; the title takes a few lines of its top.
        bar: What it shows.
        palette: For text, ticks and the bar's border.
    """
    metrics = QFontMetricsF(painter.font())
    line = metrics.height()
    marks = ticks_along(bar, box.height() - (2 + len(bar.note)) * line)
    title = bar.title_lines(marks.factor)
    painter.save()
    painter.setPen(quiet(palette))
    for number, text in enumerate(title):
        painter.drawText(
            QRectF(box.left(), box.top() + number * line, box.width(), line),
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
            metrics.elidedText(text, Qt.TextElideMode.ElideRight, box.width() + 1),
        )
    top = box.top() + len(title) * line + line * 0.7
    strip = QRectF(box.left(), round(top), BAR_WIDTH, round(box.bottom() - top - line / 2))
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(strip, bar_image(bar.style))
    painter.setPen(palette.color(QPalette.ColorRole.Mid))
    painter.drawRect(strip.adjusted(-0.5, -0.5, 0.5, 0.5))
    _paint_ticks(painter, strip, marks, palette)
    painter.restore()


def flat_bar_height(metrics: QFontMetricsF) -> float:
    """How high ``paint_flat_bar`` wants to be, in widget pixels."""
    return 2 * metrics.height() + 8


def paint_flat_bar(painter: QPainter, box: QRectF, bar: ColourBar, palette: QPalette) -> None:
    """Draws the title in one line, and below it the bar between the numbers of its ends.

    Args:
        painter: Its font is the labels' font.
        box: In widget pixels, as high as ``flat_bar_height``.
        bar: What it shows.
        palette: For text and the bar's border.
    """
    metrics = QFontMetricsF(painter.font())
    line = metrics.height()
    marks = bar.ticks(2)
    low, high = marks.labels[0], marks.labels[-1]
    painter.save()
    centre = Qt.AlignmentFlag.AlignCenter
    painter.setPen(quiet(palette))
    title = metrics.elidedText(bar.title(marks.factor), Qt.TextElideMode.ElideRight, box.width())
    painter.drawText(QRectF(box.left(), box.top() + 2, box.width(), line), centre, title)
    below = QRectF(box.left(), box.top() + 3 + line, box.width(), line)
    painter.setPen(palette.color(QPalette.ColorRole.Text))
    painter.drawText(below, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, low)
    painter.drawText(below, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, high)
    left = below.left() + metrics.horizontalAdvance(low) + 6
    right = below.right() - metrics.horizontalAdvance(high) - 6
    strip = QRectF(round(left), round(below.center().y()) - 4, max(round(right - left), 8), 8)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(strip, bar_image(bar.style).transformed(QTransform().rotate(90)))
    painter.setPen(palette.color(QPalette.ColorRole.Mid))
    painter.drawRect(strip.adjusted(-0.5, -0.5, 0.5, 0.5))
    painter.restore()


def _paint_ticks(painter: QPainter, strip: QRectF, marks: Ticks, palette: QPalette) -> None:
    line = QFontMetricsF(painter.font()).height()
    for place, label in zip(marks.places, marks.labels, strict=True):
        y = strip.bottom() - place * strip.height()
        painter.setPen(quiet(palette))
        painter.drawLine(
            int(strip.right()) + 2, round(y), int(strip.right()) + 1 + TICK_LENGTH, round(y)
        )
        painter.setPen(palette.color(QPalette.ColorRole.Text))
        painter.drawText(
            QRectF(strip.right() + TICK_LENGTH + 5, y - line / 2, 200, line),
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
            label,
        )


class ColourBarWidget(QWidget):
    """A colour bar as a widget of its own, for views of many maps."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bar: ColourBar | None = None
        self.setAccessibleName("Colour bar")

    @property
    def bar(self) -> ColourBar | None:
        """What it shows."""
        return self._bar

    def show_bar(self, bar: ColourBar | None) -> None:
        """Shows a bar, or nothing."""
        if bar == self._bar:
            return
        self._bar = bar
        if bar is not None:
            self.setAccessibleDescription(bar.description)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        metrics = QFontMetricsF(small(self.font()))
        if self._bar is None:
            return QSize(0, 0)
        return QSize(round(bar_width(self._bar, metrics, self.height())) + 16, 260)

    def minimumSizeHint(self) -> QSize:
        return QSize(self.sizeHint().width(), 120 if self._bar else 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._bar is None:
            return
        painter = QPainter(self)
        painter.setFont(small(self.font()))
        box = QRectF(self.rect()).adjusted(8, 4, -8, -4)
        paint_colour_bar(painter, box, self._bar, self.palette())
        painter.end()
