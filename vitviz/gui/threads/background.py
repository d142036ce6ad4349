"""Long work on a thread of its own, which stands aside while the window computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from PySide6.QtCore import QObject, Signal, Slot

from vitviz.gui.threads.desk import CLOSING_S, Desk
from vitviz.gui.threads.service import Service
from vitviz.progress import Control, Progress

Tell = Callable[[object], None]

Work = Callable[[Control, Tell], object]
"""Done on a thread of its own. It asks the control before every step, and tells how far it is."""


@dataclass(frozen=True, eq=False)
class Task:
    """One piece of long work, and what holds and ends it."""

    work: Work
    control: Control = field(default_factory=Control)


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

    def __init__(self, service: Service, thread_name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._service = service
        self._control = Control()
        self._desk = Desk(self._do, thread_name, parent=self)
        self._desk.told.connect(self._on_told)
        self._desk.answered.connect(self._on_done)
        self._desk.cancelled.connect(self._on_cancelled)
        self._desk.failed.connect(self._on_failure)
        service.progressed.connect(self._stand_aside)
        service.idle.connect(self._resume)

    @property
    def is_running(self) -> bool:
        """Whether some work has not ended yet."""
        return self._desk.is_busy

    @property
    def is_going(self) -> bool:
        """Whether some work runs, and does not wait for the window."""
        return self.is_running and self._control.is_going

    def run(self, work: Work) -> None:
        """Begins; nothing where something is running.

        Args:
            work: What it returns or raises is what ``finished``, ``cancelled`` or ``failed`` say.
        """
        if self.is_running:
            return
        task = Task(work)
        self._control = task.control
        if self._service.is_busy:
            task.control.pause()
        self._desk.ask([task])

    def cancel(self) -> None:
        """Ends the work soon; it can be resumed."""
        self._control.cancel()

    def close(self, timeout_s: float = CLOSING_S) -> None:
        """Cancels the work, tells nobody, and waits for its end, or so long."""
        self.blockSignals(True)
        self._control.cancel()
        self._desk.close(timeout_s)

    def hear(self, message: object) -> None:
        """What the work told, on the window's thread."""
        self.progressed.emit(message)

    def _do(self, task: Task, progress: Progress) -> object:
        return task.work(task.control, partial(self._desk.tell, task))

    @Slot(object, object)
    def _on_told(self, task: Task, message: object) -> None:
        self.hear(message)

    @Slot(object, object)
    def _on_done(self, task: Task, outcome: object) -> None:
        self.finished.emit(outcome)

    @Slot(object)
    def _on_cancelled(self, task: Task) -> None:
        self.cancelled.emit()

    @Slot(object, object)
    def _on_failure(self, task: Task, error: BaseException) -> None:
        self.failed.emit(error)

    @Slot()
    def _stand_aside(self) -> None:
        self._control.pause()

    @Slot()
    def _resume(self) -> None:
        self._control.resume()
