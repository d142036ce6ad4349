"""What the status bar says of work for files."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QToolButton, QWidget

from vitviz.gui.threads.jobs import Jobs
from vitviz.gui.widgets.text import PlainLabel, set_tooltip
from vitviz.plain_text import shown_text
from vitviz.progress import Stage
from vitviz.wording.stages import stage_words

MOST_LETTERS = 40
"""Of what is written, in the status bar."""


class JobView(QWidget):
    """What the status bar says of the jobs; nothing while there are none.

    Args:
        jobs: The jobs.
    """

    def __init__(self, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = PlainLabel()
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.progress.setFixedWidth(110)
        self.cancel = QToolButton()
        self.cancel.setText("Cancel")
        self.cancel.setToolTip("Cancel, and leave no file")
        self.cancel.setAccessibleName("Cancel the export")
        self.cancel.clicked.connect(jobs.cancel)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 8, 0)
        layout.setSpacing(8)
        for widget in (self.title, self.progress, self.cancel):
            layout.addWidget(widget)
        jobs.progressed.connect(self.show_progress)
        jobs.idle.connect(self.hide)
        self.hide()

    @Slot(str, object, float)
    def show_progress(self, title: str, stage: Stage, fraction: float) -> None:
        if not title:
            return
        self.title.setText(shown_text(title, MOST_LETTERS))
        set_tooltip(self, stage_words(stage))
        self.progress.setValue(round(1000 * fraction))
        self.show()
