"""The colour bar: what the colours over the photo stand for, in natural units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QPainter, QPaintEvent, QPalette, QTransform
from PySide6.QtWidgets import QWidget

from vitviz.gui.canvas.marks import quiet, small
from vitviz.maps.overlay import colours
from vitviz.maps.scaling import scale_name
from vitviz.maps.style import Style
from vitviz.maps.ticks import Ticks, ticks

BAR_WIDTH = 12
TICK_LENGTH = 4
TICK_ROOM = 44
"""Widget pixels of the bar for each tick."""

PHOTO_GREY = 128
"""The grey that stands for the photo under a map that lets it through."""


@dataclass(frozen=True)
class Scale:
    """What a colour bar shows.

    Args:
        ends: Values at the lower and the upper end, in natural units.
        unit: What the values are: "attention".
        style: Colours, opacity and fade.
        note: What else there is to say of it, line by line: ("shared by", "a, b, d").
    """

    ends: tuple[float, float]
    unit: str
    style: Style
    note: tuple[str, ...] = ()

    def ticks(self, length: float) -> Ticks:
        """As many ticks as a bar of some length (in widget pixels) has room for."""
        most = min(max(round(length / TICK_ROOM), 2), 6)
        return ticks(*self.ends, n=most, scaling=self.style.scaling)

    def title(self, marks: Ticks) -> list[str]:
        """The unit, below it the power of ten that the labels share, the scaling and the note."""
        scaling = scale_name(self.ends[1], self.style.scaling)
        return [line for line in (self.unit, marks.factor, scaling, *self.note) if line]


def bar_image(style: Style) -> QImage:
    """The colours as they look over a photo of neutral grey, the greatest value at the top."""
    rgba = colours(style).astype(np.float64)
    share = rgba[:, 3:] / 255
    mixed = np.rint(rgba[:, :3] * share + PHOTO_GREY * (1 - share)).astype(np.uint8)
    column = np.ascontiguousarray(mixed[::-1])
    return QImage(column.data, 1, len(column), 3, QImage.Format.Format_RGB888).copy()


def bar_width(scale: Scale, painter_font_metrics: QFontMetricsF, height: float) -> float:
    """How wide the bar with its labels and its title will be.

    Args:
        scale: What it shows.
        painter_font_metrics: Of the labels' font.
        height: Of bar and title, in widget pixels.
    """
    metrics = painter_font_metrics
    marks = scale.ticks(height)
    labels = max(metrics.horizontalAdvance(label) for label in marks.labels)
    title = max(metrics.horizontalAdvance(line) for line in scale.title(marks))
    return max(BAR_WIDTH + TICK_LENGTH + 4 + labels, title)


def paint_colour_bar(painter: QPainter, box: QRectF, scale: Scale, palette: QPalette) -> None:
    """Draws title, bar and ticks into a box, upright, labels to the right of the bar.

    Args:
        painter: Its font is the labels' font.
        box: In widget pixels; the title takes a few lines of its top.
        scale: What it shows.
        palette: For text, ticks and the bar's border.
    """
    metrics = QFontMetricsF(painter.font())
    line = metrics.height()
    marks = scale.ticks(box.height() - (2 + len(scale.note)) * line)
    title = scale.title(marks)
    painter.save()
    painter.setPen(quiet(palette))
    for number, text in enumerate(title):
        painter.drawText(
            QRectF(box.left(), box.top() + number * line, box.width(), line),
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
            metrics.elidedText(text, Qt.TextElideMode.ElideRight, box.width() + 1),
        )
    top = box.top() + len(title) * line + line * 0.7
    bar = QRectF(box.left(), round(top), BAR_WIDTH, round(box.bottom() - top - line / 2))
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(bar, bar_image(scale.style))
    painter.setPen(palette.color(QPalette.ColorRole.Mid))
    painter.drawRect(bar.adjusted(-0.5, -0.5, 0.5, 0.5))
    _paint_ticks(painter, bar, marks, palette)
    painter.restore()


def flat_bar_height(metrics: QFontMetricsF) -> float:
    """How high ``paint_flat_bar`` wants to be, in widget pixels."""
    return 2 * metrics.height() + 8


def paint_flat_bar(painter: QPainter, box: QRectF, scale: Scale, palette: QPalette) -> None:
    """Draws the title in one line, and below it the bar between the numbers of its ends.

    Args:
        painter: Its font is the labels' font.
        box: In widget pixels, as high as ``flat_bar_height``.
        scale: What it shows.
        palette: For text and the bar's border.
    """
    metrics = QFontMetricsF(painter.font())
    line = metrics.height()
    marks = ticks(*scale.ends, n=2, scaling=scale.style.scaling)
    low, high = marks.labels[0], marks.labels[-1]
    painter.save()
    centre = Qt.AlignmentFlag.AlignCenter
    painter.setPen(quiet(palette))
    title = metrics.elidedText(
        " ".join(scale.title(marks)), Qt.TextElideMode.ElideRight, box.width()
    )
    painter.drawText(QRectF(box.left(), box.top() + 2, box.width(), line), centre, title)
    below = QRectF(box.left(), box.top() + 3 + line, box.width(), line)
    painter.setPen(palette.color(QPalette.ColorRole.Text))
    painter.drawText(below, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, low)
    painter.drawText(below, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, high)
    left = below.left() + metrics.horizontalAdvance(low) + 6
    right = below.right() - metrics.horizontalAdvance(high) - 6
    bar = QRectF(round(left), round(below.center().y()) - 4, max(round(right - left), 8), 8)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(bar, bar_image(scale.style).transformed(QTransform().rotate(90)))
    painter.setPen(palette.color(QPalette.ColorRole.Mid))
    painter.drawRect(bar.adjusted(-0.5, -0.5, 0.5, 0.5))
    painter.restore()


def _paint_ticks(painter: QPainter, bar: QRectF, marks: Ticks, palette: QPalette) -> None:
    line = QFontMetricsF(painter.font()).height()
    for place, label in zip(marks.places, marks.labels, strict=True):
        y = bar.bottom() - place * bar.height()
        painter.setPen(quiet(palette))
        painter.drawLine(
            int(bar.right()) + 2, round(y), int(bar.right()) + 1 + TICK_LENGTH, round(y)
        )
        painter.setPen(palette.color(QPalette.ColorRole.Text))
        painter.drawText(
            QRectF(bar.right() + TICK_LENGTH + 5, y - line / 2, 200, line),
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
            label,
        )


class ColourBar(QWidget):
    """A colour bar as a widget of its own, for views of many maps."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scale: Scale | None = None
        self.setAccessibleName("Colour bar")

    @property
    def scale(self) -> Scale | None:
        """What it shows."""
        return self._scale

    def show_scale(self, scale: Scale | None) -> None:
        """Shows a scale, or nothing."""
        if scale == self._scale:
            return
        self._scale = scale
        if scale is not None:
            low, high = (ticks(*scale.ends).labels[end] for end in (0, -1))
            self.setAccessibleDescription(f"{scale.unit} from {low} to {high}")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        metrics = QFontMetricsF(small(self.font()))
        if self._scale is None:
            return QSize(0, 0)
        return QSize(round(bar_width(self._scale, metrics, self.height())) + 16, 260)

    def minimumSizeHint(self) -> QSize:
        return QSize(self.sizeHint().width(), 120 if self._scale else 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._scale is None:
            return
        painter = QPainter(self)
        painter.setFont(small(self.font()))
        box = QRectF(self.rect()).adjusted(8, 4, -8, -4)
        box.setHeight(min(box.height(), 360.0))
        paint_colour_bar(painter, box, self._scale, self.palette())
        painter.end()
