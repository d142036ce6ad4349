"""The command that opens the batch dialog, and what the dialog asks for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from vitviz.batch.job import Batch
from vitviz.bundled import resource
from vitviz.engine.answers import Cell
from vitviz.gui.batch.dialog import BatchChoices, BatchDialog
from vitviz.gui.controller import Controller
from vitviz.gui.settings import Settings
from vitviz.gui.store import Store
from vitviz.gui.threads.batch import BatchService
from vitviz.gui.threads.desk import CLOSING_S
from vitviz.gui.threads.service import Service
from vitviz.session.panes import without_point
from vitviz.session.queries import name_of, query_tokens
from vitviz.session.state import Session
from vitviz.wording.caption import SEPARATOR, parts
from vitviz.wording.description import describe_map


class BatchCommands(QObject):
    """Between the window and the batch: takes the window's choices along.

    Args:
        store: Where the choices are.
        controller: What was computed of them, and where.
        settings: The preferences.
        engine: The window's, which goes before the batch.
        window: Parent of the dialog.
    """

    def __init__(
        self, store: Store, controller: Controller, settings: Settings, engine: Service,
        window: QWidget,
    ) -> None:  # fmt: skip
        super().__init__(window)
        self.dialog: BatchDialog | None = None
        self._store = store
        self._controller = controller
        self._settings = settings
        self.service = BatchService(engine, self)
        self._window = window

    @Slot()
    def show(self) -> None:
        """Opens the dialog, or brings it to the front."""
        if self.dialog is None:
            self.dialog = self._made()
        self.show_choices()
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()

    def _made(self) -> BatchDialog:
        photo = self._store.session.photo
        folder = Path(photo.path).parent if photo else None
        if folder is not None and folder.is_relative_to(resource()):
            folder = None  # the samples
        dialog, service = BatchDialog(folder, self._window), self.service
        dialog.start_requested.connect(self._start)
        dialog.cancel_requested.connect(service.cancel)
        service.progressed.connect(dialog.show_progress)
        service.finished.connect(dialog.show_summary)
        service.cancelled.connect(dialog.show_cancelled)
        service.failed.connect(dialog.show_failure)
        self._controller.refreshed.connect(self.show_choices)
        return dialog

    @Slot()
    def show_choices(self) -> None:
        """Tells the dialog what the window is set to."""
        if self.dialog is not None:
            cell = self._controller.shown_cell
            self.dialog.show_choices(
                "Open a photo first: maps are made as the window is set." if cell is None else
                f"As the window is set: {in_general(cell, self._store.session)}"
            )  # fmt: skip

    @Slot(object, bool)
    def _start(self, choices: BatchChoices, restart: bool) -> None:
        assert self.dialog is not None
        preferences = self._settings.preferences()
        session = for_any_photo(self._store.session, self._controller.shown_cell)
        batch = Batch(
            choices.folder, choices.out, session, choices.outputs, preferences.device,
            preferences.max_pixels, preferences.disclosure,
        )  # fmt: skip
        self.service.start(batch, restart=restart)
        self.dialog.show_started()

    def close(self, timeout_s: float = CLOSING_S) -> None:
        """Cancels the batch, and waits for its end, or so long."""
        self.service.close(timeout_s)
        if self.dialog is not None:
            self.dialog.close()


def for_any_photo(session: Session, cell: Cell | None) -> Session:
    """What the window shows, as choices that mean the same on every photo.

    A query patch is a place on one photo, so the query becomes the model's default; layer and head
    are those that are shown, where others were asked for than the model has.
    """
    view = without_point(session.view)
    if cell is not None:
        heat_map, query = cell.heat_map(view), name_of(view.query, cell.outline)
        view = replace(view, layer=heat_map.layer, head=heat_map.head, query=query)
    return replace(session, view=view)


def in_general(cell: Cell, session: Session) -> str:
    """Method, layer, head and model, without what is true of one photo only."""
    chosen = for_any_photo(session, cell)
    explanation = cell.explanation
    if chosen.view.target is None:  # another class for each photo
        explanation = replace(explanation, target=None)
    tokens = query_tokens(chosen.view.query, cell.outline, cell.geometry)
    some = replace(cell, query_tokens=tokens, explanation=explanation)
    return SEPARATOR.join([*parts(describe_map(some, chosen.view)), cell.card.title])
