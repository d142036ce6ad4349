"""Lines, dots and bands between two axes, painted.

Our own and no library's: a plot of 2,000 dots is painted in a few milliseconds and follows the
theme, the font and the pointer as the rest of the window does. QtCharts is under the GPL, pyqtgraph
brings a second scene and colours of its own, and matplotlib takes a tenth of a second a plot; print
is matplotlib's (``figures/chart_drawing.py``), from the same values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPalette, QPen, QPolygonF

from vitviz.figures.chart import ON_DARK, ON_LIGHT, Inks, Line, Plot, points
from vitviz.gui.canvas import marks

DASHES = {
    "solid": Qt.PenStyle.SolidLine,
    "dashed": Qt.PenStyle.DashLine,
    "dotted": Qt.PenStyle.DotLine,
    "dash-dot": Qt.PenStyle.DashDotLine,
}

SWATCH = 22.0
LEGEND_GAP = 14.0
DOT = 2.4
ALONE = 3.2
"""Radius of a dot on a line, and of one by itself."""

NEAR = 14.0
"""How far from the pointer a number may be that is meant, in pixels."""

Legend = Literal["right", "above", "none"]


def inks_on(palette: QPalette) -> Inks:
    """The colours of lines on a palette's ground."""
    dark = palette.color(QPalette.ColorRole.Window).lightness() < 128
    return ON_DARK if dark else ON_LIGHT


def ink_of(line: Line, palette: QPalette) -> QColor:
    """A line's colour."""
    if line.ink == -1:
        return marks.quiet(palette)
    if line.ink == -2:
        return palette.color(QPalette.ColorRole.Highlight)
    inks = inks_on(palette).lines
    return QColor(inks[line.ink % len(inks)])


class PlotPainter:
    """Paints one plot into a box.

    Args:
        painter: Of the widget; its font is that of all texts.
        plot: What is painted.
        outer: All of its room, in the painter's pixels.
        palette: For texts, axes and lines.
        legend: Where the lines' names stand.
        title: Above the plot, at the left.
    """

    def __init__(
        self, painter: QPainter, plot: Plot, outer: QRectF, palette: QPalette,
        legend: Legend = "right", title: str = "",
    ) -> None:  # fmt: skip
        self.painter, self.plot, self.palette = painter, plot, palette
        self.outer, self.legend, self.title = outer, legend, title
        self.metrics = QFontMetricsF(painter.font())
        self.box = plot_box(plot, outer, self.metrics, legend, titled=bool(title))

    def at(self, x: float, y: float) -> QPointF:
        """Where a number lies."""
        return point_at(self.plot, self.box, x, y)

    def paint(self) -> None:
        """All of it but what is marked."""
        self.painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._axes()
        for line in self.plot.lines:
            self._band(line)
        for line in reversed(self.plot.lines):  # the first one lies over the others
            self._line(line)
        if self.title:
            self.painter.setPen(self.palette.color(QPalette.ColorRole.Text))
            self.painter.drawText(
                QPointF(self.outer.left(), self.outer.top() + self.metrics.ascent()), self.title
            )
        if self.legend == "right":
            self._legend_beside()
        elif self.legend == "above":
            self._legend_above()

    def mark(self, line: int, place: int, *, upright: bool = False) -> None:
        """A ring around a number, and an upright line through it where that is wanted."""
        of, painter = self.plot.lines[line], self.painter
        where = self.at(of.xs[place], of.ys[place])
        if upright:
            painter.setPen(marks.quiet(self.palette))
            painter.drawLine(
                QPointF(where.x(), self.box.top()), QPointF(where.x(), self.box.bottom())
            )
        painter.setBrush(self.palette.color(QPalette.ColorRole.Window))
        painter.setPen(QPen(ink_of(of, self.palette), 1.8))
        painter.drawEllipse(where, 4.6, 4.6)

    def _axes(self) -> None:
        painter, plot, box, height = self.painter, self.plot, self.box, self.metrics.height()
        faint, quiet = self.palette.color(QPalette.ColorRole.Mid), marks.quiet(self.palette)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for tick, label in zip(plot.y.ticks, plot.y.labels, strict=True):
            y = round(self.at(plot.x.low, tick).y()) + 0.5
            painter.setPen(QPen(faint, 1))
            painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
            painter.setPen(quiet)
            painter.drawText(QRectF(box.left() - 90, y - height / 2, 84, height), right, label)
        before = -math.inf
        for tick, label in zip(plot.x.ticks, plot.x.labels, strict=True):
            x, wide = self.at(tick, plot.y.low).x(), self.metrics.horizontalAdvance(label)
            if x - wide / 2 < before:
                continue  # there is no room for it
            painter.drawText(
                QRectF(x - 40, box.bottom() + 3, 80, height), Qt.AlignmentFlag.AlignCenter, label
            )
            before = x + wide / 2 + 6
        centre = Qt.AlignmentFlag.AlignCenter
        below = QRectF(box.left(), box.bottom() + 3 + height, box.width(), height + 2)
        painter.drawText(below, centre, plot.x.title)
        if plot.y.title:
            painter.save()
            painter.translate(self.outer.left() + height / 2 + 1, box.center().y())
            painter.rotate(-90)
            painter.drawText(QRectF(-box.height() / 2, -height / 2, box.height(), height), centre,
                             plot.y.title)  # fmt: skip
            painter.restore()

    def _band(self, line: Line) -> None:
        if line.low is None or line.high is None:
            return
        above = [self.at(x, y) for x, y in zip(line.xs, line.high, strict=True)]
        below = [self.at(x, y) for x, y in zip(line.xs, line.low, strict=True)]
        self.painter.setPen(Qt.PenStyle.NoPen)
        self.painter.setBrush(self._shade(line))
        self.painter.drawPolygon(QPolygonF([*above, *reversed(below)]))

    def _shade(self, line: Line) -> QColor:
        return marks.translucent(ink_of(line, self.palette), 48)

    def _pen(self, line: Line) -> QPen:
        return QPen(ink_of(line, self.palette), line.width, DASHES[line.dash],
                    Qt.PenCapStyle.RoundCap)  # fmt: skip

    def _line(self, line: Line) -> None:
        there = [self.at(x, y) for x, y in zip(line.xs, line.ys, strict=True) if math.isfinite(y)]
        if line.width > 0:
            self.painter.setPen(self._pen(line))
            self.painter.setBrush(Qt.BrushStyle.NoBrush)
            self.painter.drawPolyline(QPolygonF(there))
        if line.dots:
            self.painter.setPen(Qt.PenStyle.NoPen)
            self.painter.setBrush(ink_of(line, self.palette))
            radius = DOT if line.width > 0 else ALONE
            for where in there:
                self.painter.drawEllipse(where, radius, radius)

    def _swatch(self, line: Line, left: float, middle: float) -> None:
        if line.low is not None and line.width == 0 and not line.dots:
            self.painter.fillRect(QRectF(left, middle - 5, SWATCH, 10), self._shade(line))
        elif line.width > 0:
            self.painter.setPen(self._pen(line))
            self.painter.drawLine(QPointF(left, middle), QPointF(left + SWATCH, middle))
        else:
            self.painter.setPen(Qt.PenStyle.NoPen)
            self.painter.setBrush(ink_of(line, self.palette))
            self.painter.drawEllipse(QPointF(left + SWATCH / 2, middle), ALONE, ALONE)

    def _legend_beside(self) -> None:
        x, y = self.box.right() + LEGEND_GAP, self.box.top()
        room = self.outer.right() - x - SWATCH - 6
        for line in self.plot.lines:
            if line.name:
                self._swatch(line, x, y + self.metrics.height() / 2)
                self.painter.setPen(marks.quiet(self.palette))
                name = self.metrics.elidedText(line.name, Qt.TextElideMode.ElideRight, room)
                self.painter.drawText(
                    QRectF(x + SWATCH + 6, y, room + 2, self.metrics.height() + 1),
                    Qt.AlignmentFlag.AlignVCenter, name,
                )  # fmt: skip
                y += self.metrics.height() + 5

    def _legend_above(self) -> None:
        """From the right edge to the left, each line's name in its colour."""
        right, top = self.box.right(), self.outer.top()
        middle = top + self.metrics.ascent() - self.metrics.xHeight() / 2
        named = [line for line in self.plot.lines if line.name]
        for line in reversed(named):
            right -= self.metrics.horizontalAdvance(line.name)
            self.painter.setPen(ink_of(line, self.palette))
            self.painter.drawText(QPointF(right, top + self.metrics.ascent()), line.name)
            if len(named) > 1:
                self._swatch(line, right - SWATCH - 4, round(middle) + 0.5)
            right -= SWATCH + 16


def plot_box(
    plot: Plot, outer: QRectF, metrics: QFontMetricsF, legend: Legend, *, titled: bool = False
) -> QRectF:
    """Where the axes lie within all of a plot's room."""
    line = metrics.height()
    left = max((metrics.horizontalAdvance(label) for label in plot.y.labels), default=0.0) + 10
    if plot.y.title:
        left += line + 4
    right = 6.0
    if legend == "right":
        names = [metrics.horizontalAdvance(one.name) for one in plot.lines if one.name]
        if names:
            right = min(max(names) + SWATCH + LEGEND_GAP + 12, outer.width() * 0.4)
    top = 1.6 * line if titled or legend == "above" else line / 2 + 2
    return outer.adjusted(left, top, -right, -(2.4 * line + 6))


def point_at(plot: Plot, box: QRectF, x: float, y: float) -> QPointF:
    """Where a number lies between the axes; one beyond their ends lies at the end."""
    across = plot.x.place(x)
    up = min(max(plot.y.place(y), 0.0), 1.0) if math.isfinite(y) else 1.0
    return QPointF(box.left() + box.width() * across, box.bottom() - box.height() * up)


def nearest(plot: Plot, box: QRectF, where: QPointF) -> tuple[int, int] | None:
    """The number under the pointer: its line, and its place in it; None where none is near."""
    best, found = NEAR, None
    for line, place in points(plot):
        of = plot.lines[line]
        there = point_at(plot, box, of.xs[place], of.ys[place])
        far = math.hypot(there.x() - where.x(), there.y() - where.y())
        if far < best:
            best, found = far, (line, place)
    return found


def in_order(plot: Plot) -> Sequence[tuple[int, int]]:
    """The numbers that the keyboard goes through: from left to right, from below to above."""
    return sorted(
        points(plot), key=lambda at: (plot.lines[at[0]].xs[at[1]], plot.lines[at[0]].ys[at[1]])
    )
