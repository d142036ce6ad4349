"""One line for the first minute: what can be done with what one sees."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton, QWidget

from vitviz.gui.widgets.text import PlainLabel

WORDS = (
    "Click a patch to ask what it attends to. H: the map follows the cursor. "
    "Hatched: the model never saw it."
)


class Hint(QFrame):
    """Stands above the photo until the user has read it.

    Signals:
        tour_requested(): The user wants to be shown around.
        dismissed(): They have read it.
    """

    tour_requested = Signal()
    dismissed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("hint")
        self.text = PlainLabel(WORDS)
        self.text.setWordWrap(True)
        self.tour = QPushButton("Show Me Around")
        self.close_button = QToolButton()
        self.close_button.setObjectName("flat")
        self.close_button.setText("✕")
        self.close_button.setAccessibleName("Close the hint")
        self.tour.clicked.connect(self.tour_requested)
        self.close_button.clicked.connect(self.dismissed)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 5, 8, 5)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.tour)
        layout.addWidget(self.close_button)
        self.hide()
