"""How good a model is after each epoch, drawn as it is learned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QEvent, QRectF, QSize
from PySide6.QtGui import QFontMetricsF, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from vitviz.figures.chart import Axis, Line, Plot, round_step
from vitviz.gui.canvas.marks import small
from vitviz.gui.charts.plot import PlotPainter, plot_box
from vitviz.training.finetune.epochs import Epoch, best_of

GAP = 26
"""Between the two plots, in pixels."""

TITLES = ("Validation accuracy", "Loss")


def top_of(values: Sequence[float]) -> float:
    """The end of an axis that has room for values: 1, 2 or 5 times a power of ten."""
    most = max((value for value in values if math.isfinite(value)), default=1.0)
    return round_step(most) if most > 0 else 1.0


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
        left, right = self.boxes()
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
        """What is drawn; a line's name says the number of the epoch that is marked."""
        epochs, end = self.epochs, self._end
        numbers = [e.number for e in epochs]
        accuracy = Line("", numbers, [e.accuracy for e in epochs], 0, dots=True)
        loss = Line("validation", numbers, [e.loss for e in epochs], 0, dots=True)
        trained = [e for e in epochs if e.training_loss is not None]
        training = Line("training", [e.number for e in trained],
                        [e.training_loss or 0.0 for e in trained], 1, "dashed",
                        dots=len(trained) == 1)  # fmt: skip
        top = top_of([*loss.ys, *training.ys])
        x = Axis("epoch", 0.0, float(end), (0.0, float(end)), ("0", str(end)))
        share = Axis("", 0.0, 1.0, (0.0, 0.5, 1.0), ("0 %", "50 %", "100 %"))
        losses = Axis("", 0.0, top, (0.0, top / 2, top), ("0", f"{top / 2:.2g}", f"{top:.2g}"))
        named = replace(accuracy, name=self._words(accuracy, percent=True))
        told = [replace(line, name=self._words(line, percent=False)) for line in (loss, training)]
        return Plot(x, share, (named,)), Plot(x, losses, tuple(told))

    @property
    def _marked(self) -> Epoch | None:
        """The epoch under the pointer, else the best one."""
        if not self._epochs:
            return None
        if self._hovered is not None and self._hovered in self._epochs:
            return self._epochs[self._hovered]
        return best_of(self.epochs)

    def _words(self, line: Line, *, percent: bool) -> str:
        """The line's name, and the marked epoch's number."""
        marked = self._marked
        value = None if marked is None else dict(zip(line.xs, line.ys, strict=True)).get(
            marked.number)  # fmt: skip
        if marked is None or (value is None and not line.name):
            return line.name
        said = "" if value is None else f"{100 * value:.1f} %" if percent else f"{value:.3f}"
        if line.name:
            return f"{line.name} {said}" if self._hovered is not None else line.name
        best = ", the best" if marked == best_of(self.epochs) else ""
        return f"epoch {marked.number}{best}: {said}"

    def _halves(self) -> tuple[QRectF, QRectF]:
        """The room of each plot."""
        width = (self.width() - GAP) / 2
        left = QRectF(0, 0, width, self.height())
        return left, left.translated(width + GAP, 0)

    def boxes(self) -> tuple[QRectF, QRectF]:
        """Of the axes."""
        metrics = QFontMetricsF(small(self.font()))
        left, right = (
            plot_box(plot, half, metrics, "above", titled=True)
            for plot, half in zip(self.plots(), self._halves(), strict=True)
        )
        return left, right

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(small(self.font()))
        marked = self._marked
        for title, plot, half in zip(TITLES, self.plots(), self._halves(), strict=True):
            painted = PlotPainter(painter, plot, half, self.palette(), "above", title)
            painted.paint()
            if marked is not None:
                place = list(plot.lines[0].xs).index(marked.number)
                painted.mark(0, place, upright=self._hovered is not None)
        painter.end()
