"""One thread, one waiting question, one end for each."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from vitviz.errors import VitvizError
from vitviz.session.worker import Done, Dropped, Event, Failed, LatestWorker, Progressed
from vitviz.tracing.progress import Progress

WAIT_S = 30


class Log:
    """Events in order; can be waited for."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._condition = threading.Condition()

    def __call__(self, event: Event) -> None:
        with self._condition:
            self.events.append(event)
            self._condition.notify_all()

    def wait_for(self, found: Callable[[list[Event]], bool]) -> None:
        with self._condition:
            assert self._condition.wait_for(lambda: found(self.events), WAIT_S)

    def end_of(self, number: int) -> Event:
        def ends(events: list[Event]) -> list[Event]:
            return [e for e in events if e.id == number and not isinstance(e, Progressed)]

        self.wait_for(lambda events: bool(ends(events)))
        (end,) = ends(self.events)
        return end


class Gate:
    """An answer that says when it has begun, and goes on when it may."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.may_go_on = threading.Event()

    def __call__(self, question: object, progress: Progress) -> object:
        progress("begun", 0)
        self.begun.set()
        assert self.may_go_on.wait(WAIT_S)
        progress("half", 0.5)
        return question


def test_a_question_is_answered_after_its_progress() -> None:
    log = Log()
    gate = Gate()
    gate.may_go_on.set()
    worker = LatestWorker(gate, log, "test")
    number = worker.ask("q")
    assert log.end_of(number) == Done(number, "q")
    assert log.events[:-1] == [Progressed(number, "begun", 0), Progressed(number, "half", 0.5)]
    assert worker.close(WAIT_S)


def test_a_new_question_drops_the_waiting_one_and_cancels_the_running_one() -> None:
    log, gate = Log(), Gate()
    worker = LatestWorker(gate, log, "test")
    running = worker.ask("running")
    assert gate.begun.wait(WAIT_S)
    waiting = worker.ask("waiting")
    newest = worker.ask("newest")
    assert log.events[-1] == Dropped(waiting)  # at once, while the first still runs
    gate.may_go_on.set()
    assert log.end_of(running) == Dropped(running)
    assert log.end_of(newest) == Done(newest, "newest")
    assert running < waiting < newest
    assert worker.close(WAIT_S)


def test_an_answer_that_nobody_wants_any_more_is_dropped_without_a_look_at_progress() -> None:
    log, begun, go_on = Log(), threading.Event(), threading.Event()

    def answer(question: str, progress: Progress) -> str:
        begun.set()
        assert go_on.wait(WAIT_S)
        return question

    worker = LatestWorker(answer, log, "test")
    number = worker.ask("q")
    assert begun.wait(WAIT_S)
    worker.cancel()
    go_on.set()
    assert log.end_of(number) == Dropped(number)
    assert worker.close(WAIT_S)


def test_cancel_drops_what_waits_and_what_runs_and_the_worker_goes_on() -> None:
    log, gate = Log(), Gate()
    worker = LatestWorker(gate, log, "test")
    worker.cancel()  # nothing to cancel
    running = worker.ask("running")
    assert gate.begun.wait(WAIT_S)
    waiting = worker.ask("waiting")
    worker.cancel()
    gate.may_go_on.set()
    assert log.end_of(waiting) == Dropped(waiting)
    assert log.end_of(running) == Dropped(running)
    after = worker.ask("after")
    assert log.end_of(after) == Done(after, "after")
    assert worker.close(WAIT_S)


@pytest.mark.parametrize("error", [VitvizError("no"), ZeroDivisionError(), SystemExit(3)])
def test_a_failure_is_reported_and_does_not_end_the_thread(error: BaseException) -> None:
    def answer(question: bool, progress: Progress) -> str:
        if question:
            raise error
        return "fine"

    log = Log()
    worker = LatestWorker(answer, log, "test")
    bad = worker.ask(True)
    assert log.end_of(bad) == Failed(bad, error)
    good = worker.ask(False)
    assert log.end_of(good) == Done(good, "fine")
    assert worker.close(WAIT_S)


def test_a_listener_that_fails_is_logged_and_does_not_end_the_thread(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log, deaf = Log(), [True]

    def report(event: Event) -> None:
        log(event)
        if deaf:
            raise RuntimeError("the window is gone")

    gate = Gate()
    gate.may_go_on.set()
    worker = LatestWorker(gate, report, "test")
    number = worker.ask("q")
    assert log.end_of(number) == Done(number, "q")
    deaf.clear()
    after = worker.ask("after")
    assert log.end_of(after) == Done(after, "after")
    assert worker.close(WAIT_S)
    assert "the window is gone" in caplog.text


def test_closing_cancels_what_runs_and_drops_what_waits() -> None:
    log, gate = Log(), Gate()
    worker = LatestWorker(gate, log, "test")
    running = worker.ask("running")
    assert gate.begun.wait(WAIT_S)
    waiting = worker.ask("waiting")
    assert not worker.close(0)  # still at it
    assert log.events[-1] == Dropped(waiting)
    gate.may_go_on.set()
    assert worker.close(WAIT_S)
    assert log.end_of(running) == Dropped(running)
    with pytest.raises(RuntimeError, match="closed"):
        worker.ask("late")


def test_closing_an_idle_worker_ends_its_thread() -> None:
    worker = LatestWorker(Gate(), Log(), "idle one")
    assert worker.close(WAIT_S)
    assert worker.close(WAIT_S)
    assert not [t for t in threading.enumerate() if t.name == "idle one"]
