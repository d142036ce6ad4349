"""Work for files, which may be long, on threads of its own."""

from __future__ import annotations

import logging
import time
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
        title: What is being done: "Exporting bear.gif"; "" where nobody has to be told.
        work: Does it, on the jobs' thread; its progress raises ``Cancelled`` once nobody wants it.
        then: Called on the window's thread with what the work gave.
        after: Called there once it has ended in any way, also cancelled.
        opens: It opens something or saves the session, and does not wait for what else is being
            written.
    """

    title: str
    work: Callable[[Progress], object]
    then: Then | None = None
    after: Callable[[], None] | None = None
    opens: bool = False


class Jobs(QObject):
    """Does jobs in the order they come: those that open something, and beside them the others.

    Signals:
        progressed(str title, Stage, float fraction): Where the newest is.
        failed(BaseException): One has failed.
        idle(): None is left.
    """

    progressed = Signal(str, object, float)
    failed = Signal(object)
    idle = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._others = Desk(_do, "vitviz-jobs", parent=self)
        self._opening = Desk(_do, "vitviz-opening", parent=self)
        # What follows is of the window: no thread may hold it.
        self._begun: dict[Job, Job] = {}
        for desk in (self._others, self._opening):
            desk.progressed.connect(self._on_progress)
            desk.answered.connect(self._on_done)
            desk.failed.connect(self._on_failure)
            desk.cancelled.connect(self._on_end)
            desk.idle.connect(self._on_idle)

    @property
    def is_busy(self) -> bool:
        """Whether a job waits or runs."""
        return self._others.is_busy or self._opening.is_busy

    @property
    def is_opening(self) -> bool:
        """Whether one does that opens something."""
        return self._opening.is_busy

    def begin(self, job: Job) -> None:
        """Does a job once those before it are done."""
        errand = replace(job, then=None, after=None)
        self._begun[errand] = job
        (self._opening if job.opens else self._others).add(errand)
        self.progressed.emit(job.title, Stage("starting"), 0.0)

    def cancel(self) -> None:
        """Drops the jobs that run and those that wait; what they began to write is gone."""
        dropped = list(self._begun)
        for desk in (self._others, self._opening):
            desk.ask(())
        for errand in dropped:
            self._on_end(errand)

    def close(self, timeout_s: float = CLOSING_S) -> None:
        """Cancels everything, and waits until it has ended, or so long."""
        self.blockSignals(True)
        self._begun.clear()
        end = time.monotonic() + timeout_s
        for desk in (self._others, self._opening):
            desk.close(0)
        for desk in (self._others, self._opening):
            desk.close(max(0.0, end - time.monotonic()))

    @Slot(object, object, float)
    def _on_progress(self, errand: Job, stage: Stage, fraction: float) -> None:
        if errand is next(reversed(self._begun), None):
            self.progressed.emit(errand.title, stage, fraction)

    @Slot(object, object)
    def _on_done(self, errand: Job, outcome: object) -> None:
        job = self._begun.get(errand, errand)
        if job.then is not None:
            job.then(outcome)
        self._on_end(errand)

    @Slot(object, object)
    def _on_failure(self, errand: Job, error: BaseException) -> None:
        log.warning("%s failed", errand.title, exc_info=error)
        self.failed.emit(error)
        self._on_end(errand)

    @Slot(object)
    def _on_end(self, errand: Job) -> None:
        job = self._begun.pop(errand, errand)
        if job.after is not None:
            job.after()

    @Slot()
    def _on_idle(self) -> None:
        if not self.is_busy:
            self.idle.emit()


def _do(job: Job, progress: Progress) -> object:
    return job.work(progress)
