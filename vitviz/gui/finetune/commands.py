"""The command that opens the fine-tuning dialog, and what the dialog asks for."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QDialog, QWidget

from vitviz.errors import VitvizError
from vitviz.gui.controller import Controller
from vitviz.gui.dialogs.split_values import open_photos
from vitviz.gui.finetune.dialog import FinetuneDialog
from vitviz.gui.finetune.line import TrainingLine
from vitviz.gui.settings import Settings
from vitviz.gui.store import Store
from vitviz.gui.threads.desk import CLOSING_S
from vitviz.gui.threads.service import Service
from vitviz.gui.threads.training import TrainingService
from vitviz.gui.widgets.ticks import TickDialog
from vitviz.models.loading import bundled
from vitviz.paths import absolute, is_elsewhere
from vitviz.plurals import count_of
from vitviz.session.panes import for_model
from vitviz.session.state import PhotoRef
from vitviz.training.finetune.choices import SavedRun
from vitviz.training.finetune.epochs import (
    MOST_PHOTOS,
    Epoch,
    followed,
    is_side_by_side,
    models_for,
    models_shown,
    photos_shown,
    side_by_side,
)
from vitviz.training.recipes import FinetuneOptions

NO_PHOTO = "No photo is open."


class FinetuneCommands(QObject):
    """Between the window and a fine-tuning: which models there are, and which are looked at.

    Args:
        store: Where the choices are.
        controller: What was computed of them.
        settings: The preferences, and which models were used lately.
        engine: The window's, which goes before the training.
        line: What the status bar says of it.
        window: Parent of the dialog.
    """

    def __init__(
        self, store: Store, controller: Controller, settings: Settings, engine: Service,
        line: TrainingLine, window: QWidget,
    ) -> None:  # fmt: skip
        super().__init__(window)
        self.dialog: FinetuneDialog | None = None
        self.service = TrainingService(engine, self)
        self.line = line
        self.service.progressed.connect(line.show_progress)
        for ended in (self.service.finished, self.service.cancelled, self.service.failed):
            ended.connect(line.hide)
        self._store = store
        self._controller = controller
        self._settings = settings
        self._window = window
        self._options: FinetuneOptions | None = None
        self._compared = False
        self._photos: tuple[PhotoRef, ...] = ()

    @Slot()
    def show(self) -> None:
        """Opens the dialog, or brings it to the front."""
        if self.dialog is None:
            self.dialog = self._made()
        if self.dialog.state == "ready" and not self.dialog.chart.epochs:
            self._show_current_model(self.dialog)
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()

    def _made(self) -> FinetuneDialog:
        models = [(card.title, card.id) for card in bundled()]
        models += [(Path(path).name, path) for path in self._settings.recent("models")]
        dialog, service = FinetuneDialog(models, None, self._window), self.service
        dialog.count_requested.connect(service.count)
        dialog.look_requested.connect(service.look_into)
        dialog.start_requested.connect(self._start)
        dialog.pause_requested.connect(service.cancel)
        dialog.compare_requested.connect(self.compare)
        dialog.photos_requested.connect(self.choose_photos)
        dialog.follow_chosen.connect(self._follow)
        dialog.use_requested.connect(self._use)
        service.counted.connect(dialog.show_found)
        service.found.connect(self._on_found)
        service.progressed.connect(dialog.show_progress)
        service.measured.connect(self._on_epoch)
        service.finished.connect(dialog.show_finished)
        service.cancelled.connect(dialog.show_paused)
        service.failed.connect(dialog.show_failure)
        return dialog

    def _show_current_model(self, dialog: FinetuneDialog) -> None:
        model, cell = self._store.session.model, self._controller.shown_cell
        title = cell.card.title if cell is not None else Path(model).name
        dialog.form.show_model(title, model)

    # The run

    @Slot(object)
    def _start(self, options: FinetuneOptions) -> None:
        assert self.dialog is not None
        out = absolute(os.path.expanduser(options.out))  # noqa: PTH111 (never raises)
        device = self._settings.preferences().device
        if self._options is None or out != self._options.out:
            self._compared = False
        self._options = replace(options, out=out, device=device)
        self.service.start(self._options)
        self.line.show_started(out.name)
        self.dialog.show_started(options.epochs)

    @Slot(object)
    def _on_found(self, run: SavedRun) -> None:
        assert self.dialog is not None
        far = [name for name in (str(run.options.folder), run.options.model) if is_elsewhere(name)]
        if far:
            self.dialog.banner.say(
                f"There is a run in this folder, of what is on another computer, or no file: "
                f"{', '.join(far)}. Go on with it?",
                (("Go On", partial(self._show_run, run)), ("Leave It", lambda: None)),
            )
        else:
            self._show_run(run)

    def _show_run(self, run: SavedRun) -> None:
        assert self.dialog is not None
        self.dialog.show_run(run)
        if self.dialog.state == "paused":
            self._options, self._compared = run.options, False

    @Slot(object)
    def _on_epoch(self, epoch: Epoch) -> None:
        assert self.dialog is not None
        self.dialog.show_epoch(epoch)
        if self.dialog.follow.isChecked():
            self._follow(True)

    # What it looks at

    def _models(self, photos: int) -> tuple[str, ...]:
        """Those that are shown side by side, each with so many photos."""
        assert self.dialog is not None
        assert self._options is not None
        most = models_for(photos)
        return models_shown(self._options.model, self.dialog.chart.epochs, most)

    @property
    def _known(self) -> set[str]:
        """Every model of the run, and the one it began with."""
        assert self.dialog is not None
        assert self._options is not None
        snapshots = {str(epoch.snapshot) for epoch in self.dialog.chart.epochs}
        return {self._options.model, *snapshots}

    @property
    def _chosen_photos(self) -> tuple[PhotoRef, ...]:
        """Those that were chosen and are still open."""
        return tuple(ref for ref in self._photos if ref in self._store.session.photos)

    @Slot()
    def compare(self) -> None:
        """Shows the photos as the models see them, as a step that can be undone."""
        if self.dialog is None or self._options is None:
            return
        session, photos = self._store.session, self._chosen_photos
        try:
            self._store.set(side_by_side(session, self._models(len(photos)), photos))
        except VitvizError as error:
            self.dialog.follow.setChecked(False)
            self.dialog.banner.show_error(error)
            return
        self._compared = True

    @Slot()
    def choose_photos(self) -> None:
        """Asks which photos the models look at."""
        assert self.dialog is not None
        session = self._store.session
        chosen: list[object] = list(self._chosen_photos or filter(None, [session.photo]))
        question = TickDialog("Photos to Compare", "Choose", MOST_PHOTOS, "photo", self.dialog)
        question.show_values(open_photos(session).values, chosen, "" if chosen else NO_PHOTO)
        if question.exec() == QDialog.DialogCode.Accepted:
            self._photos = tuple(ref for ref in question.values if isinstance(ref, PhotoRef))
            self.dialog.show_photos(len(self._photos))
            if self._compared:
                self.compare()
        question.deleteLater()

    @Slot(bool)
    def _follow(self, on: bool) -> None:
        """Brings the panes up to date; once the user has made other panes, not any more."""
        if not on or self.dialog is None or self._options is None or len(self._models(1)) < 2:
            return
        session = self._store.session
        if not self._compared:
            self.compare()
        elif is_side_by_side(session, self._known):
            models = self._models(len(photos_shown(session)))
            self._store.amend(followed(session, models))
        else:
            self._compared = False
            self.dialog.follow.setChecked(False)

    @Slot()
    def _use(self) -> None:
        """The result as the window's model, on the canvas."""
        path = self.dialog.checkpoint if self.dialog is not None else None
        if path is not None:
            session = self._store.session
            view = for_model(session.view)
            self._store.set(replace(session, model=str(path), view=view, tab="look"))
            self._settings.add_recent("models", str(path))

    @property
    def is_going(self) -> bool:
        """Whether a run is at work."""
        return self.service.is_running

    @property
    def words(self) -> str:
        """What is being trained, and how far."""
        name = self._options.out.name if self._options is not None else "A model"
        known = self.dialog.chart.epochs if self.dialog is not None else []
        epochs = max((epoch.number for epoch in known), default=0)  # 0 is before the first
        done = f", {count_of(epochs, 'epoch')} done" if epochs else ""
        return f"{name} is being trained{done}."

    def close(self, timeout_s: float = CLOSING_S) -> None:
        """Pauses the run, and waits for its end, or so long."""
        self.service.close(timeout_s)
        if self.dialog is not None:
            self.dialog.close()
