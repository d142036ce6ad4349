"""Asks what a pane is split along, and into which panes."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from vitviz.gui.dialogs.split_values import TITLES, SplitChoices
from vitviz.gui.documents import MODEL_FILTER, PHOTO_FILTER
from vitviz.gui.widgets.ask_files import ask_files
from vitviz.gui.widgets.form import Choice
from vitviz.gui.widgets.text import PlainLabel
from vitviz.gui.widgets.ticks import TickDialog
from vitviz.paths import absolute
from vitviz.session.split import Along
from vitviz.session.state import MOST_PANES, PhotoRef


class SplitDialog(TickDialog):
    """A choice of what is varied, and a list of values of which up to six are ticked.

    Args:
        choices: What there is to choose from.
        along: What is offered first.
    """

    def __init__(
        self,
        choices: dict[Along, SplitChoices],
        along: Along,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Split along", "Split", MOST_PANES, "pane", parent)
        self._all_values = {name: list(known.values) for name, known in choices.items()}
        self._reasons = {name: known.missing for name, known in choices.items()}
        self._chosen = {name: list(known.chosen) for name, known in choices.items()}
        self.choice = Choice("Split along", [(title, name) for name, title in TITLES.items()])
        self.choice.show_value(along)
        self.list.setAccessibleName("What the panes show")
        label = PlainLabel("Split along")
        label.setBuddy(self.choice)
        top = QHBoxLayout()
        top.addWidget(label)
        top.addWidget(self.choice, 1)
        self.column.insertLayout(0, top)
        self.files = QPushButton("From a &File…")
        self.files.setAutoDefault(False)
        self.under.addWidget(self.files)
        # As they stand: what was made here comes after what was there.
        self.setTabOrder(self.choice, self.search)
        self.setTabOrder(self.list, self.files)
        self.choice.currentIndexChanged.connect(self._show)
        self.files.clicked.connect(self._choose_files)
        self._show()

    @property
    def along(self) -> Along:
        """What is varied."""
        along: Along = self.choice.value  # type: ignore[assignment]
        return along

    @Slot()
    def _show(self) -> None:
        along = self.along
        self.show_values(self._all_values[along], self._chosen[along], self._reasons[along])
        self.files.setVisible(along in ("models", "photos"))

    @Slot()
    def _choose_files(self) -> None:
        kind = PHOTO_FILTER if self.along == "photos" else MODEL_FILTER
        names = ask_files(self, self.along, f"Open {self.along}", kind)
        for name in names:
            value: object = PhotoRef(str(absolute(name)))
            value = value if self.along == "photos" else name
            if value not in [known for _, known in self._all_values[self.along]]:
                self._all_values[self.along].append((Path(name).name, value))
            if value not in self._chosen[self.along]:
                self._chosen[self.along].append(value)
        if names:
            self._show()
