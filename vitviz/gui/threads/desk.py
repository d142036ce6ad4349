"""The one border between threads and Qt: questions go out, answers come back as signals."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

from PySide6.QtCore import QObject, Qt, Signal, Slot

from vitviz.engine.worker import Done, Event, Failed, Progressed, Worker
from vitviz.progress import Progress

CLOSING_S = 1.5
"""Nobody waits longer for threads when the window closes. What runs then goes on in threads that
end with the program: code in C cannot be interrupted, and every file is written whole or not at
all."""


@dataclass(frozen=True, eq=False)
class Note:
    """Something that the work on a question has to say before it ends."""

    question: Hashable
    message: object


class Desk(QObject):
    """Has questions answered on threads of its own, and says on the window's what came of them.

    Questions stand in a list (``engine.worker``): the first is the most urgent, and each is
    answered once for as long as it stays there. Of one that is taken back nothing is heard any
    more, however far it was. Everything that crosses is frozen, and its arrays are read-only.

    Args:
        answer: Called on one of the threads with the question and a progress that raises
            ``Cancelled`` once the question is taken back.
        name: Of the threads; they begin with the first question.
        threads: How many questions are worked at in the same time.

    Signals:
        answered(question, answer): It ended well.
        failed(question, BaseException): It did not.
        cancelled(question): The work said ``Cancelled`` by itself, and the question still stood.
        progressed(question, Stage, float fraction): Where the work is.
        told(question, message): What the work said meanwhile, through ``tell``.
        idle(): No answer is to come any more.
    """

    answered = Signal(object, object)
    failed = Signal(object, object)
    cancelled = Signal(object)
    progressed = Signal(object, object, float)
    told = Signal(object, object)
    idle = Signal()

    _happened = Signal(object)

    _lingering: ClassVar[list[Worker[Any, Any]]] = []
    """Of closed desks whose threads had not ended yet."""

    def __init__(
        self,
        answer: Callable[[Any, Progress], object],
        name: str,
        threads: int = 1,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._answer, self._name, self._threads = answer, name, threads
        self._worker: Worker[Hashable, object] | None = None
        self._open: dict[int, Hashable] = {}
        self._ended: set[int] = set()
        self._closed = False
        self._telling = threading.Lock()
        self._happened.connect(self._on_event, Qt.ConnectionType.QueuedConnection)

    @property
    def is_busy(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self._open)

    def ask(self, questions: Sequence[Hashable]) -> None:
        """Says what is wanted from now on, the most urgent first; the rest is taken back.

        Raises:
            RuntimeError: The desk is closed.
        """
        if self._closed and questions:
            raise RuntimeError("the desk is closed")
        if self._worker is None:
            if not questions:
                return
            self._worker = Worker(self._answer, self._report, self._name, self._threads)
        was_busy = self.is_busy
        wanted = dict(zip(self._worker.want(questions), questions, strict=True))
        self._ended &= set(wanted)
        self._open = {id: asked for id, asked in wanted.items() if id not in self._ended}
        if was_busy and not self.is_busy:
            self.idle.emit()

    def add(self, question: Hashable) -> None:
        """Asks this too, after all that has no answer yet; anew if it was answered before."""
        waiting = list(self._open.values())
        self.ask(waiting)
        self.ask([*waiting, question])

    def ask_again(self, question: Hashable) -> None:
        """Asks this and nothing else, also if it is what was asked last."""
        self.ask(())
        self.ask([question])

    def tell(self, question: Hashable, message: object) -> None:
        """For the work on a question: says something before the answer."""
        self._report(Note(question, message))

    def _report(self, event: Event | Note) -> None:
        """Sends it to the window's thread; called on any.

        Qt's part of a desk goes with its dialog, the work perhaps later: once a desk is closed no
        thread touches it any more, and none is still doing so.
        """
        with self._telling:
            if not self._closed:
                self._happened.emit(event)

    def close(self, timeout_s: float | None = None) -> None:
        """Takes everything back, tells nobody, and waits until the threads have ended, or so long.

        Args:
            timeout_s: None waits for ever.
        """
        with self._telling:
            self._closed = True
        self.blockSignals(True)
        self.ask(())
        if self._worker is not None and not self._worker.close(timeout_s):
            self._lingering.append(self._worker)

    @classmethod
    def let_go(cls) -> None:
        """Drops what threads held that have ended after their desk was closed.

        A thread has to answer, which mostly is a part of a dialog. Where it were the last to hold
        it, the dialog would end on that thread.
        """
        cls._lingering[:] = [worker for worker in cls._lingering if worker.is_alive]

    @Slot(object)
    def _on_event(self, event: Event | Note) -> None:
        if isinstance(event, Note):
            if event.question in self._open.values():
                self.told.emit(event.question, event.message)
            return
        question = self._open.get(event.id)
        if question is None:
            return
        if isinstance(event, Progressed):
            self.progressed.emit(question, event.stage, event.fraction)
            return
        del self._open[event.id]
        self._ended.add(event.id)
        if isinstance(event, Done):
            self.answered.emit(question, event.answer)
        elif isinstance(event, Failed):
            self.failed.emit(question, event.error)
        else:
            self.cancelled.emit(question)
        if not self.is_busy:
            self.idle.emit()


def end_threads(code: int) -> None:
    """Ends the program at once where work in C goes on in a thread that nobody could stop.

    Python would take down what such a thread still uses.
    """
    if any(thread.name.startswith("vitviz") for thread in threading.enumerate()):
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def step_back(nice: int) -> None:
    """For a thread, by itself: lets all others go first, where a thread can do so: on Linux.

    Args:
        nice: As of the command of that name.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)


class Once:
    """Does something when it is first asked to; who asks meanwhile waits until it is done.

    Args:
        work: What is done; may be done on any thread.
    """

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._is_done = False

    def __call__(self) -> object:
        """What the work gave; None where it was done before."""
        with self._lock:
            if self._is_done:
                return None
            self._is_done = True
            return self._work()
