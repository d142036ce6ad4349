"""A few threads that answer what is wanted now and forget what is not wanted any more."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from vitviz.errors import Cancelled
from vitviz.progress import Progress, Stage

log = logging.getLogger(__name__)

Question = TypeVar("Question", bound=Hashable)
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Event:
    """Something that happened to a question.

    Args:
        id: The question's number, as ``want`` returned it.
    """

    id: int


@dataclass(frozen=True)
class Progressed(Event):
    """It is at ``stage``, and ``fraction`` (0..1) of it is done."""

    stage: Stage
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
    """It ended without an answer: it was not wanted any more."""


@dataclass(eq=False)
class _Wish(Generic[Question]):
    """A question, from when it is wanted until its end has been told.

    Args:
        id: Its number.
        question: What was asked.
        state: Of its answer.
        wanted: It still is.
        put_off: It was told to let a more urgent one go first.
        interrupted: It was told to end, for either reason, and did.
    """

    id: int
    question: Question
    state: Literal["waits", "runs", "ended"] = "waits"
    wanted: bool = True
    put_off: bool = False
    interrupted: bool = False


class Worker(Generic[Question, Answer]):
    """A few threads, and a list of what is wanted now, the most urgent first.

    Whatever stands in the list is answered once, for as long as it stays there; what is taken off
    it is dropped, or cancelled where it runs already. Each question ends in exactly one ``Done``,
    ``Failed`` or ``Dropped``; a failure never ends a thread. Where all threads are at work, the
    first of the list does not wait: the last one that runs is put back, and begun again later.

    Args:
        answer: Called on one of the threads with the question and a progress that raises
            ``Cancelled`` once nobody wants the answer.
        report: Called with every event, on that thread (or the asker's, when a waiting question
            is dropped). What it raises is logged, and changes nothing.
        name: Of the threads.
        threads: How many questions are worked at in the same time.
    """

    def __init__(
        self,
        answer: Callable[[Question, Progress], Answer],
        report: Callable[[Event], None],
        name: str,
        threads: int = 1,
    ) -> None:
        self._answer = answer
        self._report = report
        self._condition = threading.Condition()
        self._wishes: dict[Question, _Wish[Question]] = {}
        self._running: list[_Wish[Question]] = []
        self._newest = 0
        self._closing = False
        self._threads = [
            threading.Thread(target=self._work, name=name, daemon=True) for _ in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def want(self, questions: Sequence[Question]) -> tuple[int, ...]:
        """Says what is wanted from now on, and nothing else is.

        Args:
            questions: The most urgent one first. One that was wanted before goes on, or is not
                asked again where it has ended.

        Returns:
            The number of each, which its events carry.
        """
        with self._condition:
            if self._closing and questions:
                raise RuntimeError("the worker is closed")
            before, self._wishes = self._wishes, {}
            for question in questions:
                if question not in self._wishes:
                    known = question in before
                    self._wishes[question] = before.pop(question) if known else self._new(question)
            dropped = [wish for wish in before.values() if wish.state == "waits"]
            for wish in before.values():
                wish.wanted = False
            self._put_off_the_last()
            self._condition.notify_all()
            numbers = tuple(self._wishes[question].id for question in questions)
        for wish in dropped:
            self._tell(Dropped(wish.id))
        return numbers

    def close(self, timeout_s: float | None = None) -> bool:
        """Cancels everything and ends the threads; True once they have ended."""
        with self._condition:
            self._closing = True
        self.want(())
        end = None if timeout_s is None else time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(None if end is None else max(0.0, end - time.monotonic()))
        return not self.is_alive

    @property
    def is_alive(self) -> bool:
        """Whether any of its threads is."""
        return any(thread.is_alive() for thread in self._threads)

    def _new(self, question: Question) -> _Wish[Question]:
        self._newest += 1
        return _Wish(self._newest, question)

    def _put_off_the_last(self) -> None:
        """Makes a thread free for the first wish, where it waits and all are wanted at work."""
        for wish in self._running:
            wish.put_off = False
        wishes = list(self._wishes.values())
        running = [wish for wish in wishes if wish.state == "runs"]
        if wishes and wishes[0].state == "waits" and len(running) == len(self._threads):
            running[-1].put_off = True

    def _next(self) -> _Wish[Question] | None:
        return next((wish for wish in self._wishes.values() if wish.state == "waits"), None)

    def _work(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._closing or self._next() is not None)
                wish = self._next()
                if wish is None:
                    return
                wish.state, wish.interrupted = "runs", False
                self._running.append(wish)
            outcome = self._outcome(wish)
            with self._condition:
                self._running.remove(wish)
                again = wish.wanted and wish.interrupted and isinstance(outcome, Dropped)
                wish.state, wish.put_off = "waits" if again else "ended", False
                if not wish.wanted and isinstance(outcome, Done):
                    # It became unwanted after its last look at progress.
                    outcome = Dropped(wish.id)
            if not again:
                self._tell(outcome)
            # What was asked may hold what has to end on the asker's thread: it is not kept here
            # until the next one comes.
            del wish, outcome

    def _tell(self, event: Event) -> None:
        try:
            self._report(event)
        except Exception:
            log.exception("nobody could be told of %s", event)

    def _outcome(self, wish: _Wish[Question]) -> Event:
        def progress(stage: Stage, fraction: float) -> None:
            if not wish.wanted or wish.put_off:
                wish.interrupted = True
                raise Cancelled
            self._tell(Progressed(wish.id, stage, fraction))

        try:
            answer = self._answer(wish.question, progress)
        except Cancelled:
            return Dropped(wish.id)
        except BaseException as error:  # also SystemExit: it would end this thread, not vitviz
            return Failed(wish.id, error)
        return Done(wish.id, answer)
