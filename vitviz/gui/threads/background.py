"""Long work on a thread of its own, which stands aside while the window computes."""

from __future__ import annotations

import threading
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal, Slot

from vitviz.errors import Cancelled
from vitviz.gui.threads.service import Service
from vitviz.progress import Control

TOLD_EVERY_S = 0.1
"""Some work goes over thousands of photos a second; nobody reads so fast."""


class Background(QObject):
    """One piece of work at a time; it waits while the engine of the window is at work.

    Args:
        service: The window's engine.
        thread_name: Of the thread, for those who look for it.

    Signals:
        progressed(object): Where the work is.
        finished(object): It has come to its end, and what came of it.
        cancelled(): It was cancelled; what was finished is kept.
        failed(BaseException): It could not begin, or go on.
    """

    progressed = Signal(object)
    finished = Signal(object)
    cancelled = Signal()
    failed = Signal(object)

    told = Signal(object)
    """Of the work's own thread: becomes ``progressed`` on the window's."""

    _ended = Signal(object)

    def __init__(self, service: Service, thread_name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._service, self._thread_name = service, thread_name
        self._control = Control()
        self._thread: threading.Thread | None = None
        queued = Qt.ConnectionType.QueuedConnection
        self.told.connect(self._on_told, queued)
        self._ended.connect(self._on_ended, queued)
        service.progressed.connect(self._stand_aside)
        service.idle.connect(self._go_on)

    @property
    def is_running(self) -> bool:
        """Whether some work has not ended yet."""
        return self._thread is not None

    @property
    def is_going(self) -> bool:
        """Whether some work runs, and does not wait for the window."""
        return self.is_running and self._control.is_going

    def run(self, work: Callable[[Control], object]) -> None:
        """Begins; nothing where something is running.

        Args:
            work: Done on a thread of its own. It asks the control before every step, and what it
                returns or raises is what ``finished``, ``cancelled`` or ``failed`` tell.
        """
        if self._thread is not None:
            return
        self._control = control = Control()
        if self._service.is_busy:
            control.pause()

        def to_its_end() -> None:
            try:
                outcome = work(control)
            except BaseException as error:
                outcome = error
            self._ended.emit(outcome)

        self._thread = threading.Thread(target=to_its_end, name=self._thread_name)
        self._thread.start()

    def cancel(self) -> None:
        """Ends the work soon; it can be gone on with."""
        self._control.cancel()

    def close(self) -> None:
        """Cancels the work, tells nobody, and waits for its end."""
        self.blockSignals(True)
        self._control.cancel()
        if self._thread is not None:
            self._thread.join()

    @Slot(object)
    def _on_told(self, progress: object) -> None:
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
        self._control.resume()
