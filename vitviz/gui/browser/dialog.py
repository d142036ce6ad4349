"""The model browser: finds, fetches and opens models."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction, QCloseEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from vitviz.gui.browser.facts import ModelFacts
from vitviz.gui.browser.rows import Row, matching, rows
from vitviz.gui.browser.table import ModelTable
from vitviz.gui.settings import Settings
from vitviz.gui.threads.downloads import Downloads
from vitviz.gui.widgets.ask_files import ask_folder
from vitviz.gui.widgets.dialog import Dialog
from vitviz.models.caches import Found
from vitviz.models.download import Offer
from vitviz.models.hub_names import HubName
from vitviz.paths import absolute
from vitviz.progress import Stage

FACTS_HEIGHT = 148
"""Least height of what is said of a model, in pixels, so that the list does not move."""

ROOMY = 480
"""Height of the dialog from which there is room for that."""


class ModelBrowser(Dialog):
    """Models in three sections, with a search, and what is known about the one looked at.

    The window can be used meanwhile, and a download goes on when the dialog is closed.

    Args:
        downloads: Looks, asks and fetches.
        settings: Where the user's folders of models are remembered.

    Signals:
        opened(str): The user wants this model: a bundled one's id or a path.
    """

    opened = Signal(str)

    def __init__(
        self, downloads: Downloads, settings: Settings, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Model browser")
        self.setMinimumSize(520, 400)
        self.resize(820, 620)
        self._downloads, self._settings = downloads, settings
        self._here: tuple[Found, ...] = ()
        self._looking = True
        self._offer: Offer | None = None
        self._fetched: HubName | None = None
        self.search = QLineEdit()
        self.search.setAccessibleName("Find a model")
        self.search.setPlaceholderText(
            "Find, or type a name of the hub: timm/…, google/…, facebook/…"
        )
        self.search.setClearButtonEnabled(True)
        self.table = ModelTable()
        self.facts = ModelFacts()
        self.add_folder = QPushButton("Add &Folder…")
        self.add_folder.setToolTip("Look for checkpoints in a folder of yours, too")
        self.forget = QPushButton("Forget F&older")
        self.forget.setToolTip("Look no more into the folder of the model that is chosen")
        self.close_button = QPushButton("Close")
        for button in (self.add_folder, self.forget, self.close_button):
            button.setAutoDefault(False)
        self._arrange()
        self._connect()
        self._refresh()

    def _arrange(self) -> None:
        under = QHBoxLayout()
        under.addWidget(self.add_folder)
        under.addWidget(self.forget)
        under.addStretch(1)
        under.addWidget(self.close_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(10)
        layout.addWidget(self.search)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.facts)
        layout.addLayout(under)

    def _connect(self) -> None:
        self.search.textChanged.connect(self._refresh)
        self.table.chosen.connect(self._on_chosen)
        self.table.taken.connect(self._press)
        self.facts.pressed.connect(self._press)
        self.facts.cancelled.connect(self._cancel)
        self.add_folder.clicked.connect(self._choose_folder)
        self.forget.clicked.connect(self._forget_folder)
        self.close_button.clicked.connect(self.close)
        find = QAction(self)
        find.setShortcut("Ctrl+F")
        find.triggered.connect(self.search.setFocus)
        self.addAction(find)
        downloads = self._downloads
        downloads.listed.connect(self._on_listed)
        downloads.offered.connect(self._on_offer)
        downloads.progressed.connect(self._on_progress)
        downloads.fetched.connect(self._on_fetched)
        downloads.failed.connect(self._on_failure)

    @property
    def folders(self) -> tuple[str, ...]:
        """The user's own."""
        return tuple(self._settings.listed("model_folders"))

    def show_again(self) -> None:
        """Opens, or comes to the front; looks anew at what is on this computer."""
        self._looking = True
        self._downloads.look(self.folders)
        self.show()
        self.raise_()
        self.activateWindow()
        self.search.setFocus()

    @Slot()
    def _refresh(self) -> None:
        shown = matching(rows(self._here), self.search.text().strip())
        self.table.show_rows(shown, looking=self._looking, searched=bool(self.search.text()))

    @Slot(object)
    def _on_chosen(self, row: Row | None) -> None:
        if self._offer is not None and (row is None or row.name != self._offer.name):
            self._offer = None
        if row is None or row.name is None or row.name != self._downloads.name:
            self.facts.show_row(row)
        self.forget.setEnabled(self._folder_of(row) is not None)

    @Slot()
    def _press(self, row: Row | None = None) -> None:
        """Opens what is here; asks about what is not, and then fetches it."""
        row = row or self.table.row
        if row is None:
            return
        if row.opens:
            self.opened.emit(row.opens)
        elif row.name is not None and self._downloads.name is None:
            if self._offer is not None and self._offer.name == row.name:
                offer, self._offer = self._offer, None
                self.facts.show_progress(row, Stage("starting"), 0.0)
                self._downloads.fetch(offer)
            else:
                self.facts.show_progress(row, Stage("asking_hub"), 0.0)
                self._downloads.ask(row.name)

    @Slot()
    def _cancel(self) -> None:
        self._downloads.cancel()
        self._offer = None
        self.facts.show_row(self.table.row)

    def _at(self, name: HubName | None) -> Row | None:
        """The row that is looked at, if it is of this name."""
        row = self.table.row
        return row if row is not None and name is not None and row.name == name else None

    @Slot(object)
    def _on_listed(self, found: tuple[Found, ...]) -> None:
        self._here, self._looking = found, False
        self._refresh()
        if self._fetched is not None:
            name, self._fetched = self._fetched, None
            self.table.select("here", name.repo or str(name.url_file))
            if (row := self.table.row) is not None and row.section == "here":
                self.facts.show_done(row)

    @Slot(object)
    def _on_offer(self, offer: Offer) -> None:
        if row := self._at(offer.name):
            self._offer = offer
            self.facts.show_offer(row, offer)
            self.facts.button.setFocus()

    @Slot(object, object, float)
    def _on_progress(self, name: HubName, stage: Stage, fraction: float) -> None:
        if row := self._at(name):
            self.facts.show_progress(row, stage, fraction)

    @Slot(object, object)
    def _on_fetched(self, name: HubName, path: Path) -> None:
        if row := self._at(name):
            self._fetched = name
            self.facts.show_done(row)
        self._downloads.look(self.folders)
        self.opened.emit(str(path))

    @Slot(object, object)
    def _on_failure(self, name: HubName | None, error: BaseException) -> None:
        if name is None:
            self._looking = False
            self._refresh()
            return
        if row := self._at(name):
            self.facts.show_failure(row, error)

    @Slot()
    def _choose_folder(self) -> None:
        name = ask_folder(self, "models", "Add a folder of models")
        if name:
            self._set_folders([*self.folders, str(absolute(name))])

    @Slot()
    def _forget_folder(self) -> None:
        folder = self._folder_of(self.table.row)
        self._set_folders([known for known in self.folders if known != folder])

    def _set_folders(self, folders: list[str]) -> None:
        self._settings.set_listed("model_folders", list(dict.fromkeys(folders)))
        self._looking = True
        self._downloads.look(self.folders)

    def _folder_of(self, row: Row | None) -> str | None:
        """Which of the user's folders a model lies in."""
        if row is None or row.section != "here":
            return None
        inside = Path(row.opens)
        return next((name for name in self.folders if inside.is_relative_to(name)), None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The arrows go through the models from the search, too."""
        keys = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
        if event.key() in keys and self.search.hasFocus():
            self.table.keyPressEvent(event)
            return
        super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.facts.setMinimumHeight(FACTS_HEIGHT if self.height() >= ROOMY else 0)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.search.clear()
        super().closeEvent(event)
