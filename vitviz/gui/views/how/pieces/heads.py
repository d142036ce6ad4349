"""All heads of all layers as switches: a silent one is struck out."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from vitviz.gui.canvas import marks
from vitviz.gui.widgets.text import set_tooltip

CELL = 15
LEFT = 22
LINE = 15


class HeadSwitches(QWidget):
    """A column a layer, a row a head; a click silences a head, or lets it be heard again.

    With keys: arrows go from head to head, Space switches.

    Signals:
        switched(int, int): Layer and head, from 0.
    """

    switched = Signal(int, int)

    def __init__(self) -> None:
        super().__init__()
        self._heads: tuple[int, ...] = ()
        self._silent: frozenset[tuple[int, int]] = frozenset()
        self._cursor: tuple[int, int] | None = None
        self.setAccessibleName("Heads that are heard")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def show_heads(self, heads: tuple[int, ...], silent: frozenset[tuple[int, int]]) -> None:
        """Shows other switches.

        Args:
            heads: How many each layer has.
            silent: Layers and heads that are not heard.
        """
        self._heads, self._silent = heads, silent
        self._say()
        self.updateGeometry()
        self.update()

    @property
    def _cell(self) -> float:
        room = max(self.width() - LEFT - 2, 1)
        return max(min(float(CELL), room / max(len(self._heads), 1)), 5.0)

    def sizeHint(self) -> QSize:
        rows = max(self._heads, default=1)
        return QSize(LEFT + CELL * max(len(self._heads), 1) + 2, LINE + rows * CELL + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(LEFT + 6 * max(len(self._heads), 1), self.sizeHint().height())

    def box(self, layer: int, head: int) -> QRectF:
        """Where a switch is."""
        cell = self._cell
        return QRectF(LEFT + layer * cell, LINE + head * CELL, cell, CELL).adjusted(1, 1, -1, -1)

    def place_at(self, point: QPointF) -> tuple[int, int] | None:
        """Layer and head at a point."""
        layer = int((point.x() - LEFT) // self._cell)
        head = int((point.y() - LINE) // CELL)
        there = 0 <= layer < len(self._heads) and 0 <= head < self._heads[layer]
        return (layer, head) if there else None

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, palette = QPainter(self), self.palette()
        painter.setFont(marks.sized(self.font(), 0.72))
        metrics = QFontMetricsF(painter.font())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        quiet, middle = marks.quiet(palette), Qt.AlignmentFlag.AlignCenter
        painter.setPen(quiet)
        every = 1 if self._cell > metrics.horizontalAdvance("00") else 4
        for layer in range(len(self._heads)):
            if layer % every == 0:
                box = self.box(layer, 0)
                painter.drawText(QRectF(box.left() - 8, 0, box.width() + 16, LINE), middle,
                                 str(layer + 1))  # fmt: skip
        for head in range(max(self._heads, default=0)):
            painter.drawText(QRectF(0, LINE + head * CELL, LEFT - 4, CELL), middle, str(head + 1))
        for layer, count in enumerate(self._heads):
            for head in range(count):
                self._paint_switch(painter, layer, head)
        if self.hasFocus() and self._cursor is not None:
            frame = palette.color(QPalette.ColorRole.Text)
            marks.frame(painter, self.box(*self._cursor).adjusted(-1, -1, 1, 1), frame, 1.5, 2)
        painter.end()

    def _paint_switch(self, painter: QPainter, layer: int, head: int) -> None:
        palette, box = self.palette(), self.box(layer, head)
        silent = (layer, head) in self._silent
        painter.setPen(QPen(palette.color(QPalette.ColorRole.Mid), 1))
        painter.setBrush(palette.color(
            QPalette.ColorRole.Window if silent else QPalette.ColorRole.Highlight
        ))  # fmt: skip
        painter.drawRoundedRect(box, 2, 2)
        if silent:
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Text), 1.5))
            painter.drawLine(box.topLeft(), box.bottomRight())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self.place_at(event.position())
        if place is not None and event.button() == Qt.MouseButton.LeftButton:
            self._cursor = place
            self.switched.emit(*place)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = self.place_at(event.position())
        set_tooltip(self, "" if place is None else self._words(place))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1),
                 Qt.Key.Key_Down: (0, 1)}  # fmt: skip
        step, at = steps.get(Qt.Key(event.key())), self._cursor or (0, 0)
        if step is not None and self._heads:
            layer = min(max(at[0] + step[0], 0), len(self._heads) - 1)
            head = min(max(at[1] + step[1], 0), max(self._heads[layer] - 1, 0))
            self._cursor = (layer, head) if self._cursor is not None else at
            self._say()
            self.update()
        elif event.key() == Qt.Key.Key_Space and self._heads:
            self._cursor = at
            self.switched.emit(*at)
        else:
            super().keyPressEvent(event)

    def _words(self, place: tuple[int, int]) -> str:
        state = "silent" if place in self._silent else "heard"
        return f"Layer {place[0] + 1}, head {place[1] + 1}: {state}"

    def _say(self) -> None:
        words = f"{len(self._silent)} silent" if self._cursor is None else self._words(self._cursor)
        self.setAccessibleDescription(words)
