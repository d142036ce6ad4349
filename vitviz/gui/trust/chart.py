"""The curves of a judgement, drawn as they are."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from vitviz.engine.answers import Trust
from vitviz.gui.canvas import marks
from vitviz.shapes import Float64

LEGEND_WIDTH = 178
SWATCH = 22

Line = tuple[str, Float64[np.ndarray, " steps"], Qt.PenStyle, float, bool]
"""What it is called, its answers, how it is dashed, how wide, and whether it is the map's own."""


class TrustChart(QWidget):
    """Probability of the class against the part of the patches that is gone."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._trust: Trust | None = None
        self.setMinimumHeight(210)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Removal curves")

    def show_trust(self, trust: Trust | None) -> None:
        """Shows the curves of an answer; an empty chart without one."""
        if trust is not self._trust:
            self._trust = trust
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(560, 250)

    def lines(self) -> list[Line]:
        """What is drawn, the map's own last."""
        assert self._trust is not None
        found = self._trust.judgement
        known = found.references
        solid, dash = Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine
        dot, dash_dot = Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine
        return [
            ("Middle of the photo first", known.centre.first, dot, 1.2, False),
            ("Edges first", known.edges.first, dash_dot, 1.2, False),
            ("Leave-one-out first", known.best.first, solid, 1.2, False),
            ("Marked last", found.curve.last, dash, 2.0, True),
            ("Marked first", found.curve.first, solid, 2.0, True),
        ]

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(marks.small(self.font()))
        metrics = QFontMetricsF(painter.font())
        left = metrics.horizontalAdvance("100 %") + 8
        plot = QRectF(self.rect()).adjusted(
            left, 6, -LEGEND_WIDTH - 14, -2.4 * metrics.height() - 6
        )
        if self._trust is not None and plot.width() > 40 and plot.height() > 40:
            self._paint_axes(painter, plot, metrics)
            self._paint_curves(painter, plot)
            self._paint_legend(painter, plot, metrics)
        painter.end()

    @property
    def _top(self) -> float:
        """The greatest probability of the chart: a round one."""
        assert self._trust is not None
        known = self._trust.judgement.references
        highest = max([known.whole, float(known.curve_band.max()),
                       *(float(values.max()) for _, values, *_ in self.lines())])  # fmt: skip
        return next((top for top in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if highest <= top), 1.0)

    def _at(self, plot: QRectF, gone: float, answer: float) -> QPointF:
        return QPointF(
            plot.left() + gone * plot.width(), plot.bottom() - answer / self._top * plot.height()
        )

    def _gone(self) -> Float64[np.ndarray, " points"]:
        """Parts of the patches that are gone, nothing first."""
        assert self._trust is not None
        known = self._trust.judgement.references
        gone: Float64[np.ndarray, " points"] = np.r_[0.0, known.counts / known.leave_one_out.size]
        return gone

    def _paint_axes(self, painter: QPainter, plot: QRectF, metrics: QFontMetricsF) -> None:
        palette, top = self.palette(), self._top
        faint = palette.color(QPalette.ColorRole.Mid)
        for part in (0.0, 0.5, 1.0):
            y = plot.bottom() - part * plot.height()
            painter.setPen(QPen(faint, 1))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            painter.setPen(marks.quiet(palette))
            box = QRectF(0, y - metrics.height() / 2, plot.left() - 6, metrics.height())
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(box, right, f"{100 * part * top:g} %")
        for part in (0.0, 0.25, 0.5, 0.75, 1.0):
            x = plot.left() + part * plot.width()
            box = QRectF(x - 30, plot.bottom() + 3, 60, metrics.height())
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, f"{100 * part:.0f} %")
        box = QRectF(plot.left(), plot.bottom() + metrics.height() + 3, plot.width(),
                     metrics.height() + 2)  # fmt: skip
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, "of the patches removed")

    def _paint_curves(self, painter: QPainter, plot: QRectF) -> None:
        assert self._trust is not None
        known, gone = self._trust.judgement.references, self._gone()
        low, high = (np.r_[known.whole, edge] for edge in known.curve_band)
        points = [self._at(plot, x, y) for x, y in zip(gone, high, strict=True)]
        points += [self._at(plot, x, y) for x, y in zip(gone[::-1], low[::-1], strict=True)]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._band)
        painter.drawPolygon(QPolygonF(points))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for _, answers, style, width, own in self.lines():
            painter.setPen(QPen(self._ink(own), width, style))
            along = np.r_[known.whole, answers]
            painter.drawPolyline(
                QPolygonF([self._at(plot, x, y) for x, y in zip(gone, along, strict=True)])
            )

    def _paint_legend(self, painter: QPainter, plot: QRectF, metrics: QFontMetricsF) -> None:
        x, y, step = plot.right() + 14, plot.top(), metrics.height() + 5
        entries: list[Line | None] = [*reversed(self.lines()), None]
        for entry in entries:
            middle = y + metrics.height() / 2
            if entry is None:
                painter.fillRect(QRectF(x, middle - 5, SWATCH, 10), self._band)
                name = "5 to 95 % of random orders"
            else:
                name, _, style, width, own = entry
                painter.setPen(QPen(self._ink(own), width, style))
                painter.drawLine(QPointF(x, middle), QPointF(x + SWATCH, middle))
            painter.setPen(marks.quiet(self.palette()))
            room = QRectF(x + SWATCH + 6, y, LEGEND_WIDTH - SWATCH - 6, metrics.height() + 1)
            cut = metrics.elidedText(name, Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, cut)
            y += step

    def _ink(self, own: bool) -> QColor:
        palette = self.palette()
        return palette.color(QPalette.ColorRole.Highlight) if own else palette.color(
            QPalette.ColorRole.Text
        )  # fmt: skip

    @property
    def _band(self) -> QColor:
        colour = QColor(self.palette().color(QPalette.ColorRole.Text))
        colour.setAlphaF(0.14)
        return colour
