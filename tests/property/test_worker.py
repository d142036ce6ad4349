"""Random programs: whatever is done to the worker, each question ends exactly once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from vitviz.engine.worker import Done, Dropped, Event, Failed, Progressed, Worker
from vitviz.progress import Progress, Stage

WAIT_S = 30

STEPS = st.lists(st.sampled_from(["ask", "ask and fail", "cancel", "let one go on"]), max_size=25)


@given(STEPS, st.booleans())
def test_each_question_ends_exactly_once(steps: list[str], closed_at_work: bool) -> None:
    events: list[Event] = []
    tickets = threading.Semaphore(0)  # each lets one answer take one step

    def answer(question: tuple[int, bool], progress: Progress) -> str:
        progress(Stage("starting"), 0)
        assert tickets.acquire(timeout=WAIT_S)
        progress(Stage("block", 1, 2), 0.5)
        if question[1]:
            raise ValueError
        return "answer"

    worker = Worker(answer, events.append, "random program")
    asked: dict[int, bool] = {}
    for count, step in enumerate(steps):
        if step.startswith("ask"):
            fails = step == "ask and fail"
            asked[worker.want(((count, fails),))[0]] = fails
        elif step == "cancel":
            worker.want(())
        else:
            tickets.release()
    if closed_at_work:
        worker.close(0)
    tickets.release(len(asked) + 1)
    assert worker.close(WAIT_S)

    assert list(asked) == list(range(1, len(asked) + 1))
    check_ends(asked, events)
    answered = [event.id for event in events if isinstance(event, Done)]
    assert answered == sorted(answered)


def check_ends(asked: dict[int, bool], events: list[Event]) -> None:
    """Each has one end, of a kind that it can have, and nothing is said about it after that."""
    ends = [event for event in events if not isinstance(event, Progressed)]
    assert Counter(event.id for event in ends) == Counter(dict.fromkeys(asked, 1))
    for end in ends:
        assert isinstance(end, Dropped | (Failed if asked[end.id] else Done))
    for number in asked:
        assert not isinstance([event for event in events if event.id == number][-1], Progressed)


LISTS = st.lists(st.lists(st.integers(0, 5), max_size=4), max_size=12)


@given(LISTS, st.integers(1, 3), st.integers(0, 12), st.booleans())
def test_each_question_of_a_list_ends_exactly_once(
    lists: list[list[int]], threads: int, free: int, closed_at_work: bool
) -> None:
    """Odd questions fail. Every number has one end, and what is wanted to the end is answered."""
    events: list[Event] = []
    tickets = threading.Semaphore(free)
    at_work, most, count = 0, 0, threading.Lock()

    def answer(question: int, progress: Progress) -> int:
        nonlocal at_work, most
        with count:
            at_work += 1
            most = max(most, at_work)
        try:
            while not tickets.acquire(timeout=0.001):
                progress(Stage("waiting"), 0)
            progress(Stage("block", 1, 2), 0.5)
            if question % 2:
                raise ValueError
            return question
        finally:
            with count:
                at_work -= 1

    worker = Worker(answer, events.append, "random lists", threads)
    asked: dict[int, bool] = {}
    wanted: dict[int, int] = {}
    for questions in lists:
        numbers = worker.want(questions)
        now = dict(zip(questions, numbers, strict=True))
        assert all(now[question] == wanted[question] for question in now if question in wanted)
        assert len(set(numbers)) == len(now), "one number each, also for those asked twice"
        asked |= {number: bool(question % 2) for question, number in now.items()}
        wanted = now
    tickets.release(1000)
    if not closed_at_work:
        wait_for(lambda: set(wanted.values()) <= ended(events))
    assert worker.close(WAIT_S)

    check_ends(asked, events)
    assert most <= threads
    if not closed_at_work:
        last = {event.id: event for event in events if not isinstance(event, Progressed)}
        for question, number in wanted.items():
            assert isinstance(last[number], Failed if question % 2 else Done)


def ended(events: list[Event]) -> set[int]:
    return {event.id for event in list(events) if not isinstance(event, Progressed)}


def wait_for(condition: Callable[[], bool]) -> None:
    pause, tries = threading.Event(), int(WAIT_S / 0.001)
    assert any(condition() or pause.wait(0.001) for _ in range(tries))
