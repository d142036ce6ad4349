"""The licence texts of what vitviz is made of."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QDialogButtonBox,
    QListWidget,
    QPlainTextEdit,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from vitviz.gui.widgets.dialog import Dialog
from vitviz.licences import licences


class LicencesDialog(Dialog):
    """A list of packages, and the licence of the one selected."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Licences")
        self.resize(860, 600)
        self._texts = licences()
        self.names = QListWidget()
        self.names.setAccessibleName("Package")
        self.names.addItems([name for name, _ in self._texts])
        self.text = QPlainTextEdit()
        self.text.setAccessibleName("Licence")
        self.text.setReadOnly(True)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        split = QSplitter()
        split.addWidget(self.names)
        split.addWidget(self.text)
        split.setSizes([240, 620])
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(split, 1)
        layout.addWidget(buttons)
        self.names.currentRowChanged.connect(self._show)
        self.names.setCurrentRow(0)

    @Slot(int)
    def _show(self, row: int) -> None:
        self.text.setPlainText(self._texts[row][1] if row >= 0 else "")
