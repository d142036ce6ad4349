"""What the dialogs of long work (a batch, a fine-tuning) have in common."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl, Signal, Slot
from PySide6.QtGui import QCloseEvent, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QWidget,
)

from vitviz.gui.widgets.ask_files import ask_folder
from vitviz.gui.widgets.banner import Banner
from vitviz.gui.widgets.dialog import Dialog
from vitviz.gui.widgets.text import PlainLabel

STEPS = 1000
"""Of the progress bar."""


class LongWorkDialog(Dialog):
    """A bar and words for how far it is, and a banner for what went wrong.

    The window can be used meanwhile; closing the dialog ends nothing.

    Args:
        title: Of its window.
        least_width: In pixels.
    """

    def __init__(self, title: str, least_width: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumWidth(least_width)
        self.words = PlainLabel()
        self.words.setWordWrap(True)
        self.bar = QProgressBar()
        self.bar.setRange(0, STEPS)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress")
        self.banner = Banner()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.banner.dismiss()
        super().closeEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.make_room()

    def make_room(self) -> None:
        """As high as what is shown, which Qt does not see to where words are wrapped."""
        layout = self.layout()
        if layout is not None:
            layout.activate()
            least = layout.totalMinimumSize().height()
            self.setMinimumHeight(max(least, layout.totalHeightForWidth(self.width())))


def set_primary(button: QPushButton, primary: bool) -> None:
    """Whether a button is the one that is meant to be pressed: in the colour of those."""
    if button.property("primary") != primary:
        button.setProperty("primary", primary)
        button.style().unpolish(button)
        button.style().polish(button)


class FolderField(QWidget):
    """A folder that is typed, dropped or chosen.

    Signals:
        changed(): It is another one.
    """

    changed = Signal()

    def __init__(self, name: str, title: str) -> None:
        super().__init__()
        self._title = title
        self.line = QLineEdit()
        self.line.setAccessibleName(name)
        self.choose = QPushButton("Choose…")
        self.choose.setAccessibleName(f"Choose {name.lower()}")
        self.choose.setAutoDefault(False)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.line, 1)
        layout.addWidget(self.choose)
        self.setFocusProxy(self.line)
        self.line.textChanged.connect(self.changed)
        self.choose.clicked.connect(self._choose)

    @property
    def path(self) -> Path | None:
        """The folder; None while there is none."""
        text = self.line.text().strip()
        # Dropped files arrive as addresses.
        local = QUrl(text).toLocalFile() if text.startswith("file:") else text
        return Path(local) if local else None

    @Slot()
    def _choose(self) -> None:
        name = ask_folder(self, "photos", self._title, self.line.text())
        if name:
            self.line.setText(name)
