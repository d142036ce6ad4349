"""The command palette."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from vitviz.gui.widgets.dialog import Dialog


class PaletteDialog(Dialog):
    """Finds a command by typing part of its name."""

    def __init__(self, commands: list[tuple[str, str, str]], parent: QWidget | None = None) -> None:
        """Takes (id, title, key) of each command."""
        super().__init__(parent)
        self.setWindowTitle("Command palette")
        self.resize(440, 360)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Type a command")
        self.search.setAccessibleName("Command")
        self.found = QListWidget()
        self.found.setObjectName("found")
        self.found.setAccessibleName("Commands found")
        layout = QVBoxLayout(self)
        layout.addWidget(self.search)
        layout.addWidget(self.found, 1)
        self._commands = commands
        self.search.textChanged.connect(self._filter)
        self.search.returnPressed.connect(self.accept)
        self.found.itemActivated.connect(self.accept)
        self.search.installEventFilter(self)
        self._filter("")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up and Down move through what was found while the cursor stays in the words."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if step is not None and self.found.count():
                row = self.found.currentRow() + step
                self.found.setCurrentRow(min(max(row, 0), self.found.count() - 1))
                return True
        return super().eventFilter(watched, event)

    @property
    def chosen(self) -> str:
        """The command's id, or ""."""
        item = self.found.currentItem()
        return str(item.data(Qt.ItemDataRole.UserRole)) if item else ""

    def _filter(self, text: str) -> None:
        self.found.clear()
        words = text.lower().split()
        for name, title, key in self._commands:
            if all(word in title.lower() for word in words):
                item = QListWidgetItem(f"{title}    {key}" if key else title)
                item.setData(Qt.ItemDataRole.UserRole, name)
                self.found.addItem(item)
        self.found.setCurrentRow(0)
