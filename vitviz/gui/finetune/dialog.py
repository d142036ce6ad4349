"""A fine-tuning: what on, how far it is, and what the model looks at as it learns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from vitviz.errors import VitvizError
from vitviz.gui.finetune.chart import TrainingChart
from vitviz.gui.finetune.form import FinetuneForm
from vitviz.gui.widgets import drops
from vitviz.gui.widgets.long_work import STEPS, LongWorkDialog, set_primary
from vitviz.gui.widgets.text import set_tooltip
from vitviz.paths import is_folder
from vitviz.plurals import count_of
from vitviz.training.finetune.choices import SavedRun
from vitviz.training.finetune.class_photos import ClassPhotos
from vitviz.training.finetune.epochs import MOST_PHOTOS, Epoch, best_of
from vitviz.training.finetune.progress import TrainingProgress
from vitviz.training.recipes import OtherRun

State = Literal["ready", "running", "paused", "done"]

NEW_RUN_TIP = "Keeps this one, and sets up another in a folder of its own"


class FinetuneDialog(LongWorkDialog):
    """Asks for photos and a model, starts and pauses the run, and shows how far it is.

    Args:
        models: (title, id or path) of those to begin with.
        folder: Of class folders.

    Signals:
        count_requested(Path): What does this folder hold?
        look_requested(Path): Is there a run in this folder?
        start_requested(FinetuneOptions): Begin, or go on.
        pause_requested(): End soon, and keep what was learned.
        compare_requested(): Show the models side by side.
        photos_requested(): Choose which photos they look at.
        follow_chosen(bool): Keep them so, with every epoch.
        use_requested(): Open the result.
    """

    count_requested = Signal(object)
    look_requested = Signal(object)
    start_requested = Signal(object)
    pause_requested = Signal()
    compare_requested = Signal()
    photos_requested = Signal()
    follow_chosen = Signal(bool)
    use_requested = Signal()

    def __init__(
        self, models: Sequence[tuple[str, str]], folder: Path | None = None,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__("Fine-Tune", 600, parent)
        self.setAcceptDrops(True)
        self.state: State = "ready"
        self._checkpoint: Path | None = None
        self.form = FinetuneForm(models, folder)
        self.chart = TrainingChart()
        self.compare = QPushButton("Compare in Window")
        self.photos = QPushButton("Current Photo…")
        self.follow = QCheckBox("Follow as it trains")
        self.new, self.close_ = QPushButton("New Run…"), QPushButton("Close")
        self.use, self.start = QPushButton("Use This Model"), QPushButton("Start")
        self.start.setDefault(True)
        self._arrange()
        self._connect()
        self._ask()
        self._show_state()

    def _arrange(self) -> None:
        self.compare.setToolTip(
            "In the Compare view: the model before, some of its epochs, and what it is now"
        )
        set_tooltip(self.photos, f"Which photos they look at, up to {MOST_PHOTOS}")
        self.follow.setToolTip("Every epoch comes into these panes as it is done")
        set_tooltip(self.new, NEW_RUN_TIP)
        self.use.setToolTip("Opens the best epoch in the window")
        beside = QHBoxLayout()
        beside.setSpacing(14)
        for beneath in (self.compare, self.photos, self.follow):
            beside.addWidget(beneath)
        beside.addStretch(1)
        buttons = QHBoxLayout()
        buttons.addWidget(self.new)
        buttons.addStretch(1)
        for button in (self.close_, self.use, self.start):
            buttons.addWidget(button)
        for button in (self.compare, self.photos, self.new, self.close_, self.use):
            button.setAutoDefault(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 18, 18, 14)
        layout.setSpacing(10)
        for widget in (self.form, self.banner, self.bar, self.words):
            layout.addWidget(widget)
        layout.addWidget(self.chart, 1)
        layout.addLayout(beside)
        layout.addStretch(0)
        layout.addLayout(buttons)

    def _connect(self) -> None:
        self.form.folder_changed.connect(self._ask)
        self.form.out_changed.connect(self._look)
        self.form.changed.connect(self._show_state)
        self.start.clicked.connect(self._start_or_pause)
        self.close_.clicked.connect(self.close)
        self.new.clicked.connect(self._begin_anew)
        self.use.clicked.connect(self.use_requested)
        self.compare.clicked.connect(self.compare_requested)
        self.photos.clicked.connect(self.photos_requested)
        self.follow.toggled.connect(self.follow_chosen)

    @property
    def checkpoint(self) -> Path | None:
        """That of the best epoch, once a run came to its end or was paused."""
        return self._checkpoint

    # What happens

    @Slot(object, object)
    def show_found(self, folder: Path, found: ClassPhotos) -> None:
        """Says what the folder of the photos holds."""
        if folder == self.form.folder.path:
            self.form.show_found(found)

    def show_started(self, last: int) -> None:
        """A run goes from now on; so many epochs at most."""
        self.banner.dismiss()
        self.form.more.setChecked(False)
        self.chart.clear(last)
        self.bar.setValue(0)
        self.words.setText("Getting ready…")
        self._become("running")

    def show_photos(self, count: int) -> None:
        """How many photos were chosen; 0: the current one."""
        words = "Current Photo…" if not count else f"{count} Photo{'s' * (count > 1)}…"
        self.photos.setText(words)

    @Slot(object)
    def show_progress(self, progress: TrainingProgress) -> None:
        if self.state == "running" and self.start.isEnabled():  # not while it is being paused
            self.words.setText(progress.words)
        self.bar.setValue(round(STEPS * progress.fraction))

    @Slot(object)
    def show_epoch(self, epoch: Epoch) -> None:
        """One more is done."""
        self.chart.add(epoch)
        self._show_state()

    @Slot(object)
    def show_finished(self, path: Path) -> None:
        """It has come to its end."""
        self._checkpoint = path
        self.bar.setValue(STEPS)
        self.words.setText(f"Done.{self._best_words()}")
        self._become("done")
        self.use.setFocus()

    def _best_words(self) -> str:
        epochs, form = self.chart.epochs, self.form
        if not epochs:
            return ""
        best, commonest = best_of(epochs), form.found.commonest(form.held_out.value())
        beside = "" if commonest is None else (
            f" (always the commonest class: {100 * commonest:.1f} %)"
        )  # fmt: skip
        return (
            f" Epoch {best.number} of {epochs[-1].number} was the best: "
            f"{100 * best.accuracy:.1f} % of the held-out photos right{beside}."
        )

    @Slot()
    def show_paused(self) -> None:
        """It was ended early."""
        self._become_paused("Paused. What was learned is kept, and Resume goes on from there.")

    @Slot(object)
    def show_failure(self, error: BaseException) -> None:
        """It could not begin, or go on."""
        self.words.setText("Not finished." if self.chart.epochs else "")
        self._become("ready")
        if self.chart.epochs:
            self.start.setText("Resume")
        if isinstance(error, VitvizError):
            another = (("Take Another Folder", self._begin_anew),)
            words = f"{error.message} {error.hint}".strip()
            self.banner.say(words, another if isinstance(error, OtherRun) else ())
        else:
            self.banner.show_error(error)
        self.make_room()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        urls = event.mimeData().urls()
        if self.form.isEnabled() and len(urls) == 1 and urls[0].isLocalFile():
            drops.accept(event)

    def dropEvent(self, event: QDropEvent) -> None:
        drops.accept(event)
        path = Path(event.mimeData().urls()[0].toLocalFile())
        self.form.folder.line.setText(str(path if is_folder(path) else path.parent))

    @Slot(object)
    def show_run(self, run: SavedRun) -> None:
        """There is one in the folder that was chosen."""
        if self.state != "ready" or self.form.out.path != run.options.out:
            return
        options = run.options
        self.form.folder.line.setText(str(options.folder))
        self.form.show_model(Path(options.model).name, options.model)
        self.form.show_options(options)
        self.chart.clear(options.epochs)
        for epoch in run.epochs:
            self.chart.add(epoch)
        done = run.epochs[-1].number
        self.bar.setValue(STEPS * done // options.epochs)
        self._become_paused(
            f"There is a run in this folder, with {done} of at most "
            f"{count_of(options.epochs, 'epoch')} done. "
            "Resume goes on with it."
        )

    def _become_paused(self, words: str) -> None:
        after = [epoch for epoch in self.chart.epochs if epoch.number]
        # The snapshot and not the result, which is another one once it has gone on.
        self._checkpoint = best_of(after).snapshot if after else None
        self.words.setText(words)
        self._become("paused")

    # What it looks like

    def _become(self, state: State) -> None:
        self.state = state
        self._show_state()

    @Slot()
    def _show_state(self) -> None:
        state, epochs = self.state, self.chart.epochs
        begun = state != "ready" or bool(epochs)
        self.form.setEnabled(state == "ready")
        self.start.setText(
            {"running": "Pause", "paused": "Resume"}.get(state, "Start")
        )  # fmt: skip
        self.start.setVisible(state != "done")
        self.start.setEnabled(state in ("running", "paused") or self.form.is_ready)
        self.new.setVisible(state in ("paused", "done"))
        self.use.setVisible(state in ("paused", "done") and self._checkpoint is not None)
        set_primary(self.start, state != "running")
        set_primary(self.use, state == "done")
        for widget in (self.chart, self.compare, self.photos, self.follow, self.bar):
            widget.setVisible(begun)
        self.words.setVisible(bool(self.words.text()))
        self.compare.setEnabled(any(epoch.number and epoch.snapshot for epoch in epochs))
        self.follow.setEnabled(state in ("running", "paused"))
        self.make_room()

    def make_room(self) -> None:
        super().make_room()
        if self.chart.isHidden():  # nothing that more room would be good for
            self.resize(self.width(), self.minimumHeight())

    # What is asked for

    @Slot()
    def _ask(self) -> None:
        folder = self.form.folder.path
        if folder is None:
            self.form.show_found(ClassPhotos())
        else:
            self.form.show_found(None)
            self.count_requested.emit(folder)

    @Slot()
    def _look(self) -> None:
        if self.state != "ready":
            return
        if self.chart.epochs:  # of the run in the folder before
            self.chart.clear(1)
            self.words.clear()
            self._show_state()
        if self.form.out.path is not None:
            self.look_requested.emit(self.form.out.path)

    @Slot()
    def _start_or_pause(self) -> None:
        if self.state == "running":
            self.start.setEnabled(False)
            self.words.setText("Ending the step…")
            self.pause_requested.emit()
        elif self.form.options is not None:
            self.start_requested.emit(self.form.options)

    @Slot()
    def _begin_anew(self) -> None:
        self.banner.dismiss()
        self.form.take_new_folder()
        self.chart.clear(1)
        self.words.clear()
        self._checkpoint = None
        self.follow.setChecked(False)
        self._become("ready")
