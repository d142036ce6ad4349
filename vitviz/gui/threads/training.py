"""A fine-tuning beside the window."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal, Slot

from vitviz.errors import Cancelled
from vitviz.gui.threads.background import TOLD_EVERY_S, Background
from vitviz.gui.threads.service import Service
from vitviz.models.torch_import import import_torch
from vitviz.progress import Control, Pace, Stage
from vitviz.training import runs
from vitviz.training.finetune.choices import CHOICES, FoundRun, find_run, keep_choices
from vitviz.training.finetune.class_photos import class_photos
from vitviz.training.finetune.epochs import Epoch, epochs_of
from vitviz.training.recipes import FinetuneOptions, Report
from vitviz.wording.numbers import duration
from vitviz.wording.stages import stage_words


@dataclass(frozen=True)
class TrainingProgress:
    """Where a fine-tuning is.

    Args:
        stage: What it gets ready, or the step that is being done.
        epochs: In all.
        remaining_s: An estimate; None where there is none yet.
    """

    stage: Stage
    epochs: int = 1
    remaining_s: float | None = None

    @property
    def epoch(self) -> int:
        """That is being done, from 0."""
        return self.stage.number * self.epochs // self.stage.of if self.is_training else 0

    @property
    def is_training(self) -> bool:
        """Whether it has got ready."""
        return self.stage.kind == "step"

    @property
    def fraction(self) -> float:
        """Of the steps, 0..1."""
        return self.stage.number / self.stage.of if self.is_training else 0.0

    @property
    def words(self) -> str:
        """ "Epoch 3 of 20 · step 41 of 400 · 2 min 5 s left at most"."""
        words = stage_words(self.stage)
        if not self.is_training:
            return f"{words[0].upper()}{words[1:]}"
        left = "" if self.remaining_s is None else f" · {duration(self.remaining_s)} left at most"
        return f"Epoch {self.epoch + 1} of {self.epochs} · {words}{left}"


class TrainingService(Background):
    """Fine-tunes one model at a time; tells ``TrainingProgress``, and in the end the path of the
    checkpoint of its best epoch.

    Args:
        service: The window's engine.

    Signals:
        measured(Epoch): One is done; those of before, where a run is gone on with, come first.
        counted(Path, ClassPhotos): What a folder holds, if it is still the one asked about.
        found(FoundRun): There is a run in the folder that was asked about last.
    """

    measured = Signal(object)
    counted = Signal(object, object)
    found = Signal(object)

    reported = Signal(object)
    """Of the run's own thread: becomes ``measured`` on the window's."""

    _counted = Signal(object, object)
    _found = Signal(object)

    def __init__(self, service: Service, parent: QObject | None = None) -> None:
        super().__init__(service, "vitviz-training", parent)
        self._asked_about: Path | None = None
        self._looked_into: Path | None = None
        queued = Qt.ConnectionType.QueuedConnection
        self.reported.connect(self.measured, queued)
        self._counted.connect(self._on_counted, queued)
        self._found.connect(self._on_found, queued)
        self._counter = ThreadPoolExecutor(1, "vitviz-classes")

    def start(self, options: FinetuneOptions) -> None:
        """Begins a run, or goes on with it; nothing where one is running."""
        self.run(lambda control: _Teller(self, options, control).train())

    def count(self, folder: Path) -> None:
        """Asks what a folder holds; other folders are not wanted any more."""
        self._asked_about = folder
        self._counter.submit(self._count, folder)

    def look_into(self, out: Path) -> None:
        """Asks whether there is a run in a folder."""
        self._looked_into = out
        self._counter.submit(self._look_into, out)

    def close(self) -> None:
        """Pauses the run and waits for its end."""
        self._asked_about = self._looked_into = None
        super().close()
        self._counter.shutdown(wait=True, cancel_futures=True)

    def _count(self, folder: Path) -> None:
        def check() -> None:
            if folder != self._asked_about:
                raise Cancelled

        try:
            check()
            self._counted.emit(folder, class_photos(folder, check))
        except Cancelled:
            return

    def _look_into(self, out: Path) -> None:
        if out == self._looked_into and (out / CHOICES).is_file():
            import_torch()
            run = find_run(out)
            if run is not None:
                self._found.emit(run)

    @Slot(object)
    def _on_found(self, run: FoundRun) -> None:
        if run.options.out == self._looked_into and not self.is_running:
            self.found.emit(run)

    @Slot(object, object)
    def _on_counted(self, folder: Path, found: object) -> None:
        if folder == self._asked_about:
            self.counted.emit(folder, found)


class _Teller:
    """One run on its thread, and what it tells the window."""

    def __init__(
        self, service: TrainingService, options: FinetuneOptions, control: Control
    ) -> None:
        self._service, self._options, self._control = service, options, control
        self._losses: list[float] = []
        self._kept = False
        self._pace: Pace | None = None
        self._told_at = 0.0

    def train(self) -> Path:
        """Trains to the end."""
        self.progress(Stage("loading_torch"), 0.0)
        import_torch()
        import torch

        threads = torch.get_num_threads()
        for epoch in epochs_of(self._options.out):
            self._service.reported.emit(epoch)
        try:
            return runs.finetune(self._options, self.progress, self.report)
        finally:
            # What a run sets for its own threads counts for later ones of the engine as well.
            torch.set_num_threads(threads)

    def progress(self, stage: Stage, fraction: float) -> None:
        self._control.check()
        remaining = self._remaining_s(stage) if stage.kind == "step" else None
        if self._is_time():
            told = TrainingProgress(stage, self._options.epochs, remaining)
            self._service.told.emit(told)

    def _remaining_s(self, step: Stage) -> float | None:
        """Until the last step; called before each."""
        if self._pace is None:
            self._pace = Pace()
        else:
            self._pace.add(1)
        return self._pace.remaining_s(step.of - step.number)

    def _is_time(self) -> bool:
        now = time.monotonic()
        if now - self._told_at < TOLD_EVERY_S:
            return False
        self._told_at = now
        return True

    def report(self, report: Report) -> None:
        if not self._kept:  # not earlier: there is no folder where it cannot begin
            keep_choices(self._options)
            self._kept = True
        self._losses += [value for name, value in report.losses if name == "loss"]
        if not report.measured:
            return
        measured, losses = dict(report.measured), self._losses
        self._losses = []
        self._service.reported.emit(
            Epoch(
                report.epoch, measured["accuracy"], measured["validation loss"],
                sum(losses) / len(losses) if losses else None, report.snapshot,
            )
        )  # fmt: skip
