"""Work for files, which may be long: one at a time, on a thread of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal, Slot

from vitviz.gui.threads.desk import CLOSING_S, Desk
from vitviz.progress import Progress, Stage

log = logging.getLogger(__name__)

Then = Callable[[object], None]


@dataclass(frozen=True, eq=False)
class Job:
    """Something to do.

    Args:
        title: What is being done: "Exporting bear.gif".
        work: Does it, on the jobs' thread; its progress raises ``Cancelled`` once nobody wants it.
        then: Called on the window's thread with what the work gave.
    """

    title: str
    work: Callable[[Progress], object]
    then: Then | None = None


class Jobs(QObject):
    """Does jobs in the order they come.

    Signals:
        progressed(str title, Stage, float fraction): Where the running one is.
        failed(BaseException): One has failed.
        idle(): None is left.
    """

    progressed = Signal(str, object, float)
    failed = Signal(object)
    idle = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = Desk(_do, "vitviz-jobs", parent=self)
        self._then: dict[Job, Then] = {}
        self._desk.progressed.connect(self._on_progress)
        self._desk.answered.connect(self._on_done)
        self._desk.failed.connect(self._on_failure)
        self._desk.cancelled.connect(self._on_cancelled)
        self._desk.idle.connect(self.idle)

    @property
    def is_busy(self) -> bool:
        """Whether a job waits or runs."""
        return self._desk.is_busy

    def begin(self, job: Job) -> None:
        """Does a job once those before it are done."""
        errand = replace(job, then=None)  # what follows is of the window: no thread may hold it
        if job.then is not None:
            self._then[errand] = job.then
        self._desk.add(errand)
        self.progressed.emit(job.title, Stage("starting"), 0.0)

    def cancel(self) -> None:
        """Drops the job that runs and those that wait; what they began to write is gone."""
        self._then.clear()
        self._desk.ask(())

    def close(self, timeout_s: float = CLOSING_S) -> None:
        """Cancels everything, and waits until it has ended, or so long."""
        self.blockSignals(True)
        self._desk.close(timeout_s)

    @Slot(object, object, float)
    def _on_progress(self, job: Job, stage: Stage, fraction: float) -> None:
        self.progressed.emit(job.title, stage, fraction)

    @Slot(object, object)
    def _on_done(self, job: Job, outcome: object) -> None:
        then = self._then.pop(job, None)
        if then is not None:
            then(outcome)

    @Slot(object)
    def _on_cancelled(self, job: Job) -> None:
        self._then.pop(job, None)

    @Slot(object, object)
    def _on_failure(self, job: Job, error: BaseException) -> None:
        self._then.pop(job, None)
        log.warning("%s failed", job.title, exc_info=error)
        self.failed.emit(error)


def _do(job: Job, progress: Progress) -> object:
    return job.work(progress)
