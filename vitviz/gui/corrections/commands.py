"""Between the window and what people correct of its model."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from vitviz.gui.controller import Controller
from vitviz.gui.corrections.dialog import CorrectionDialog
from vitviz.gui.store import Store
from vitviz.gui.threads.desk import CLOSING_S, Desk
from vitviz.gui.widgets.banner import Banner
from vitviz.models.card import ModelCard
from vitviz.models.checkpoints.said import NOT_SAID, Said
from vitviz.models.correcting import choose_part, correct
from vitviz.progress import Progress

Trial = Callable[[Progress], ModelCard]


class CorrectionCommands(QObject):
    """Tries what people say of a model on a thread of its own, and has it used if it can be.

    Args:
        store: Which model it is.
        controller: Has everything computed again.
        banner: Where it is said that another network of the file cannot be used.
        window: Parent of the dialog.
    """

    def __init__(
        self, store: Store, controller: Controller, banner: Banner, window: QWidget
    ) -> None:
        super().__init__(window)
        self._store, self._controller = store, controller
        self._banner, self._window = banner, window
        self.dialog: CorrectionDialog | None = None
        self._desk = Desk(_try, "vitviz-correcting", parent=self)
        self._desk.answered.connect(self._on_done)
        self._desk.failed.connect(self._on_failure)

    def show(self, card: ModelCard) -> None:
        """Opens the dialog on the model that is shown."""
        model = self._store.session.model
        dialog = self.dialog = CorrectionDialog(card, self._window)
        dialog.applied.connect(lambda said: self._begin(model, card, said))
        dialog.was_reset.connect(lambda: self._begin(model, card, NOT_SAID))
        dialog.exec()
        self.dialog = None
        self._desk.ask(())
        dialog.deleteLater()

    def choose_part(self, card: ModelCard, part: str) -> None:
        """Takes another network of the model's file."""
        model = self._store.session.model
        self._desk.ask_again(lambda progress: choose_part(model, card, part, progress))

    def _begin(self, model: str, card: ModelCard, said: Said) -> None:
        if self.dialog is not None:
            self.dialog.show_trying()
        self._desk.ask_again(lambda progress: correct(model, card, said, progress))

    @Slot(object, object)
    def _on_done(self, trial: object, card: ModelCard) -> None:
        if self.dialog is not None:
            self.dialog.accept()
        self._controller.renew()

    @Slot(object, object)
    def _on_failure(self, trial: object, error: BaseException) -> None:
        if self.dialog is not None:
            self.dialog.show_problem(error)
        else:
            self._banner.show_error(error)
            self._controller.refreshed.emit()

    def close(self, timeout_s: float = CLOSING_S) -> None:
        """Ends what is tried."""
        self._desk.close(timeout_s)


def _try(trial: Trial, progress: Progress) -> ModelCard:
    return trial(progress)
