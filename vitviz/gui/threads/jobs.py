"""Work for files, which may be long: one at a time, on a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QToolButton, QWidget

from vitviz.errors import Cancelled
from vitviz.progress import Progress, Stage
from vitviz.wording.stages import stage_words

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

    _stage = Signal(object, object, float)
    _ended = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._left: list[Job] = []
        self._generation = 0
        self._lock = threading.Lock()
        queued = Qt.ConnectionType.QueuedConnection
        self._stage.connect(self._on_stage, queued)
        self._ended.connect(self._on_end, queued)
        self._thread = ThreadPoolExecutor(1, "vitviz-jobs")

    @property
    def is_busy(self) -> bool:
        """Whether a job waits or runs."""
        return bool(self._left)

    def begin(self, job: Job) -> None:
        """Does a job once those before it are done."""
        self._left.append(job)
        self.progressed.emit(job.title, Stage("starting"), 0.0)
        self._thread.submit(self._do, job, self._generation)

    def cancel(self) -> None:
        """Drops the job that runs and those that wait; what they began to write is gone."""
        with self._lock:
            self._generation += 1
        if self._left:
            self._left.clear()
            self.idle.emit()

    def close(self) -> None:
        """Cancels everything, and waits until it has ended."""
        self.blockSignals(True)
        self.cancel()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _do(self, job: Job, generation: int) -> None:
        def progress(stage: Stage, fraction: float) -> None:
            with self._lock:
                wanted = generation == self._generation
            if not wanted:
                raise Cancelled
            self._stage.emit(job, stage, fraction)

        try:
            progress(Stage("starting"), 0.0)
            outcome = job.work(progress)
        except Cancelled:
            return
        except Exception as error:
            log.warning("%s failed", job.title, exc_info=error)
            outcome = error
        self._ended.emit(job, outcome)

    @Slot(object, object, float)
    def _on_stage(self, job: Job, stage: Stage, fraction: float) -> None:
        if job in self._left:
            self.progressed.emit(job.title, stage, fraction)

    @Slot(object, object)
    def _on_end(self, job: Job, outcome: object) -> None:
        if job not in self._left:  # cancelled when it was done already
            return
        self._left.remove(job)
        if isinstance(outcome, Exception):
            self.failed.emit(outcome)
        elif job.then is not None:
            job.then(outcome)
        if not self._left:
            self.idle.emit()


class JobView(QWidget):
    """What the status bar says of the jobs; nothing while there are none.

    Args:
        jobs: The jobs.
    """

    def __init__(self, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = QLabel()
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.progress.setFixedWidth(110)
        self.cancel = QToolButton()
        self.cancel.setText("Cancel")
        self.cancel.setToolTip("Cancel, and leave no file")
        self.cancel.setAccessibleName("Cancel the export")
        self.cancel.clicked.connect(jobs.cancel)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 8, 0)
        layout.setSpacing(8)
        for widget in (self.title, self.progress, self.cancel):
            layout.addWidget(widget)
        jobs.progressed.connect(self.show_progress)
        jobs.idle.connect(self.hide)
        self.hide()

    @Slot(str, object, float)
    def show_progress(self, title: str, stage: Stage, fraction: float) -> None:
        self.title.setText(title)
        self.setToolTip(stage_words(stage))
        self.progress.setValue(round(1000 * fraction))
        self.show()
