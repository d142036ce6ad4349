"""Asks what a pane is split along, and into which panes."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from vitviz.gui.documents import MODEL_FILTER, PHOTO_FILTER
from vitviz.gui.panels.form import Choice
from vitviz.gui.ranges import TITLES, Range
from vitviz.session.split import Along
from vitviz.session.state import MOST_PANES, PhotoRef

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
        item = QListWidgetItem(title, self)
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


class SplitDialog(QDialog):
    """A choice of what is varied, and a list of values of which up to six are ticked.

    Args:
        ranges: What there is to choose from.
        along: What is offered first.
    """

    def __init__(
        self,
        ranges: dict[Along, Range],
        along: Along,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Split along")
        self.setMinimumSize(360, 460)
        self._ranges = {name: list(known.values) for name, known in ranges.items()}
        self._missing = {name: known.missing for name, known in ranges.items()}
        self._ticked = {name: list(known.chosen) for name, known in ranges.items()}
        self.choice = Choice("Split along", [(title, name) for name, title in TITLES.items()])
        self.choice.show_value(along)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find")
        self.search.setClearButtonEnabled(True)
        self.list = TickList()
        self.list.setAccessibleName("What the panes show")
        self.files = QPushButton("From a &File…")
        self.count = QLabel()
        self.count.setProperty("quiet", True)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        role = QDialogButtonBox.ButtonRole.AcceptRole
        self.accept_button = self.buttons.addButton("Split", role)
        self.accept_button.setProperty("primary", True)
        self._arrange()
        self.files.setAutoDefault(False)
        self.accept_button.setDefault(True)  # only now: it is in the dialog
        self.choice.currentIndexChanged.connect(self._show)
        self.search.textChanged.connect(self._filter)
        self.list.itemChanged.connect(self._tick)
        self.files.clicked.connect(self._choose_files)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._show()
        self.list.setCurrentRow(0)
        self.list.setFocus()

    def _arrange(self) -> None:
        label = QLabel("Split along")
        label.setBuddy(self.choice)
        top = QHBoxLayout()
        top.addWidget(label)
        top.addWidget(self.choice, 1)
        under = QHBoxLayout()
        under.addWidget(self.count, 1)
        under.addWidget(self.files)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 18, 18, 14)
        layout.setSpacing(10)
        layout.addLayout(top)
        layout.addWidget(self.search)
        layout.addWidget(self.list, 1)
        layout.addLayout(under)
        layout.addWidget(self.buttons)

    @property
    def along(self) -> Along:
        """What is varied."""
        along: Along = self.choice.value  # type: ignore[assignment]
        return along

    @property
    def values(self) -> list[object]:
        """What is ticked, in the list's order."""
        ticked = self._ticked[self.along]
        return [value for _, value in self._ranges[self.along] if value in ticked]

    @Slot()
    def _show(self) -> None:
        values, ticked = self._ranges[self.along], self._ticked[self.along]
        with QSignalBlocker(self.list):
            self.list.clear()
            for title, value in values:
                self.list.add(title, value in ticked)
        self.search.clear()
        self.search.setVisible(len(values) > MANY)
        self.files.setVisible(self.along in ("models", "photos"))
        self._count()

    @Slot(str)
    def _filter(self, words: str) -> None:
        for row in range(self.list.count()):
            item = self.list.item(row)
            item.setHidden(words.lower() not in item.text().lower())

    @Slot(QListWidgetItem)
    def _tick(self, item: QListWidgetItem) -> None:
        value = self._ranges[self.along][self.list.row(item)][1]
        ticked = self._ticked[self.along]
        if value in ticked:
            ticked.remove(value)
        if item.checkState() == Qt.CheckState.Checked:
            ticked.append(value)
        self._count()

    def _count(self) -> None:
        count, missing = len(self.values), self._missing[self.along]
        words = "1 pane" if count == 1 else f"{count} panes"
        if missing:
            words = missing
        elif count > MOST_PANES:
            words = f"{words}: {MOST_PANES} are the most that can be read"
        self.count.setText(words)
        self.accept_button.setEnabled(0 < count <= MOST_PANES)

    @Slot()
    def _choose_files(self) -> None:
        kind = PHOTO_FILTER if self.along == "photos" else MODEL_FILTER
        names, _ = QFileDialog.getOpenFileNames(self, f"Open {self.along}", "", kind)
        for name in names:
            value: object = PhotoRef(str(Path(name).absolute()))
            value = value if self.along == "photos" else name
            if value not in [known for _, known in self._ranges[self.along]]:
                self._ranges[self.along].append((Path(name).name, value))
            if value not in self._ticked[self.along]:
                self._ticked[self.along].append(value)
        if names:
            self._show()
