"""Random programs: whatever is done to the worker, each question ends exactly once."""

from __future__ import annotations

import threading
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from vitviz.session.worker import Done, Dropped, Event, Failed, LatestWorker, Progressed
from vitviz.tracing.progress import Progress

WAIT_S = 30

STEPS = st.lists(st.sampled_from(["ask", "ask and fail", "cancel", "let one go on"]), max_size=25)


@given(STEPS, st.booleans())
def test_each_question_ends_exactly_once(steps: list[str], closed_at_work: bool) -> None:
    events: list[Event] = []
    tickets = threading.Semaphore(0)  # each lets one answer take one step

    def answer(fails: bool, progress: Progress) -> str:
        progress("begun", 0)
        assert tickets.acquire(timeout=WAIT_S)
        progress("half", 0.5)
        if fails:
            raise ValueError
        return "answer"

    worker = LatestWorker(answer, events.append, "random program")
    asked: dict[int, bool] = {}
    for step in steps:
        if step.startswith("ask"):
            fails = step == "ask and fail"
            asked[worker.ask(fails)] = fails
        elif step == "cancel":
            worker.cancel()
        else:
            tickets.release()
    if closed_at_work:
        worker.close(0)
    tickets.release(len(asked) + 1)
    assert worker.close(WAIT_S)

    assert list(asked) == list(range(1, len(asked) + 1))
    check_ends(asked, events)


def check_ends(asked: dict[int, bool], events: list[Event]) -> None:
    """Each has one end, of a kind that it can have, and nothing is said about it after that."""
    ends = [event for event in events if not isinstance(event, Progressed)]
    assert Counter(event.id for event in ends) == Counter(dict.fromkeys(asked, 1))
    for end in ends:
        assert isinstance(end, Dropped | (Failed if asked[end.id] else Done))
    for number in asked:
        assert not isinstance([event for event in events if event.id == number][-1], Progressed)
    answered = [event.id for event in ends if isinstance(event, Done)]
    assert answered == sorted(answered)
