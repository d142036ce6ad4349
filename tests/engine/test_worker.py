"""What is wanted is answered, the most urgent first, with one end for each question."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from vitviz.engine.worker import Done, Dropped, Event, Failed, Progressed, Worker
from vitviz.errors import VitvizError
from vitviz.progress import Progress, Stage

WAIT_S = 30

WAITING = Stage("waiting")


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
        progress(Stage("starting"), 0)
        self.begun.set()
        assert self.may_go_on.wait(WAIT_S)
        progress(Stage("block", 1, 2), 0.5)
        return question


def ask(worker: Worker[object, object], question: object) -> int:
    """Wants this and nothing else."""
    (number,) = worker.want((question,))
    return number


def test_a_question_is_answered_after_its_progress() -> None:
    log = Log()
    gate = Gate()
    gate.may_go_on.set()
    worker = Worker(gate, log, "vitviz-test")
    number = ask(worker, "q")
    assert log.end_of(number) == Done(number, "q")
    begun, half = Stage("starting"), Stage("block", 1, 2)
    assert log.events[:-1] == [Progressed(number, begun, 0), Progressed(number, half, 0.5)]
    assert worker.close(WAIT_S)


def test_a_new_question_drops_the_waiting_one_and_cancels_the_running_one() -> None:
    log, gate = Log(), Gate()
    worker = Worker(gate, log, "vitviz-test")
    running = ask(worker, "running")
    assert gate.begun.wait(WAIT_S)
    waiting = ask(worker, "waiting")
    newest = ask(worker, "newest")
    assert log.events[-1] == Dropped(waiting)  # at once, while the first still runs
    gate.may_go_on.set()
    assert log.end_of(running) == Dropped(running)
    assert log.end_of(newest) == Done(newest, "newest")
    assert running < waiting < newest
    assert worker.close(WAIT_S)


def test_an_answer_that_nobody_wants_any_more_is_dropped_without_a_look_at_progress() -> None:
    log, begun, go_on = Log(), threading.Event(), threading.Event()

    def answer(question: object, progress: Progress) -> object:
        begun.set()
        assert go_on.wait(WAIT_S)
        return question

    worker = Worker(answer, log, "vitviz-test")
    number = ask(worker, "q")
    assert begun.wait(WAIT_S)
    worker.want(())
    go_on.set()
    assert log.end_of(number) == Dropped(number)
    assert worker.close(WAIT_S)


def test_cancel_drops_what_waits_and_what_runs_and_the_worker_goes_on() -> None:
    log, gate = Log(), Gate()
    worker = Worker(gate, log, "vitviz-test")
    worker.want(())  # nothing to cancel
    running = ask(worker, "running")
    assert gate.begun.wait(WAIT_S)
    waiting = ask(worker, "waiting")
    worker.want(())
    gate.may_go_on.set()
    assert log.end_of(waiting) == Dropped(waiting)
    assert log.end_of(running) == Dropped(running)
    after = ask(worker, "after")
    assert log.end_of(after) == Done(after, "after")
    assert worker.close(WAIT_S)


@pytest.mark.parametrize("error", [VitvizError("no"), ZeroDivisionError(), SystemExit(3)])
def test_a_failure_is_reported_and_does_not_end_the_thread(error: BaseException) -> None:
    def answer(question: object, progress: Progress) -> str:
        if question:
            raise error
        return "fine"

    log = Log()
    worker = Worker(answer, log, "vitviz-test")
    bad = ask(worker, True)
    assert log.end_of(bad) == Failed(bad, error)
    good = ask(worker, False)
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
    worker = Worker(gate, report, "vitviz-test")
    number = ask(worker, "q")
    assert log.end_of(number) == Done(number, "q")
    deaf.clear()
    after = ask(worker, "after")
    assert log.end_of(after) == Done(after, "after")
    assert worker.close(WAIT_S)
    assert "the window is gone" in caplog.text


def test_closing_cancels_what_runs_and_drops_what_waits() -> None:
    log, gate = Log(), Gate()
    worker = Worker(gate, log, "vitviz-test")
    running = ask(worker, "running")
    assert gate.begun.wait(WAIT_S)
    waiting = ask(worker, "waiting")
    assert not worker.close(0)  # still at it
    assert log.events[-1] == Dropped(waiting)
    gate.may_go_on.set()
    assert worker.close(WAIT_S)
    assert log.end_of(running) == Dropped(running)
    with pytest.raises(RuntimeError, match="closed"):
        ask(worker, "late")


def test_closing_an_idle_worker_ends_its_thread() -> None:
    worker = Worker(Gate(), Log(), "idle one")
    assert worker.close(WAIT_S)
    assert worker.close(WAIT_S)
    assert not [t for t in threading.enumerate() if t.name == "idle one"]


class Gates:
    """Answers each of which begins and goes on by itself."""

    def __init__(self) -> None:
        self.begun: list[object] = []
        self._condition = threading.Condition()
        self._open: set[object] = set()

    def open(self, question: object) -> None:
        with self._condition:
            self._open.add(question)
            self._condition.notify_all()

    def wait_for(self, *begun: object) -> None:
        """Until exactly these have begun, in this order."""
        with self._condition:
            assert self._condition.wait_for(lambda: self.begun == list(begun), WAIT_S), self.begun

    def __call__(self, question: object, progress: Progress) -> object:
        with self._condition:
            self.begun.append(question)
            self._condition.notify_all()
            while not self._condition.wait_for(lambda: question in self._open, 0.002):
                progress(WAITING, 0)
        return question


def two(log: Log, gates: Gates) -> Worker[object, object]:
    return Worker(gates, log, "vitviz-test", threads=2)


def test_a_slow_answer_does_not_hold_up_the_others() -> None:
    log, gates = Log(), Gates()
    worker = two(log, gates)
    slow, *quick = worker.want(("slow", "a", "b", "c"))
    for name, number in zip("abc", quick, strict=True):
        gates.open(name)
        assert log.end_of(number) == Done(number, name)
    gates.wait_for("slow", *"abc")
    gates.open("slow")
    assert log.end_of(slow) == Done(slow, "slow")
    assert worker.close(WAIT_S)


def test_what_is_still_wanted_goes_on_and_keeps_its_number() -> None:
    log, gates = Log(), Gates()
    worker = two(log, gates)
    a, b = worker.want(("a", "b"))
    gates.wait_for("a", "b")
    assert worker.want(("c", "b", "b"))[1:] == (b, b)
    assert log.end_of(a) == Dropped(a)
    gates.wait_for("a", "b", "c")
    gates.open("b")
    assert log.end_of(b) == Done(b, "b")
    assert worker.close(WAIT_S)


def test_what_was_answered_is_not_asked_again_while_it_is_wanted() -> None:
    log, gates = Log(), Gates()
    worker = two(log, gates)
    (a,) = worker.want(("a",))
    gates.open("a")
    log.end_of(a)
    assert worker.want(("b", "a"))[1] == a
    gates.wait_for("a", "b")
    worker.want(("b",))
    again = worker.want(("b", "a"))[1]
    assert log.end_of(again) == Done(again, "a")
    assert again != a
    assert worker.close(WAIT_S)
    assert gates.begun == ["a", "b", "a"]


def test_the_first_one_does_not_wait_for_two_slow_ones() -> None:
    log, gates = Log(), Gates()
    worker = two(log, gates)
    a, b = worker.want(("a", "b"))
    gates.wait_for("a", "b")
    urgent, *_ = worker.want(("urgent", "a", "b", "d"))
    gates.wait_for("a", "b", "urgent")  # b was put back
    gates.open("urgent")
    assert log.end_of(urgent) == Done(urgent, "urgent")
    gates.wait_for("a", "b", "urgent", "b")  # and is begun again before what comes after it
    for name in "abd":
        gates.open(name)
    assert [log.end_of(a), log.end_of(b)] == [Done(a, "a"), Done(b, "b")]
    assert worker.close(WAIT_S)


def test_the_second_one_waits_its_turn() -> None:
    log, gates = Log(), Gates()
    worker = two(log, gates)
    worker.want(("a", "b"))
    gates.wait_for("a", "b")
    c = worker.want(("a", "c", "b"))[1]
    gates.open("b")
    gates.open("c")
    log.end_of(c)
    assert gates.begun == ["a", "b", "c"]
    assert worker.close(WAIT_S)
