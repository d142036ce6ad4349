"""The command that opens the batch dialog, and what the dialog asks for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from vitviz.batch import spec
from vitviz.batch.job import Batch
from vitviz.batch.listing import JOURNAL
from vitviz.batch.result_table import ResultTable, key_of
from vitviz.batch.spec import WorkSpec
from vitviz.bundled import resource
from vitviz.engine.answers import Cell
from vitviz.errors import VitvizError
from vitviz.gui.batch.cluster import ClusterDialog
from vitviz.gui.batch.dialog import BatchChoices, BatchDialog
from vitviz.gui.batch.table import TableDialog
from vitviz.gui.controller import Controller
from vitviz.gui.documents import Documents
from vitviz.gui.settings import Settings
from vitviz.gui.store import Store
from vitviz.gui.threads.batch import BatchService
from vitviz.gui.threads.desk import CLOSING_S
from vitviz.gui.threads.jobs import Job, Jobs
from vitviz.gui.threads.service import Service
from vitviz.models.loading import bundled
from vitviz.paths import absolute, is_elsewhere, is_file, is_folder, is_there
from vitviz.progress import Progress, Stage
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
        documents: Open what a line of a table is about.
        jobs: Write work specs.
        window: Parent of the dialogs.
    """

    def __init__(
        self, store: Store, controller: Controller, settings: Settings, engine: Service,
        documents: Documents, jobs: Jobs, window: QWidget,
    ) -> None:  # fmt: skip
        super().__init__(window)
        self.dialog: BatchDialog | None = None
        self.cluster: ClusterDialog | None = None
        self.table: TableDialog | None = None
        self._documents, self._jobs = documents, jobs
        self._meant: WorkSpec | None = None
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
        dialog.table_requested.connect(self.show_table)
        dialog.cluster_requested.connect(self._write_spec)
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
        self.service.start(self._batch(choices), restart=restart)
        self.dialog.show_started()

    def _batch(self, choices: BatchChoices) -> Batch:
        preferences = self._settings.preferences()
        session = for_any_photo(self._store.session, self._controller.shown_cell)
        return Batch(
            choices.folder, choices.out, session, choices.outputs, preferences.device,
            preferences.max_pixels, preferences.disclosure,
        )  # fmt: skip

    @Slot(object)
    def _write_spec(self, choices: BatchChoices) -> None:
        """Asks where, writes the work spec there, and shows the commands for it."""
        assert self.dialog is not None
        cell, batch = self._controller.shown_cell, self._batch(choices)
        if cell is None:
            self.dialog.banner.say("Open a photo first: the work is what the window is set to.")
            return
        suggested = str(choices.folder.with_name(f"{choices.folder.name}-work.json"))
        name, _ = QFileDialog.getSaveFileName(
            self.dialog, "Write a work spec", suggested, "Work specs (*.json)"
        )
        if not name:
            return
        path, card = absolute(name), cell.card

        def write(progress: Progress) -> None:
            progress(Stage("writing_spec"), 0.0)
            spec.save(batch.spec.of_model(card), path)

        def show(_: object) -> None:
            self.cluster = ClusterDialog(
                path, absolute(choices.folder), absolute(choices.out), self.dialog
            )
            self.cluster.show()

        self._jobs.begin(Job(f"Writing {path.name}", write, show))

    @Slot()
    @Slot(object)
    def show_table(self, folder: Path | None = None) -> None:
        """Opens the window with the table of a batch; without a folder, one to choose it in."""
        if self.table is None:
            self.table = TableDialog(self._window)
            self.table.opened.connect(self._open_line)
            self._controller.refreshed.connect(self._check_model)
        self.table.show()
        self.table.raise_()
        self.table.activateWindow()
        if folder is not None:
            self.table.read(folder)

    @Slot(object, int)
    def _open_line(self, table: ResultTable, row: int) -> None:
        """Shows the photo of a line, and the map that the batch made of it."""
        assert self.table is not None
        try:
            path = photo_of(table, row)
            session = as_in(self._store.session, table.work)
        except VitvizError as error:
            self.table.banner.show_error(error)
            return
        self._meant = table.work
        self._documents.show_photo(path, session)

    @Slot()
    def _check_model(self) -> None:
        """Says so where a photo of a table is shown with another model than the table's."""
        cell, meant = self._controller.shown_cell, self._meant
        if meant is None or cell is None or cell.request.model != meant.model:
            return
        self._meant = None
        try:
            meant.check(cell.card)
        except VitvizError as error:
            words = "This is not the map of the table: another model lies there now."
            self._documents.banner.say(f"{words} {error.message}")

    def close(self, timeout_s: float = CLOSING_S) -> None:
        """Cancels the batch, and waits for its end, or so long."""
        self.service.close(timeout_s)
        if self.table is not None:
            self.table.end(timeout_s)
        if self.dialog is not None:
            self.dialog.close()


def photo_of(table: ResultTable, row: int) -> Path:
    """Where the photo of a line of a table is.

    Raises:
        VitvizError: It is not there, lies in an archive or on another computer, or nothing says
            where.
    """
    key, source = key_of(table, row), table.source
    if source is None:
        raise VitvizError(
            "Nothing beside the table says where its photos are.",
            f"Put {JOURNAL} beside it, or open the photo from its folder.",
        )
    if source.suffix.lower() in (".tar", ".parquet") and is_file(source):
        raise VitvizError(
            f"This photo lies in {source.name}.", "Take it out of there to look at it."
        )
    path = (source if is_folder(source) else source.parent) / key
    if is_elsewhere(path) or is_elsewhere(key):
        raise VitvizError(
            f"{path} is on another computer, or is no file.", "Open it with File > Open Photos."
        )
    if not is_file(path):
        raise VitvizError(
            f"{path} is not there.", "It was moved, lies in an archive, or on another computer."
        )
    return path


def as_in(session: Session, work: WorkSpec | None) -> Session:
    """The window's choices, but what a batch was done with: its model, method and look.

    Raises:
        VitvizError: Its model is not there.
    """
    if work is None:
        return session
    known = work.model in {card.id for card in bundled()}
    if not known and (is_elsewhere(work.model) or not is_there(work.model)):
        raise VitvizError(
            f"The model of this batch is not there: {work.model}.",
            "Put it back, or open the photo with File > Open Photos and another model.",
        )
    return replace(
        session, model=work.model, input=work.input, view=work.view, style=work.style,
        background=work.background, tab="look",
    )  # fmt: skip


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
