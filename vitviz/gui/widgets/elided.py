"""A line of text that is cut where it does not fit, and told whole in its tooltip."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QSizePolicy, QWidget

from vitviz.gui.canvas import marks
from vitviz.gui.widgets.text import set_tooltip
from vitviz.plain_text import shown_text


class ElidedLine(QWidget):
    """One line: a text at the left, and one at the right that goes first where both do not fit.

    Args:
        parent: Qt's.
        quiet: In the colour and size of secondary text.
        explanation: What the tooltip says below the whole text.
        right: The text stands at the right.
    """

    GAP = 12

    def __init__(
        self, parent: QWidget | None = None, *, quiet: bool = False, explanation: str = "",
        right: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._explanation = explanation
        self._texts = ("", "")
        self._quiet = quiet
        self._strong = False
        side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
        self._flags = side | Qt.AlignmentFlag.AlignVCenter
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    @property
    def text(self) -> str:
        """The one at the left."""
        return self._texts[0]

    def show_texts(self, left: str, right: str = "", *, strong: bool = False) -> None:
        """Shows one text, or two.

        Args:
            left: At the left.
            right: At the right.
            strong: The left one is in the colour of text though the line is quiet.
        """
        left, right = shown_text(left), shown_text(right)
        if (left, right) == self._texts and strong == self._strong:
            return
        self._texts, self._strong = (left, right), strong
        self.setAccessibleName(" ".join(filter(None, self._texts)))
        self.update()

    def sizeHint(self) -> QSize:
        metrics = QFontMetricsF(self._face)
        words = sum(metrics.horizontalAdvance(text) for text in self._texts)
        free = self.contentsMargins()
        return QSize(
            round(words) + self.GAP + free.left() + free.right(),
            round(metrics.height()) + 2 + free.top() + free.bottom(),
        )

    def minimumSizeHint(self) -> QSize:
        return QSize(20, self.sizeHint().height())

    @property
    def _face(self) -> QFont:
        return marks.small(self.font()) if self._quiet else self.font()

    @property
    def is_cut(self) -> bool:
        """Whether some of the text at the left does not fit."""
        return (
            QFontMetricsF(self._face).horizontalAdvance(self._texts[0])
            > self.contentsRect().width()
        )

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip:
            whole = self._texts[0] if self.is_cut else ""
            set_tooltip(self, "\n".join(filter(None, (whole, self._explanation))))
        return bool(super().event(event))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(self._face)
        metrics = QFontMetricsF(self._face)
        area = QRectF(self.contentsRect())
        left, right = self._texts
        needed = sum(metrics.horizontalAdvance(text) for text in self._texts) + self.GAP
        if right and (not left or needed <= area.width()):
            painter.setPen(self._colour(quiet=self._quiet))
            side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(area, side, right)
        painter.setPen(self._colour(quiet=self._quiet and not self._strong))
        cut = metrics.elidedText(left, Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, self._flags, cut)
        painter.end()

    def _colour(self, *, quiet: bool) -> QColor:
        palette = self.palette()
        return marks.quiet(palette) if quiet else palette.color(QPalette.ColorRole.Text)
