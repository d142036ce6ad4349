"""The curves of a judgement, drawn as they are."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from vitviz.engine.answers import Trust
from vitviz.figures.chart import Axis, Dash, Line, Plot
from vitviz.gui.canvas import marks
from vitviz.gui.charts.plot import PlotPainter
from vitviz.shapes import Float64

QUIET, OWN = -1, -2
"""Inks of what the map is beside, and of the map."""


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

    def plot(self) -> Plot:
        """What is drawn: the map's own curves first, then what they are beside."""
        assert self._trust is not None
        found = self._trust.judgement
        known = found.references
        gone = np.r_[0.0, known.counts / known.leave_one_out.size]

        def line(name: str, answers: Float64[np.ndarray, " steps"], ink: int, dash: Dash,
                 width: float) -> Line:  # fmt: skip
            return Line(name, gone.tolist(), [known.whole, *answers.tolist()], ink, dash, width)

        low, high = ([known.whole, *edge.tolist()] for edge in known.curve_band)
        lines = (
            line("Marked first", found.curve.first, OWN, "solid", 2.0),
            line("Marked last", found.curve.last, OWN, "dashed", 2.0),
            line("Leave-one-out first", known.best.first, QUIET, "solid", 1.2),
            line("Edges first", known.edges.first, QUIET, "dash-dot", 1.2),
            line("Middle of the photo first", known.centre.first, QUIET, "dotted", 1.2),
            Line("5 to 95 % of random orders", gone.tolist(), low, QUIET, width=0.0, low=low,
                 high=high),
        )  # fmt: skip
        top = self._top([value for one in lines for value in (*one.ys, *(one.high or ()))])
        parts = (0.0, 0.25, 0.5, 0.75, 1.0)
        return Plot(
            Axis("of the patches removed", 0.0, 1.0, parts,
                 tuple(f"{100 * part:.0f} %" for part in parts)),
            Axis("", 0.0, top, (0.0, top / 2, top),
                 tuple(f"{100 * part * top:g} %" for part in (0.0, 0.5, 1.0))),
            lines,
        )  # fmt: skip

    def _top(self, values: list[float]) -> float:
        """The greatest probability of the chart: a round one."""
        highest = max(values)
        return next((top for top in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if highest <= top), 1.0)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(marks.small(self.font()))
        room = QRectF(self.rect()).adjusted(0, 2, -4, 0)
        if self._trust is not None and room.width() > 240 and room.height() > 80:
            PlotPainter(painter, self.plot(), room, self.palette()).paint()
        painter.end()
