"""How good a model is after each epoch, drawn as it is learned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from vitviz.gui.canvas.marks import quiet, small
from vitviz.training.finetune.epochs import Epoch, best_of

GAP = 26
"""Between the two plots, in pixels."""

Points = Sequence[tuple[int, float]]


@dataclass(frozen=True)
class Line:
    """One of a plot's.

    Args:
        name: Said beside the title.
        points: (epoch, value), in order.
        colour: Of the line.
        dashed: Told apart without colour.
    """

    name: str
    points: Points
    colour: QColor
    dashed: bool = False


@dataclass(frozen=True)
class Plot:
    """One of the two.

    Args:
        title: What is up.
        lines: What is drawn; the first is the one that the marked epoch lies on.
        top: Of the axis, which begins at 0.
        percent: Values are said in per cent.
    """

    title: str
    lines: tuple[Line, ...]
    top: float
    percent: bool = False

    def said(self, value: float) -> str:
        """A value as it is written."""
        return f"{100 * value:.0f} %" if self.percent else f"{value:.2g}"

    def exactly(self, value: float) -> str:
        """A value as it is read off."""
        return f"{100 * value:.1f} %" if self.percent else f"{value:.3f}"


def line_colours(palette: QPalette) -> tuple[QColor, QColor]:
    """Blue and orange, each with enough contrast on the window.

    Source: Wong, "Points of view: Color blindness", Nature Methods 8, 2011.
    """
    if palette.color(QPalette.ColorRole.Window).lightness() < 128:
        return QColor("#56b4e9"), QColor("#e69f00")
    return QColor("#0072b2"), QColor("#a35200")


def top_of(values: Sequence[float]) -> float:
    """The end of an axis that has room for values: 1, 2 or 5 times a power of ten."""
    most = max((value for value in values if math.isfinite(value)), default=1.0)
    if most <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= most)


class TrainingChart(QWidget):
    """Accuracy at the left, losses at the right; the best epoch is marked.

    The epoch under the pointer says its numbers.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._epochs: dict[int, Epoch] = {}
        self._last = 1
        self._hovered: int | None = None
        self.setMouseTracking(True)
        self.setAccessibleName("Accuracy and loss of each epoch")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(150)

    @property
    def epochs(self) -> list[Epoch]:
        """What is drawn, in order."""
        return [self._epochs[number] for number in sorted(self._epochs)]

    def clear(self, last: int) -> None:
        """Nothing yet; the axis goes to this epoch."""
        self._epochs, self._last = {}, max(1, last)
        self.setAccessibleDescription("")
        self.update()

    def add(self, epoch: Epoch) -> None:
        """Draws one more epoch, or one again."""
        self._epochs[epoch.number] = epoch
        best = best_of(self.epochs)
        self.setAccessibleDescription(
            f"Epoch {epoch.number}: accuracy {epoch.accuracy:.3f}, loss {epoch.loss:.3f}. "
            f"The best is epoch {best.number}: accuracy {best.accuracy:.3f}."
        )
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(560, 170)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        left, right = self._boxes()
        box = left if event.position().x() < (left.right() + right.left()) / 2 else right
        place = (event.position().x() - box.left()) / box.width() * self._end
        near = min(self._epochs, key=lambda number: abs(number - place), default=None)
        if near != self._hovered:
            self._hovered = near
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered = None
        self.update()
        super().leaveEvent(event)

    @property
    def _end(self) -> int:
        return max(self._last, *self._epochs, 1)

    def plots(self) -> tuple[Plot, Plot]:
        """What is drawn."""
        epochs, (first, second) = self.epochs, line_colours(self.palette())
        accuracy = Line("", [(e.number, e.accuracy) for e in epochs], first)
        loss = Line("validation", [(e.number, e.loss) for e in epochs], first)
        trained = [(e.number, e.training_loss) for e in epochs if e.training_loss is not None]
        training = Line("training", trained, second, dashed=True)
        top = top_of([value for line in (loss, training) for _, value in line.points])
        return (
            Plot("Validation accuracy", (accuracy,), 1.0, percent=True),
            Plot("Loss", (loss, training), top),
        )

    def _boxes(self) -> tuple[QRectF, QRectF]:
        """Of the axes."""
        metrics = QFontMetricsF(small(self.font()))
        line, margin = metrics.height(), metrics.horizontalAdvance("100 %") + 8
        width = (self.width() - GAP) / 2 - margin - 4
        top, height = 1.5 * line, self.height() - 3.4 * line
        left = QRectF(margin, top, width, height)
        return left, left.translated(self.width() / 2 + GAP / 2, 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(small(self.font()))
        for plot, box in zip(self.plots(), self._boxes(), strict=True):
            self._paint_axes(painter, plot, box)
            for line in plot.lines:
                self._paint_line(painter, plot, line, box)
            self._paint_title(painter, plot, box)
            self._paint_mark(painter, plot, box)
        painter.end()

    def _at(self, plot: Plot, box: QRectF, point: tuple[int, float]) -> QPointF:
        number, value = point
        share = min(1.0, value / plot.top) if math.isfinite(value) else 1.0
        return QPointF(
            box.left() + box.width() * number / self._end, box.bottom() - box.height() * share
        )

    def _paint_axes(self, painter: QPainter, plot: Plot, box: QRectF) -> None:
        palette, height = self.palette(), QFontMetricsF(painter.font()).height()
        for share in (0.0, 0.5, 1.0):
            y = round(box.bottom() - share * box.height()) + 0.5
            painter.setPen(palette.color(QPalette.ColorRole.Mid))
            painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
            painter.setPen(quiet(palette))
            painter.drawText(
                QRectF(box.left() - 60, y - height / 2, 54, height),
                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                plot.said(share * plot.top),
            )
        below = QRectF(box.left() - 20, box.bottom() + 4, box.width() + 24, height)
        for number, side in (
            (0, Qt.AlignmentFlag.AlignLeft),
            (self._end, Qt.AlignmentFlag.AlignRight),
        ):
            painter.drawText(below.adjusted(16, 0, -4, 0), side, str(number))
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, "epoch")

    def _paint_line(self, painter: QPainter, plot: Plot, line: Line, box: QRectF) -> None:
        points = [self._at(plot, box, point) for point in line.points]
        style = Qt.PenStyle.DashLine if line.dashed else Qt.PenStyle.SolidLine
        painter.setPen(QPen(line.colour, 1.8, style, Qt.PenCapStyle.RoundCap))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF(points))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(line.colour)
        if not line.dashed or len(points) == 1:
            for point in points:
                painter.drawEllipse(point, 2.4, 2.4)

    @property
    def _marked(self) -> Epoch | None:
        """The epoch under the pointer, else the best one."""
        if not self._epochs:
            return None
        if self._hovered is not None and self._hovered in self._epochs:
            return self._epochs[self._hovered]
        return best_of(self.epochs)

    def _legend(self, plot: Plot, line: Line) -> str:
        """The line's name, and the marked epoch's number."""
        marked = self._marked
        value = dict(line.points).get(marked.number) if marked is not None else None
        if marked is None or (value is None and not line.name):
            return line.name
        said = "" if value is None else plot.exactly(value)
        if line.name:
            return f"{line.name} {said}" if self._hovered is not None else line.name
        best = ", the best" if marked == best_of(self.epochs) else ""
        return f"epoch {marked.number}{best}: {said}"

    def _paint_title(self, painter: QPainter, plot: Plot, box: QRectF) -> None:
        metrics = QFontMetricsF(painter.font())
        start = box.left() - metrics.horizontalAdvance("100 %") - 8
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        painter.drawText(QPointF(start, metrics.ascent()), plot.title)
        right = box.right()
        for line in reversed(plot.lines):
            words = self._legend(plot, line)
            right -= metrics.horizontalAdvance(words)
            painter.setPen(line.colour)
            painter.drawText(QPointF(right, metrics.ascent()), words)
            if line.name:
                style = Qt.PenStyle.DashLine if line.dashed else Qt.PenStyle.SolidLine
                painter.setPen(QPen(line.colour, 1.8, style))
                y = round(metrics.ascent() - metrics.xHeight() / 2) + 0.5
                painter.drawLine(QPointF(right - 24, y), QPointF(right - 5, y))
            right -= 36

    def _paint_mark(self, painter: QPainter, plot: Plot, box: QRectF) -> None:
        marked = self._marked
        if marked is None:
            return
        if self._hovered is not None:
            x = self._at(plot, box, (marked.number, 0.0)).x()
            painter.setPen(quiet(self.palette()))
            painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()))
        line = plot.lines[0]
        place = self._at(plot, box, (marked.number, dict(line.points)[marked.number]))
        painter.setBrush(self.palette().color(QPalette.ColorRole.Window))
        painter.setPen(QPen(line.colour, 1.8))
        painter.drawEllipse(place, 4.2, 4.2)
