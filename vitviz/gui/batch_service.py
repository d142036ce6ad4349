"""A batch on threads of its own, which stands aside while the window computes."""

from __future__ import annotations

import threading
import time

from PySide6.QtCore import QObject, Qt, Signal, Slot

from vitviz.errors import Cancelled
from vitviz.gui.service import Service
from vitviz.session.batch.job import Batch, Control
from vitviz.session.batch.progress import BatchProgress
from vitviz.session.batch.run import run

TOLD_EVERY_S = 0.1
"""A batch that is continued goes over thousands of photos a second."""


class BatchService(QObject):
    """Runs one batch at a time; its photos wait while the engine of the window is at work.

    Args:
        service: The window's engine.

    Signals:
        progressed(BatchProgress): Where the batch is.
        finished(Summary): It has come to its end.
        cancelled(): It was cancelled; what was finished is kept.
        failed(BaseException): It could not begin, or go on.
    """

    progressed = Signal(object)
    finished = Signal(object)
    cancelled = Signal()
    failed = Signal(object)

    _told = Signal(object)
    _ended = Signal(object)

    def __init__(self, service: Service, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._service = service
        self._control = Control()
        self._thread: threading.Thread | None = None
        self._told_at = 0.0
        self._untold: BatchProgress | None = None
        queued = Qt.ConnectionType.QueuedConnection
        self._told.connect(self._on_told, queued)
        self._ended.connect(self._on_ended, queued)
        service.progressed.connect(self._stand_aside)
        service.idle.connect(self._go_on)

    @property
    def is_running(self) -> bool:
        """Whether a batch has not ended yet."""
        return self._thread is not None

    @property
    def is_going(self) -> bool:
        """Whether a batch runs, and does not wait for the window."""
        return self.is_running and self._control.is_going

    def start(self, batch: Batch, *, restart: bool = False) -> None:
        """Begins a batch, or goes on with it; nothing where one is running."""
        if self._thread is not None:
            return
        self._control = Control()
        if self._service.is_busy:
            self._control.pause()
        self._told_at, self._untold = 0.0, None
        self._thread = threading.Thread(
            target=self._work, args=(batch, self._control, restart), name="vitviz-batch"
        )
        self._thread.start()

    def cancel(self) -> None:
        """Ends the batch soon; it can be continued."""
        self._control.cancel()

    def close(self) -> None:
        """Cancels the batch and waits for its end."""
        self.blockSignals(True)
        self._control.cancel()
        if self._thread is not None:
            self._thread.join()

    def _work(self, batch: Batch, control: Control, restart: bool) -> None:
        try:
            outcome: object = run(batch, self._tell, control, restart=restart)
        except BaseException as error:
            outcome = error
        if self._untold is not None:
            self._told.emit(self._untold)
        self._ended.emit(outcome)

    def _tell(self, progress: BatchProgress) -> None:
        now = time.monotonic()
        self._untold = progress
        if progress.stage or now - self._told_at >= TOLD_EVERY_S:
            self._told_at, self._untold = now, None
            self._told.emit(progress)

    @Slot(object)
    def _on_told(self, progress: BatchProgress) -> None:
        if self._thread is not None:
            self.progressed.emit(progress)

    @Slot(object)
    def _on_ended(self, outcome: object) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if isinstance(outcome, Cancelled):
            self.cancelled.emit()
        elif isinstance(outcome, BaseException):
            self.failed.emit(outcome)
        else:
            self.finished.emit(outcome)

    @Slot()
    def _stand_aside(self) -> None:
        self._control.pause()

    @Slot()
    def _go_on(self) -> None:
        self._control.go_on()
