"""Dialogs in which some of many values are ticked."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialogButtonBox,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from vitviz.gui.widgets.dialog import Dialog
from vitviz.gui.widgets.text import PlainLabel
from vitviz.plain_text import shown_text

MANY = 12
"""More values than these can be searched."""


class TickList(QListWidget):
    """Rows that a click, or the space bar, ticks and unticks."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("ticks")
        self.itemClicked.connect(self.turn)

    def add(self, title: str, ticked: bool) -> None:
        """One more row."""
        item = QListWidgetItem(shown_text(title), self)
        # Not UserCheckable: a click on the box would tick it, and the click on the row untick it.
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
        item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)

    @Slot(QListWidgetItem)
    def turn(self, item: QListWidgetItem) -> None:
        """Ticks or unticks a row."""
        on = item.checkState() != Qt.CheckState.Checked
        item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and self.currentItem() is not None:
            self.turn(self.currentItem())
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.ignore()  # for the dialog's button
        else:
            super().keyPressEvent(event)


class TickDialog(Dialog):
    """A list of values of which a few are ticked.

    Args:
        title: Of its window.
        accept: What its button does, in a word.
        most: So many can be ticked.
        noun: What they become: "pane".
    """

    def __init__(
        self, title: str, accept: str, most: int, noun: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumSize(360, 460)
        self._most, self._noun = most, noun
        self._values: list[tuple[str, object]] = []
        self._ticked: list[object] = []
        self._missing = ""
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find")
        self.search.setClearButtonEnabled(True)
        self.list = TickList()
        self.list.setAccessibleName(title)
        self.count = PlainLabel()
        self.count.setProperty("quiet", True)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        role = QDialogButtonBox.ButtonRole.AcceptRole
        self.accept_button = self.buttons.addButton(accept, role)
        self.accept_button.setProperty("primary", True)
        self.under = QHBoxLayout()
        self.under.addWidget(self.count, 1)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(18, 18, 18, 14)
        self.column.setSpacing(10)
        self.column.addWidget(self.search)
        self.column.addWidget(self.list, 1)
        self.column.addLayout(self.under)
        self.column.addWidget(self.buttons)
        self.accept_button.setDefault(True)  # only now: it is in the dialog
        self.search.textChanged.connect(self._filter)
        self.list.itemChanged.connect(self._tick)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.list.setFocus()

    @property
    def values(self) -> list[object]:
        """What is ticked, in the list's order."""
        return [value for _, value in self._values if value in self._ticked]

    def show_values(
        self, values: Sequence[tuple[str, object]], ticked: list[object], missing: str = ""
    ) -> None:
        """Offers these.

        Args:
            values: (title, value) of each.
            ticked: Some of them; changes with what is ticked.
            missing: Why there are none.
        """
        self._values, self._ticked, self._missing = list(values), ticked, missing
        with QSignalBlocker(self.list):
            self.list.clear()
            for title, value in values:
                self.list.add(title, value in ticked)
            self.list.setCurrentRow(0)
        self.search.clear()
        self.search.setVisible(len(values) > MANY)
        self._count()

    @Slot(str)
    def _filter(self, words: str) -> None:
        for row in range(self.list.count()):
            item = self.list.item(row)
            item.setHidden(words.lower() not in item.text().lower())

    @Slot(QListWidgetItem)
    def _tick(self, item: QListWidgetItem) -> None:
        value = self._values[self.list.row(item)][1]
        if value in self._ticked:
            self._ticked.remove(value)
        if item.checkState() == Qt.CheckState.Checked:
            self._ticked.append(value)
        self._count()

    def _count(self) -> None:
        count, most = len(self.values), self._most
        words = f"1 {self._noun}" if count == 1 else f"{count} {self._noun}s"
        if self._missing:
            words = self._missing
        elif count > most:
            words = f"{words}: {most} are the most that can be read"
        self.count.setText(words)
        self.accept_button.setEnabled(0 < count <= most)
