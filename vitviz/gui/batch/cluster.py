"""What to type on a cluster: a work spec that is written, and the commands that do its work."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QFont, QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from vitviz.batch.commands import PARTS, commands_for
from vitviz.gui.widgets.dialog import Dialog
from vitviz.gui.widgets.form import quiet
from vitviz.gui.widgets.text import PlainLabel
from vitviz.plain_text import shown_text

TITLES = (
    f"One of {PARTS} parts, each on any computer: a Slurm array, Spark, Kubernetes, laptops",
    "The table, once all parts are done",
    "All of it on Ray; --address auto for a cluster, --num-gpus 1 for its GPUs",
)

EXPLANATION = (
    "The spec holds what the window is set to, and the SHA-256 of the model's weights: a worker "
    "that has another model refuses. Folders and checkpoint must be where the commands say, on "
    "every computer; where they are not, change the paths, and name the checkpoint with --model."
)


class ClusterDialog(Dialog):
    """The commands for a spec, each with a button that copies it.

    Args:
        spec: The file that was written.
        source: Of the photos.
        out: Where the results go.
    """

    def __init__(self, spec: Path, source: Path, out: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Batch on a cluster")
        self.setMinimumWidth(560)
        self.resize(820, 340)
        self.commands = commands_for(spec, source, out)
        self.copies: list[QPushButton] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 18, 18, 14)
        layout.setSpacing(12)
        layout.addWidget(PlainLabel(f"The work spec is written: {shown_text(str(spec), 200)}"))
        layout.addLayout(self._lines())
        explanation = quiet(EXPLANATION)
        explanation.setWordWrap(True)
        layout.addWidget(explanation)
        layout.addStretch(1)
        close = QPushButton("Close")
        close.setDefault(True)
        close.clicked.connect(self.close)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(close)
        layout.addLayout(buttons)

    def _lines(self) -> QGridLayout:
        lines = QGridLayout()
        lines.setHorizontalSpacing(8)
        lines.setVerticalSpacing(4)
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        for number, (title, command) in enumerate(zip(TITLES, self.commands, strict=True)):
            lines.addWidget(quiet(title), 2 * number, 0, 1, 2)
            lines.addWidget(_line(title, command, font), 2 * number + 1, 0)
            copy = QPushButton("Copy")
            copy.setAccessibleName(f"Copy the command: {title}")
            copy.setAutoDefault(False)
            copy.clicked.connect(lambda _=False, text=command: _copy(text))
            lines.addWidget(copy, 2 * number + 1, 1)
            lines.setRowMinimumHeight(2 * number, 26)
            self.copies.append(copy)
        return lines


def _line(title: str, command: str, font: QFont) -> QLineEdit:
    line = QLineEdit(shown_text(command, 4000))
    line.setReadOnly(True)
    line.setFont(font)
    line.setAccessibleName(title)
    line.setCursorPosition(0)
    return line


def _copy(text: str) -> None:
    QGuiApplication.clipboard().setText(text)
