"""The fine-tuning in the status bar, which stands there before anything of it is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QToolButton, QWidget

from vitviz.gui.widgets.text import LEAST_WIDTH, menu_text, set_tooltip

if TYPE_CHECKING:
    from vitviz.training.finetune.progress import TrainingProgress

STEPS = 1000
"""Of the progress bar."""

MOST_LETTERS = 32
"""Of what stands in the status bar."""


class TrainingLine(QWidget):
    """What the status bar says of a run; nothing while there is none.

    Signals:
        clicked(): The user wants to see more.
    """

    clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = QToolButton()
        self.title.setToolTip("Open the fine-tuning")
        self.title.setMinimumWidth(LEAST_WIDTH)  # its own would be all that it says
        self.title.clicked.connect(self.clicked)
        self.progress = QProgressBar()
        self.progress.setRange(0, STEPS)
        self.progress.setTextVisible(False)
        self.progress.setFixedWidth(110)
        self.progress.setAccessibleName("Progress of the fine-tuning")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 8, 0)
        layout.setSpacing(8)
        layout.addWidget(self.title)
        layout.addWidget(self.progress)
        self.hide()

    def show_started(self, name: str) -> None:
        self.title.setText(menu_text(f"Training {name}", MOST_LETTERS))
        self.progress.setValue(0)
        self.show()

    @Slot(object)
    def show_progress(self, progress: TrainingProgress) -> None:
        set_tooltip(self, progress.words)
        self.progress.setValue(round(STEPS * progress.fraction))
