"""What may lie over a pane: what a drop would do."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QWidget

from vitviz.gui.canvas import marks


class DropHint(QWidget):
    """What a drop would do, over what it would do it to."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.words = self._short = ""
        self.hide()

    def say(self, words: str, short: str = "") -> None:
        """Shows it.

        Args:
            words: What a drop would do.
            short: What stands there instead where there is no room for all of it.
        """
        self.words, self._short = words, short or words
        self.raise_()
        self.show()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        palette, area = self.palette(), QRectF(self.rect())
        accent = palette.color(QPalette.ColorRole.Highlight)
        marks.panel(painter, area, marks.translucent(accent, 46), accent)
        marks.frame(painter, area, accent, 2, 6)
        painter.setFont(marks.bold(self.font()))
        metrics = painter.fontMetrics()
        room = self.width() - 48
        fits = metrics.horizontalAdvance(self.words) <= room
        words = self.words if fits else self._short
        words = metrics.elidedText(words, Qt.TextElideMode.ElideMiddle, room)
        box = QRectF(0, 0, metrics.horizontalAdvance(words) + 28, metrics.height() + 14)
        box.moveCenter(area.center())
        marks.panel(painter, box, accent)
        painter.setPen(palette.color(QPalette.ColorRole.HighlightedText))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
        painter.end()
