"""A fine-tuning beside the window."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from vitviz.gui.threads.background import Background, Tell
from vitviz.gui.threads.desk import CLOSING_S, Desk
from vitviz.gui.threads.service import Service
from vitviz.models.torch_import import import_torch
from vitviz.paths import is_file
from vitviz.progress import TOLD_EVERY_S, Control, Pace, Progress, Stage, Throttle, throttled
from vitviz.training import runs
from vitviz.training.finetune.choices import CHOICES, SavedRun, find_run, keep_choices
from vitviz.training.finetune.class_photos import ClassPhotos, class_photos
from vitviz.training.finetune.epochs import Epoch, epochs_of
from vitviz.training.finetune.progress import TrainingProgress
from vitviz.training.recipes import FinetuneOptions, Report

log = logging.getLogger(__name__)


class TrainingService(Background):
    """Fine-tunes one model at a time; tells ``TrainingProgress``, and in the end the path of the
    checkpoint of its best epoch.

    Args:
        service: The window's engine.

    Signals:
        measured(Epoch): One is done; those of before, where a run is resumed, come first.
        counted(Path, ClassPhotos): What a folder holds, if it is still the one asked about.
        found(SavedRun): There is a run in the folder that was asked about last.
    """

    measured = Signal(object)
    counted = Signal(object, object)
    found = Signal(object)

    def __init__(self, service: Service, parent: QObject | None = None) -> None:
        super().__init__(service, "vitviz-training", parent)
        self._counter = Desk(_count, "vitviz-classes", parent=self)
        self._finder = Desk(_find, "vitviz-runs", parent=self)
        self._counter.answered.connect(self.counted)
        self._finder.answered.connect(self._on_found)
        for desk in (self._counter, self._finder):
            desk.failed.connect(self._on_question_failure)

    def start(self, options: FinetuneOptions) -> None:
        """Begins a run, or resumes it; nothing where one is running."""

        def work(control: Control, tell: Tell) -> Path:
            with throttled(tell) as report:
                return _Run(options, control, report, tell).train()

        self.run(work)

    def count(self, folder: Path) -> None:
        """Asks what a folder holds; other folders are not wanted any more."""
        self._counter.ask_again(folder)

    def look_into(self, out: Path) -> None:
        """Asks whether there is a run in a folder."""
        self._finder.ask_again(out)

    def close(self, timeout_s: float = CLOSING_S) -> None:
        """Pauses the run and waits for its end, or so long."""
        end = time.monotonic() + timeout_s
        super().close(timeout_s)
        self._counter.close(max(0.0, end - time.monotonic()))
        self._finder.close(max(0.0, end - time.monotonic()))

    def hear(self, message: object) -> None:
        """An epoch that is done, or where the run is."""
        if isinstance(message, Epoch):
            self.measured.emit(message)
        else:
            super().hear(message)

    @Slot(object, object)
    def _on_found(self, out: Path, run: SavedRun | None) -> None:
        if run is not None and not self.is_running:
            self.found.emit(run)

    @Slot(object, object)
    def _on_question_failure(self, folder: Path, error: BaseException) -> None:
        log.warning("could not look into %s", folder, exc_info=error)


def _count(folder: Path, progress: Progress) -> ClassPhotos:
    look_up: Throttle[Stage] = Throttle(lambda stage: progress(stage, 0.0), TOLD_EVERY_S)
    return class_photos(folder, lambda: look_up(Stage("counting_photos")))


def _find(out: Path, progress: Progress) -> SavedRun | None:  # noqa: ARG001
    if not is_file(out / CHOICES):
        return None
    import_torch()
    return find_run(out)


class _Run:
    """One run on its thread.

    Args:
        options: What is chosen.
        control: Pauses and ends it.
        show: Told where it is.
        tell: Told what every epoch came to.
    """

    def __init__(
        self,
        options: FinetuneOptions,
        control: Control,
        show: Callable[[TrainingProgress], None],
        tell: Callable[[Epoch], None],
    ) -> None:
        self._options, self._control = options, control
        self._show, self._tell = show, tell
        self._losses: list[float] = []
        self._has_folder = False
        self._pace: Pace | None = None

    def train(self) -> Path:
        """Trains to the end."""
        self.progress(Stage("loading_torch"), 0.0)
        import_torch()
        import torch

        threads = torch.get_num_threads()
        for epoch in epochs_of(self._options.out):
            self._tell(epoch)
        try:
            return runs.finetune(self._options, self.progress, self.report)
        finally:
            # What a run sets for its own threads counts for later ones of the engine as well.
            torch.set_num_threads(threads)

    def progress(self, stage: Stage, fraction: float) -> None:
        self._control.check()
        remaining = self._remaining_s(stage) if stage.kind == "step" else None
        self._show(TrainingProgress(stage, self._options.epochs, remaining))

    def _remaining_s(self, step: Stage) -> float | None:
        """Until the last step; called before each."""
        if self._pace is None:
            self._pace = Pace()
        else:
            self._pace.add(1)
        return self._pace.remaining_s(step.of - step.number)

    def report(self, report: Report) -> None:
        if not self._has_folder:  # not earlier: there is no folder where it cannot begin
            keep_choices(self._options)
            self._has_folder = True
        self._losses += [value for name, value in report.losses if name == "loss"]
        if not report.measured:
            return
        measured, losses = dict(report.measured), self._losses
        self._losses = []
        self._tell(
            Epoch(
                report.epoch, measured["accuracy"], measured["validation loss"],
                sum(losses) / len(losses) if losses else None, report.snapshot,
            )
        )  # fmt: skip
