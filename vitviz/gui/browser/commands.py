"""Between the window and its model browser."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from vitviz.gui.browser.dialog import ModelBrowser
from vitviz.gui.documents import Documents
from vitviz.gui.settings import Settings
from vitviz.gui.threads.desk import CLOSING_S
from vitviz.gui.threads.downloads import Downloads


class BrowserCommands(QObject):
    """Has the dialog, made when it is first asked for, and what works for it.

    Args:
        documents: Opens what the user chooses.
        settings: Where folders of models are remembered.
        window: Parent of the dialog.
    """

    def __init__(self, documents: Documents, settings: Settings, window: QWidget) -> None:
        super().__init__(window)
        self.downloads = Downloads(self)
        self.dialog: ModelBrowser | None = None
        self._documents, self._settings, self._window = documents, settings, window

    @Slot()
    def show(self) -> None:
        """Opens the dialog, or brings it to the front."""
        if self.dialog is None:
            self.dialog = ModelBrowser(self.downloads, self._settings, self._window)
            self.dialog.opened.connect(self._documents.use_model)
        self.dialog.show_again()

    def close(self, timeout_s: float = CLOSING_S) -> None:
        """Ends what is fetched; what came so far is kept."""
        if self.dialog is not None:
            self.dialog.close()
        self.downloads.close(timeout_s)
