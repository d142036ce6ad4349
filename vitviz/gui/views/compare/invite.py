"""What fills the free place beside a single pane: how to get more."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from vitviz.gui.canvas import marks
from vitviz.gui.widgets.text import PlainLabel


class Invite(QWidget):
    """A dashed place with two buttons; a drop on it adds a pane (the view takes the drops).

    Signals:
        add_requested(): One more pane.
        split_requested(): Several, along something.
    """

    add_requested = Signal()
    split_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        title = PlainLabel("What shall stand beside it?")
        title.setProperty("strong", True)
        self.text = PlainLabel(
            "Another layer, head, method, model or photo.\n\nOr drag a photo from the list, a layer"
            " from the filmstrip or a map from the Heads view here."
        )
        self.text.setProperty("quiet", True)
        for label in (title, self.text):
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.add, self.split = QPushButton("Add a pane"), QPushButton("Split along…")
        self.add.setProperty("primary", True)
        self.add.clicked.connect(self.add_requested)
        self.split.clicked.connect(self.split_requested)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 20)
        layout.setSpacing(10)
        layout.addStretch(1)
        layout.addWidget(title)
        layout.addWidget(self.text)
        layout.addSpacing(4)
        for button in (self.add, self.split):
            layout.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        faint = marks.translucent(marks.quiet(self.palette()), 110)
        pen = QPen(faint, 1.5, Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(2, 2, -2, -2), 6, 6)
        painter.end()
