"""Scores of a few classes as bars, with where they were before."""

from __future__ import annotations

from dataclasses import dataclass

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
from vitviz.plain_text import shown_text


@dataclass(frozen=True)
class Score:
    """One class.

    Args:
        index: Of the class.
        name: What it is called.
        share: What the bar is long, 0..1.
        words: Beside it.
        before: What it was without an intervention; None: the same.
    """

    index: int
    name: str
    share: float
    words: str
    before: float | None = None


class ScoreBars(QWidget):
    """Names, bars and numbers; a line marks where a bar ended before.

    With keys: up and down choose.

    Signals:
        chosen(int): The index of the class that was clicked.
    """

    chosen = Signal(int)

    def __init__(self, name: str, *, choosing: bool = True) -> None:
        super().__init__()
        self.scores: tuple[Score, ...] = ()
        self.current: int | None = None
        self._choosing = choosing
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        if choosing:
            self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            self.setCursor(Qt.CursorShape.PointingHandCursor)

    def show_scores(self, scores: tuple[Score, ...], current: int | None = None) -> None:
        """Shows other classes.

        Args:
            scores: In order.
            current: Index of the class that all is about.
        """
        self.scores, self.current = scores, current
        words = "\n".join(f"{score.name}: {score.words}" for score in scores)
        set_tooltip(self, words)
        self.setAccessibleDescription(shown_text(words, lines=True))
        self.updateGeometry()
        self.update()

    @property
    def row_height(self) -> float:
        return QFontMetricsF(self.font()).height() + 15

    def sizeHint(self) -> QSize:
        return QSize(210, int(max(len(self.scores), 1) * self.row_height))

    def minimumSizeHint(self) -> QSize:
        return QSize(130, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, palette = QPainter(self), self.palette()
        metrics = QFontMetricsF(self.font())
        accent = palette.color(QPalette.ColorRole.Highlight)
        for row, score in enumerate(self.scores):
            top, width = row * self.row_height, float(self.width()) - 2
            own = score.index == self.current
            number = metrics.horizontalAdvance(score.words)
            painter.setPen(palette.color(QPalette.ColorRole.Text) if own else marks.quiet(palette))
            room = QRectF(1, top, width - number - 10, metrics.height() + 1)
            words = metrics.elidedText(
                shown_text(score.name), Qt.TextElideMode.ElideRight, room.width()
            )
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, words)
            painter.drawText(QRectF(width - number, top, number + 2, metrics.height() + 1),
                             Qt.AlignmentFlag.AlignVCenter, score.words)  # fmt: skip
            bar = QRectF(1, top + metrics.height() + 3, width, 5)
            painter.fillRect(bar, palette.color(QPalette.ColorRole.Mid))
            filled = QRectF(bar.left(), bar.top(), min(score.share, 1.0) * width, bar.height())
            painter.fillRect(filled, accent if own else marks.quiet(palette))
            if score.before is not None:
                x = bar.left() + min(score.before, 1.0) * width
                painter.setPen(QPen(palette.color(QPalette.ColorRole.Text), 2))
                painter.drawLine(QPointF(x, bar.top() - 2), QPointF(x, bar.bottom() + 2))
        if self.hasFocus():
            marks.frame(painter, QRectF(self.rect()), accent, 1, 4)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = int(event.position().y() // self.row_height)
        left = event.button() == Qt.MouseButton.LeftButton
        if self._choosing and left and 0 <= row < len(self.scores):
            self.chosen.emit(self.scores[row].index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
        step = steps.get(Qt.Key(event.key()))
        if step is None or not self._choosing or not self.scores:
            super().keyPressEvent(event)
            return
        indices = [score.index for score in self.scores]
        at = indices.index(self.current) + step if self.current in indices else 0
        self.chosen.emit(indices[min(max(at, 0), len(indices) - 1)])
