"""One thread that answers the latest question and forgets the ones before it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from vitviz.errors import Cancelled
from vitviz.tracing.progress import Progress

log = logging.getLogger(__name__)

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


@dataclass(frozen=True)
class Event:
    """Something that happened to a request.

    Args:
        id: The request's number, as ``ask`` returned it.
    """

    id: int


@dataclass(frozen=True)
class Progressed(Event):
    """It is at ``stage``, and ``fraction`` (0..1) of it is done."""

    stage: str
    fraction: float


@dataclass(frozen=True)
class Done(Event):
    """It ended with an answer."""

    answer: object


@dataclass(frozen=True)
class Failed(Event):
    """It ended with an exception."""

    error: BaseException


@dataclass(frozen=True)
class Dropped(Event):
    """It ended without an answer: a newer one came, or it was cancelled."""


class LatestWorker(Generic[Asked, Answered]):
    """A thread with a one-slot mailbox.

    A new question drops the one that waits and cancels the one that runs. Each question ends in
    exactly one ``Done``, ``Failed`` or ``Dropped``; a failure never ends the thread.

    Args:
        answer: Called on the worker's thread with the question and a progress that raises
            ``Cancelled`` once nobody wants the answer.
        report: Called with every event, on the worker's thread (or the asker's, when a waiting
            question is dropped). What it raises is logged, and changes nothing.
        name: Of the thread.
    """

    def __init__(
        self,
        answer: Callable[[Asked, Progress], Answered],
        report: Callable[[Event], None],
        name: str,
    ) -> None:
        self._answer = answer
        self._report = report
        self._condition = threading.Condition()
        self._waiting: tuple[int, Asked] | None = None
        self._newest = 0
        self._wanted = 0  # the id whose answer is still wanted; 0 when none is
        self._closing = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def ask(self, question: Asked) -> int:
        """Asks; returns the number that its events will carry."""
        with self._condition:
            if self._closing:
                raise RuntimeError("the worker is closed")
            dropped = self._take()
            self._newest += 1
            self._wanted = self._newest
            self._waiting = (self._newest, question)
            self._condition.notify()
            number = self._newest
        if dropped:
            self._tell(Dropped(dropped[0]))
        return number

    def cancel(self) -> None:
        """Drops whatever waits or runs."""
        with self._condition:
            dropped = self._take()
            self._wanted = 0
        if dropped:
            self._tell(Dropped(dropped[0]))

    def close(self, timeout_s: float | None = None) -> bool:
        """Cancels everything and ends the thread; True once it has ended."""
        with self._condition:
            self._closing = True
            dropped = self._take()
            self._wanted = 0
            self._condition.notify()
        if dropped:
            self._tell(Dropped(dropped[0]))
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _take(self) -> tuple[int, Asked] | None:
        taken, self._waiting = self._waiting, None
        return taken

    def _work(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._waiting is not None or self._closing)
                taken = self._take()
            if taken is None:
                return
            self._tell(self._outcome(*taken))

    def _tell(self, event: Event) -> None:
        try:
            self._report(event)
        except Exception:
            log.exception("nobody could be told of %s", event)

    def _outcome(self, number: int, question: Asked) -> Event:
        def progress(stage: str, fraction: float) -> None:
            if self._wanted != number:
                raise Cancelled
            self._tell(Progressed(number, stage, fraction))

        try:
            answer = self._answer(question, progress)
        except Cancelled:
            return Dropped(number)
        except BaseException as error:  # also SystemExit: it would end this thread, not vitviz
            return Failed(number, error)
        # It may have become unwanted after its last look at progress.
        return Done(number, answer) if self._wanted == number else Dropped(number)
