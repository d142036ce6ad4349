"""How far each layer looks: attention at once, convolutions little by little."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPalette, QPen, QPolygonF

from vitviz.gui.canvas import marks
from vitviz.gui.views.how.pieces.depth import DepthChart
from vitviz.shapes import Float32


@dataclass(frozen=True, eq=False)
class Reach:
    """How far the layers of a network look, of the longer side of its input, 0..1.

    Args:
        name: Of the network.
        layers: Of each layer, one for each head; one where it has none.
        dots: Heads are drawn as dots; else the layers as a line.
    """

    name: str
    layers: tuple[Float32[np.ndarray, " heads"], ...]
    dots: bool


class ReachChart(DepthChart):
    """This network's layers, and those of one of the other kind behind them."""

    def __init__(self) -> None:
        super().__init__("How far each layer looks", 150, before=False)
        self.own: Reach | None = None
        self.other: Reach | None = None

    def show_reach(self, own: Reach | None, other: Reach | None, layer: int) -> None:
        """Shows other networks.

        Args:
            own: This one; None: nothing.
            other: Behind it, over the same width however many layers it has.
            layer: That is chosen, from 0.
        """
        self.own, self.other, self.layer = own, other, layer
        self.count = len(own.layers) if own is not None else 0
        self.setAccessibleDescription(self.words_at(layer + 1) if own is not None else "")
        self.update()

    def words_at(self, slot: int) -> str:
        if self.own is None or not 0 < slot <= len(self.own.layers):
            return ""
        each = ", ".join(f"{100 * value:.0f} %" for value in self.own.layers[slot - 1])
        return f"Layer {slot}: {each} of the input's side"

    def paint_chart(self, painter: QPainter, plot: QRectF, metrics: QFontMetricsF) -> None:
        for part in (0.0, 0.5, 1.0):
            self.number(painter, plot.bottom() - part * plot.height(), f"{100 * part:.0f} %")
        palette = self.palette()
        if self.other is not None:
            self._paint(painter, plot, self.other, marks.quiet(palette), Qt.PenStyle.DashLine)
        if self.own is not None:
            accent = palette.color(QPalette.ColorRole.Highlight)
            self._paint(painter, plot, self.own, accent, Qt.PenStyle.SolidLine)

    def _paint(
        self, painter: QPainter, plot: QRectF, reach: Reach, ink: object, style: Qt.PenStyle
    ) -> None:
        first, last, count = self.middle(1), self.middle(self.count), len(reach.layers)

        def at(layer: int, value: float) -> QPointF:
            x = first + layer * (last - first) / max(count - 1, 1)
            return QPointF(x, plot.bottom() - min(value, 1.0) * plot.height())

        means = [at(layer, float(values.mean())) for layer, values in enumerate(reach.layers)]
        painter.setPen(QPen(ink, 2, style))  # type: ignore[call-overload]
        painter.drawPolyline(QPolygonF(means))
        if reach.dots:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ink)
            for layer, values in enumerate(reach.layers):
                for value in values:
                    painter.drawEllipse(at(layer, float(value)), 2.6, 2.6)
            painter.setBrush(Qt.BrushStyle.NoBrush)
