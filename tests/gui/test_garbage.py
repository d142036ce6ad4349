"""Nothing of Qt's ends on another thread than the window's."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable

import pytest
from PySide6.QtCore import QObject, QTimer
from pytestqt.qtbot import QtBot

from vitviz.gui.threads.desk import Desk
from vitviz.gui.threads.garbage import Garbage
from vitviz.gui.threads.jobs import Job, Jobs
from vitviz.progress import Progress

from .conftest import WAIT_MS, threads_left

WAIT_S = 30
HERE = threading.main_thread().name


class Part(QObject):
    """Something with a timer, which may only be stopped on its own thread."""

    def __init__(self, ended_on: list[str]) -> None:
        super().__init__()
        self._timer = QTimer(self)
        self._timer.start(WAIT_MS)
        weakref.finalize(self, lambda: ended_on.append(threading.current_thread().name))

    def hear(self, _answer: object) -> None:
        """Something to connect."""

    def answer(self, question: threading.Event, progress: Progress) -> object:
        return question.wait(WAIT_S)


def test_a_circle_does_not_end_where_much_is_made(qtbot: QtBot) -> None:
    ended_on: list[str] = []
    part = Part(ended_on)
    part.circle = part  # type: ignore[attr-defined]
    del part
    made: list[object] = []
    thread = threading.Thread(target=lambda: made.extend([number] for number in range(100_000)))
    thread.start()
    thread.join()
    assert ended_on == [], "so much that is new has Python search, but not on this thread"
    qtbot.waitUntil(lambda: ended_on == [HERE], timeout=WAIT_MS)


def test_a_search_goes_as_far_as_python_s_own(
    monkeypatch: pytest.MonkeyPatch, qapp: object
) -> None:
    searched: list[int] = []
    counts = iter([(3, 2, 1), (701, 2, 1), (701, 11, 10), (5, 0, 11)])
    monkeypatch.setattr(gc, "get_threshold", lambda: (700, 10, 10))
    monkeypatch.setattr(gc, "get_count", lambda: next(counts))
    monkeypatch.setattr(gc, "collect", searched.append)
    garbage = Garbage(QObject())
    for _ in range(4):
        garbage.search()
    assert searched == [0, 1, 2]


def end_a_job(qtbot: QtBot, jobs: Jobs, part: Part, end: Callable[[], object]) -> None:
    """Has a job end whose thread was the last to know what follows it."""
    begun, may_go_on = threading.Event(), threading.Event()

    def work(progress: Progress) -> None:
        begun.set()
        may_go_on.wait(WAIT_S)

    jobs.begin(Job("one", work, part.hear))
    assert begun.wait(WAIT_S)
    end()
    may_go_on.set()
    with qtbot.waitSignal(jobs.idle, timeout=WAIT_MS):  # by then the thread is past the first
        jobs.begin(Job("another", lambda _: None))


@pytest.mark.parametrize("cancelled", [False, True])
def test_what_follows_a_job_ends_here(qtbot: QtBot, cancelled: bool) -> None:
    ended_on: list[str] = []
    jobs, part = Jobs(), Part(ended_on)
    end_a_job(qtbot, jobs, part, jobs.cancel if cancelled else lambda: None)
    del part
    qtbot.waitUntil(lambda: ended_on == [HERE], timeout=WAIT_MS)
    jobs.close()
    assert threads_left() == []


def test_what_answers_ends_here_though_its_thread_ends_later(qtbot: QtBot) -> None:
    ended_on: list[str] = []
    part, may_go_on = Part(ended_on), threading.Event()
    desk = Desk(part.answer, "vitviz-desk")
    desk.ask([may_go_on])
    del part
    desk.close(0)
    del desk
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "vitviz-desk"]
    may_go_on.set()
    thread.join(WAIT_S)
    assert ended_on == [], "the thread was not the last to hold it"
    Desk.let_go()
    gc.collect()
    assert ended_on == [HERE]
