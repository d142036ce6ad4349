"""The border between threads and Qt: what crosses it, on which thread, in which order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
import shiboken6
from pytestqt.qtbot import QtBot

from vitviz.errors import Cancelled, VitvizError
from vitviz.gui.threads.desk import Desk
from vitviz.progress import Progress, Stage

from .conftest import WAIT_MS, threads_left

HALF = Stage("block", 1, 2)
WAIT_S = 30

Make = Callable[..., Desk]


@pytest.fixture
def make_desk(qtbot: QtBot) -> Iterator[Make]:
    """Makes desks with threads named vitviz-desk; all are closed, and leave no thread."""
    made: list[Desk] = []

    def make(answer: Callable[[object, Progress], object], threads: int = 1) -> Desk:
        made.append(Desk(answer, "vitviz-desk", threads))
        return made[-1]

    yield make
    for desk in made:
        if shiboken6.isValid(desk):
            desk.close()
    assert threads_left() == []


def heard(desk: Desk) -> list[tuple[object, ...]]:
    """Everything that the desk says from now on, in order."""
    events: list[tuple[object, ...]] = []
    for name in ("answered", "failed", "cancelled", "progressed", "told", "idle"):
        getattr(desk, name).connect(lambda *args, name=name: events.append((name, *args)))
    return events


class Gate:
    """An answer that says when it has begun, and goes on when it may."""

    def __init__(self) -> None:
        self.begun, self.may_go_on = threading.Event(), threading.Event()

    def __call__(self, question: object, progress: Progress) -> object:
        self.begun.set()
        assert self.may_go_on.wait(WAIT_S)
        progress(HALF, 0.5)
        return question


def test_everything_is_told_in_order_on_the_window_s_thread(qtbot: QtBot, make_desk: Make) -> None:
    def answer(question: str, progress: Progress) -> str:
        desk.tell(question, "a note")
        progress(HALF, 0.5)
        return question.upper()

    desk = make_desk(answer)
    events, threads = heard(desk), set[threading.Thread]()
    for signal in (desk.answered, desk.progressed, desk.told, desk.idle):
        signal.connect(lambda *_: threads.add(threading.current_thread()))
    with qtbot.waitSignal(desk.idle, timeout=WAIT_MS):
        desk.ask(["a"])
        assert desk.is_busy
    assert events == [
        ("told", "a", "a note"), ("progressed", "a", HALF, 0.5), ("answered", "a", "A"), ("idle",),
    ]  # fmt: skip
    assert threads == {threading.main_thread()}
    assert not desk.is_busy


def test_no_thread_begins_before_the_first_question(make_desk: Make) -> None:
    desk = make_desk(Gate())
    desk.ask(())
    assert threads_left() == []


def test_of_what_is_taken_back_nothing_is_heard(qtbot: QtBot, make_desk: Make) -> None:
    gate = Gate()

    def answer(question: object, progress: Progress) -> object:
        desk.tell(question, "a note")
        return gate(question, progress)

    desk = make_desk(answer)
    events = heard(desk)
    desk.ask(["old", "waits"])
    assert gate.begun.wait(WAIT_S)
    with qtbot.waitSignal(desk.idle, timeout=WAIT_MS):
        desk.ask(["new"])
        gate.may_go_on.set()
    assert {event[1] for event in events if event != ("idle",)} == {"new"}
    assert events[-2:] == [("answered", "new", "new"), ("idle",)]


def test_what_is_on_its_way_is_not_heard_once_it_is_taken_back(
    qtbot: QtBot, make_desk: Make
) -> None:
    second = threading.Event()

    def answer(question: object, progress: Progress) -> object:
        progress(HALF, 0.5)
        if question == "b":
            second.set()
        return question

    desk = make_desk(answer)
    events = heard(desk)
    desk.ask(["a", "b"])
    assert second.wait(WAIT_S)  # so the first is answered, which the window does not know yet
    desk.ask(())
    desk.close()
    qtbot.wait(0)
    assert events == [("idle",)]


@pytest.mark.parametrize("error", [VitvizError("no"), ZeroDivisionError(), SystemExit(3)])
def test_a_failure_is_told_and_ends_nothing(
    qtbot: QtBot, make_desk: Make, error: BaseException
) -> None:
    def answer(question: str, progress: Progress) -> str:
        if question == "bad":
            raise error
        return question

    desk = make_desk(answer)
    events = heard(desk)
    with qtbot.waitSignal(desk.idle, timeout=WAIT_MS):
        desk.ask(["bad", "good"])
    assert events == [("failed", "bad", error), ("answered", "good", "good"), ("idle",)]


def test_work_that_cancels_itself_says_so(qtbot: QtBot, make_desk: Make) -> None:
    def answer(question: object, progress: Progress) -> object:
        raise Cancelled

    desk = make_desk(answer)
    events = heard(desk)
    with qtbot.waitSignal(desk.idle, timeout=WAIT_MS):
        desk.ask(["a"])
    assert events == [("cancelled", "a"), ("idle",)]


def test_what_is_added_is_answered_after_the_rest(qtbot: QtBot, make_desk: Make) -> None:
    gate = Gate()
    desk = make_desk(gate)
    events = heard(desk)
    with qtbot.waitSignal(desk.idle, timeout=WAIT_MS):
        for question in "abca":  # once more while it still stands: nothing new
            desk.add(question)
        gate.may_go_on.set()
    assert [event[1] for event in events if event[0] == "answered"] == ["a", "b", "c"]
    with qtbot.waitSignal(desk.answered, timeout=WAIT_MS) as answered:
        desk.add("a")
    assert answered.args == ["a", "a"], "it was answered, and so is asked anew"


def test_what_was_answered_can_be_asked_again(qtbot: QtBot, make_desk: Make) -> None:
    answers = iter([1, 2])
    desk = make_desk(lambda question, progress: next(answers))
    with qtbot.waitSignal(desk.answered, timeout=WAIT_MS):
        desk.ask_again("a")
    desk.ask(["a"])
    assert not desk.is_busy, "told already"
    with qtbot.waitSignal(desk.answered, timeout=WAIT_MS) as answered:
        desk.ask_again("a")
    assert answered.args == ["a", 2]


def test_closing_waits_for_what_runs_and_tells_nobody(qtbot: QtBot, make_desk: Make) -> None:
    gate, ended = Gate(), threading.Event()

    def answer(question: object, progress: Progress) -> object:
        try:
            return gate(question, progress)
        finally:
            ended.set()

    desk = make_desk(answer)
    events = heard(desk)
    desk.ask(["a", "b"])
    assert gate.begun.wait(WAIT_S)
    threading.Thread(target=gate.may_go_on.set).start()
    desk.close()
    assert ended.is_set()
    assert threads_left() == []
    qtbot.wait(0)
    assert events == []
    desk.close()
    with pytest.raises(RuntimeError, match="closed"):
        desk.ask(["late"])


def test_a_desk_that_is_gone_is_not_reached(qtbot: QtBot) -> None:
    gate = Gate()
    gate.may_go_on.set()
    desk = Desk(gate, "vitviz-desk")
    events = heard(desk)
    desk.ask(["a"])
    assert gate.begun.wait(WAIT_S)
    desk.close()
    desk.deleteLater()
    qtbot.waitSignal(desk.destroyed, timeout=WAIT_MS).wait()
    assert events == []


def test_work_that_ends_after_its_dialog_is_gone_tells_nobody(
    qtbot: QtBot, make_desk: Make, caplog: pytest.LogCaptureFixture
) -> None:
    gate = Gate()
    desk = make_desk(gate)
    desk.ask(["a"])
    assert gate.begun.wait(WAIT_S)
    desk.close(0)
    shiboken6.delete(desk)
    gate.may_go_on.set()
    qtbot.waitUntil(lambda: threads_left() == [], timeout=WAIT_MS)
    assert caplog.messages == []
