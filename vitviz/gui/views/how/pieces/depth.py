"""Charts along the depth of a network: which class is ahead, and who wrote what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from vitviz.gui.canvas import marks
from vitviz.gui.widgets.text import set_tooltip
from vitviz.plain_text import shown_text
from vitviz.shapes import Float32
from vitviz.wording.numbers import percent

LEFT = 46
"""Room for the numbers at the left, so that charts of one page share their layers."""

STYLES = (
    Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine,
    Qt.PenStyle.DashDotLine, Qt.PenStyle.DashDotDotLine,
)  # fmt: skip
"""Of lines, which are so told apart without colours."""


@dataclass(frozen=True, eq=False)
class DepthLine:
    """One line.

    Args:
        name: What it is of.
        values: One at each depth.
        strong: It is the one that all is about.
    """

    name: str
    values: Float32[np.ndarray, " depths"]
    strong: bool = False


class DepthChart(QWidget):
    """What all charts along the depth share: the layers below, and one of them chosen.

    With keys: left and right choose the layer.

    Signals:
        layer_chosen(int): The layer that was clicked, from 0.
    """

    layer_chosen = Signal(int)

    def __init__(self, name: str, height: int, *, before: bool) -> None:
        super().__init__()
        self._height, self._before = height, before
        self.count, self.layer = 0, 0
        self._hovered: int | None = None
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(320, self._height)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, self._height)

    @property
    def slots(self) -> int:
        """Places along the depth: the layers, and one before the first."""
        return self.count + 1

    def plot(self) -> QRectF:
        """Where the chart itself is."""
        line = QFontMetricsF(marks.small(self.font())).height()
        return QRectF(LEFT, 6, max(self.width() - LEFT - 8, 1), self._height - line - 12)

    def middle(self, slot: int) -> float:
        """Of a place along the depth."""
        plot = self.plot()
        return plot.left() + (slot + 0.5) * plot.width() / self.slots

    def slot_at(self, x: float) -> int | None:
        """The place along the depth at a point; None beside the chart."""
        plot = self.plot()
        if not self.count or not plot.left() <= x <= plot.right():
            return None
        return min(int((x - plot.left()) / plot.width() * self.slots), self.slots - 1)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, palette = QPainter(self), self.palette()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(marks.small(self.font()))
        plot, metrics = self.plot(), QFontMetricsF(painter.font())
        if self.count:
            self._paint_layers(painter, plot, metrics, palette)
            self.paint_chart(painter, plot, metrics)
        if self.hasFocus():
            frame = palette.color(QPalette.ColorRole.Highlight)
            marks.frame(painter, QRectF(self.rect()), frame, 1, 4)
        painter.end()

    def _paint_layers(
        self, painter: QPainter, plot: QRectF, metrics: QFontMetricsF, palette: QPalette
    ) -> None:
        width = plot.width() / self.slots
        for slot, colour in ((self._hovered, QPalette.ColorRole.Midlight),
                             (self.layer + 1, QPalette.ColorRole.Button)):  # fmt: skip
            if slot is not None:
                band = QRectF(plot.left() + slot * width, plot.top(), width, plot.height() + 4)
                painter.fillRect(band, palette.color(colour))
        every = max(1, int(np.ceil(metrics.horizontalAdvance("00 ") / width)))
        for slot in range(self.slots):
            chosen = slot == self.layer + 1
            if (slot and slot % every and not chosen) or (not slot and not self._before):
                continue
            painter.setPen(palette.color(QPalette.ColorRole.Text) if chosen
                           else marks.quiet(palette))  # fmt: skip
            box = QRectF(self.middle(slot) - 30, plot.bottom() + 5, 60, metrics.height())
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(slot) if slot else "in")

    def paint_chart(self, painter: QPainter, plot: QRectF, metrics: QFontMetricsF) -> None:
        """Draws what is the chart's own."""
        raise NotImplementedError

    def words_at(self, slot: int) -> str:
        """What is there at a place along the depth."""
        raise NotImplementedError

    def number(self, painter: QPainter, y: float, words: str) -> None:
        """A number at the left, and its line."""
        plot, metrics = self.plot(), QFontMetricsF(painter.font())
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Mid), 1))
        painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
        painter.setPen(marks.quiet(self.palette()))
        box = QRectF(0, y - metrics.height() / 2, LEFT - 6, metrics.height())
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(box, right, words)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hovered = self.slot_at(event.position().x())
        set_tooltip(self, "" if self._hovered is None else self.words_at(self._hovered))
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered = None
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        slot = self.slot_at(event.position().x())
        if event.button() == Qt.MouseButton.LeftButton and slot is not None:
            self.layer_chosen.emit(max(slot - 1, 0))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        step = steps.get(Qt.Key(event.key()))
        if step is None or not self.count:
            super().keyPressEvent(event)
            return
        self.layer_chosen.emit(min(max(self.layer + step, 0), self.count - 1))


class RaceChart(DepthChart):
    """The share of each of a few classes after each layer."""

    def __init__(self) -> None:
        super().__init__("Class race", 150, before=True)
        self.lines: tuple[DepthLine, ...] = ()
        self.decided: int | None = None

    def show_race(self, lines: tuple[DepthLine, ...], decided: int | None, layer: int) -> None:
        """Shows other lines.

        Args:
            lines: As many values in each.
            decided: From which depth on the first is the first; None: nobody asks.
            layer: That is chosen, from 0.
        """
        self.lines, self.decided, self.layer = lines, decided, layer
        self.count = len(lines[0].values) - 1 if lines else 0
        self.setAccessibleDescription(self.words_at(min(layer + 1, self.count)) if lines else "")
        self.update()

    def words_at(self, slot: int) -> str:
        each = [f"{line.name}: {percent(float(line.values[slot]))}" for line in self.lines]
        return "\n".join([f"After layer {slot}" if slot else "Before the first layer", *each])

    def paint_chart(self, painter: QPainter, plot: QRectF, metrics: QFontMetricsF) -> None:
        most = max((float(line.values.max()) for line in self.lines), default=1.0)
        top = next((top for top in (0.05, 0.1, 0.2, 0.5) if most <= top), 1.0)
        for part in (0.0, 0.5, 1.0):
            y = plot.bottom() - part * plot.height()
            self.number(painter, y, f"{100 * part * top:g} %")
        accent = self.palette().color(QPalette.ColorRole.Highlight)
        if self.decided is not None:
            x = self.middle(self.decided)
            painter.setPen(QPen(accent, 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
        for index, line in reversed(list(enumerate(self.lines))):
            ink = accent if line.strong else self.palette().color(QPalette.ColorRole.Text)
            painter.setPen(QPen(ink, 2.2 if line.strong else 1.3, STYLES[index % len(STYLES)]))
            painter.drawPolyline(QPolygonF([
                QPointF(self.middle(slot), plot.bottom() - float(value) / top * plot.height())
                for slot, value in enumerate(line.values)
            ]))  # fmt: skip


class RaceLegend(QWidget):
    """The names of a race's lines, with how each is drawn and where it ends."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: tuple[DepthLine, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)

    def show_lines(self, lines: tuple[DepthLine, ...]) -> None:
        self._lines = lines
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(190, 150)

    def minimumSizeHint(self) -> QSize:
        return QSize(130, 100)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, palette = QPainter(self), self.palette()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(marks.small(self.font()))
        metrics = QFontMetricsF(painter.font())
        step = metrics.height() + 7
        for index, line in enumerate(self._lines):
            y = 6 + index * step
            accent = palette.color(QPalette.ColorRole.Highlight)
            ink = accent if line.strong else palette.color(QPalette.ColorRole.Text)
            painter.setPen(QPen(ink, 2.2 if line.strong else 1.3, STYLES[index % len(STYLES)]))
            middle = y + metrics.height() / 2
            painter.drawLine(QPointF(2, middle), QPointF(24, middle))
            share = percent(float(line.values[-1]))
            wide = metrics.horizontalAdvance(share)
            painter.setPen(palette.color(QPalette.ColorRole.Text))
            room = QRectF(30, y, self.width() - 34 - wide - 6, metrics.height() + 1)
            words = metrics.elidedText(
                shown_text(line.name), Qt.TextElideMode.ElideRight, room.width()
            )
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, words)
            painter.setPen(marks.quiet(palette))
            at = QRectF(self.width() - wide - 4, y, wide + 2, metrics.height() + 1)
            painter.drawText(at, Qt.AlignmentFlag.AlignVCenter, share)
        painter.end()


class PartsChart(DepthChart):
    """How long a token is before each layer, and what the layer's parts add to it."""

    def __init__(self) -> None:
        super().__init__("Who wrote into the token", 118, before=True)
        self._bars: tuple[tuple[tuple[str, float], ...], ...] = ()

    def show_bars(self, bars: tuple[tuple[tuple[str, float], ...], ...], layer: int) -> None:
        """Shows other lengths.

        Args:
            bars: Of each layer, names and lengths: the state before, then its parts.
            layer: That is chosen, from 0.
        """
        self._bars, self.count, self.layer = bars, len(bars), layer
        self.setAccessibleDescription(self.words_at(layer + 1) if bars else "")
        self.update()

    def words_at(self, slot: int) -> str:
        if not 0 < slot <= len(self._bars):
            return ""
        each = [f"{name}: {length:.3g}" for name, length in self._bars[slot - 1]]
        return "\n".join([f"Layer {slot}", *each])

    def paint_chart(self, painter: QPainter, plot: QRectF, metrics: QFontMetricsF) -> None:
        most = max((length for bars in self._bars for _, length in bars), default=1.0) or 1.0
        for part in (0.0, 1.0):
            self.number(painter, plot.bottom() - part * plot.height(), f"{part * most:.3g}")
        names = part_names(self._bars)
        wide = 0.78 * plot.width() / self.slots / max(len(names), 1)
        painter.setPen(Qt.PenStyle.NoPen)
        for layer, bars in enumerate(self._bars):
            start = self.middle(layer + 1) - wide * len(names) / 2
            for name, length in bars:
                at = names.index(name)
                high = length / most * plot.height()
                box = QRectF(start + at * wide, plot.bottom() - high, max(wide - 1, 1), high)
                painter.fillRect(box, part_colour(self.palette(), at))


def part_names(bars: tuple[tuple[tuple[str, float], ...], ...]) -> list[str]:
    """Of all layers, in the order they come."""
    return list(dict.fromkeys(name for layer in bars for name, _ in layer))


def part_colour(palette: QPalette, index: int) -> QColor:
    """Of the state, then of each part: grey, the accent, a blue that everybody tells from it."""
    if index == 0:
        return marks.quiet(palette)
    accent = palette.color(QPalette.ColorRole.Highlight)
    dark = palette.color(QPalette.ColorRole.Window).lightnessF() < 0.5
    return accent if index == 1 else QColor("#5aa2e0" if dark else "#1f6fb5")


class PartsLegend(QWidget):
    """The names of the bars."""

    def __init__(self) -> None:
        super().__init__()
        self._names: tuple[str, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)

    def show_names(self, names: tuple[str, ...]) -> None:
        self._names = names
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(190, 110)

    def minimumSizeHint(self) -> QSize:
        return QSize(130, 80)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(marks.small(self.font()))
        metrics = QFontMetricsF(painter.font())
        for index, name in enumerate(self._names):
            y = 6 + index * (metrics.height() + 7)
            painter.fillRect(QRectF(6, y + 3, 12, metrics.height() - 5),
                             part_colour(self.palette(), index))  # fmt: skip
            painter.setPen(self.palette().color(QPalette.ColorRole.Text))
            room = QRectF(30, y, self.width() - 32, metrics.height() + 1)
            cut = metrics.elidedText(name, Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, cut)
        painter.end()
