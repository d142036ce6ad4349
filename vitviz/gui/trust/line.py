"""The line under the map that says whether to trust it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from vitviz.gui.canvas import marks
from vitviz.gui.scene import TrustState
from vitviz.gui.widgets.text import set_tooltip
from vitviz.plain_text import shown_text
from vitviz.wording.trust import state_words

DOT = 7
"""Of the sign before the line, in pixels."""


class TrustLine(QWidget):
    """One quiet line; its height never changes. Cut where it does not fit, whole in its tooltip.

    Signals:
        chosen(): The user wants to know more.
    """

    chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words, self._verdict = "", ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setContentsMargins(12, 0, 12, 6)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Trust")
        self.setAutoFillBackground(False)

    @property
    def text(self) -> str:
        """The whole line."""
        return self._words

    def show_state(self, state: TrustState) -> None:
        """Shows a line; nothing, but in its place, where there is none yet."""
        words = shown_text(state_words(state.phase, state.trust, state.problem, state.fraction,
                                       state.expected_s))  # fmt: skip
        verdict = state.trust.judgement.verdict if state.trust is not None else ""
        if (words, verdict) == (self._words, self._verdict):
            return
        self._words, self._verdict = words, verdict
        self.setAccessibleDescription(words)
        set_tooltip(self, f"{words}\n\nClick for curves, tests and masks." if words else "")
        self.update()

    def sizeHint(self) -> QSize:
        metrics, free = QFontMetricsF(marks.small(self.font())), self.contentsMargins()
        return QSize(200, round(metrics.height()) + 4 + free.top() + free.bottom())

    def minimumSizeHint(self) -> QSize:
        return QSize(20, self.sizeHint().height())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(
            event.position().toPoint()
        ):
            self.chosen.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Enter, QEvent.Type.Leave, QEvent.Type.FocusIn,
                            QEvent.Type.FocusOut):  # fmt: skip
            self.update()
        return bool(super().event(event))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = marks.small(self.font())
        area, left = QRectF(self.contentsRect()), 0.0
        if self._verdict:
            left = DOT + 7
            self._paint_sign(painter, area)
        strong = self.underMouse() or self.hasFocus()
        font.setUnderline(strong and bool(self._words))
        painter.setFont(font)
        palette = self.palette()
        painter.setPen(palette.color(QPalette.ColorRole.Text) if strong else marks.quiet(palette))
        room = area.adjusted(left, 0, 0, 0)
        cut = QFontMetricsF(font).elidedText(self._words, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, cut)
        painter.end()

    def _paint_sign(self, painter: QPainter, area: QRectF) -> None:
        """Full above chance, a ring within it, a bar below: not by colour alone."""
        at = QRectF(area.left(), area.center().y() - DOT / 2, DOT, DOT)
        ink = marks.quiet(self.palette())
        painter.setPen(ink)
        if self._verdict == "better":
            good = QColor(self.palette().color(QPalette.ColorRole.Highlight))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(good)
            painter.drawEllipse(at)
        elif self._verdict == "chance":
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(at.adjusted(0.5, 0.5, -0.5, -0.5))
        else:
            painter.fillRect(QRectF(at.left(), at.center().y() - 1, DOT, 2), ink)
