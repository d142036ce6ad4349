"""What is drawn over the window while something is dragged over it: what a drop would do."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QWidget

from vitviz.gui.canvas import marks
from vitviz.plain_text import shown_text


class DropCover(QWidget):
    """A dashed frame with a few words; the drop goes to what is below it.

    Args:
        over: What it covers.
    """

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.words = ""
        self._refuses = False
        self.hide()

    def announce(self, words: str, *, refuses: bool = False) -> None:
        """Says what a drop would do.

        Args:
            words: "Open 3 photos".
            refuses: It would do nothing.
        """
        self.words, self._refuses = shown_text(words), refuses
        parent = self.parentWidget()
        if parent is not None:
            self.setGeometry(parent.rect())
        self.raise_()
        self.show()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette, role = self.palette(), QPalette.ColorRole
        colour = palette.color(role.BrightText if self._refuses else role.Highlight)
        painter.fillRect(self.rect(), marks.translucent(palette.color(role.Window), 120))
        painter.setPen(QPen(colour, 3, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(10, 10, -10, -10), 10, 10)
        painter.setFont(marks.bold(marks.sized(self.font(), 1.35)))
        metrics = painter.fontMetrics()
        width = min(metrics.horizontalAdvance(self.words) + 48, self.width() - 40)
        box = QRectF(0, 0, width, metrics.height() + 28)
        box.moveCenter(QRectF(self.rect()).center())
        painter.setPen(QPen(colour, 2))
        painter.setBrush(palette.color(role.Window))
        painter.drawRoundedRect(box, 8, 8)
        painter.setPen(palette.color(role.WindowText))
        cut = metrics.elidedText(self.words, Qt.TextElideMode.ElideMiddle, round(width) - 28)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, cut)
        painter.end()
