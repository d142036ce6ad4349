"""Pauses, cancelling, pace, and telling not too often."""

from __future__ import annotations

import math
import threading

import pytest

from vitviz.errors import Cancelled
from vitviz.progress import MEMORY_S, Control, Pace, Stage, Throttle, part, throttled

WAIT_S = 30


def test_a_part_tells_its_place_in_the_whole() -> None:
    told: list[tuple[Stage, float]] = []
    half = part(lambda *args: told.append(args), 0.5, 1.0)
    half(Stage("block", 1, 3), 0.5)
    assert told == [(Stage("block", 1, 3), 0.75)]


def test_the_first_and_the_last_are_told_and_between_them_the_newest() -> None:
    now, told = [100.0], list[int]()
    throttle = Throttle(told.append, 0.5, lambda: now[0])
    for number in range(13):  # four a half second
        throttle(number)
        now[0] += 0.125
    assert told == [0, 4, 8, 12]
    throttle(13)
    assert told == [0, 4, 8, 12]
    throttle.flush()
    throttle.flush()
    assert told == [0, 4, 8, 12, 13]


def test_the_last_is_told_when_the_work_fails() -> None:
    told: list[str] = []

    def work() -> None:
        with throttled(told.append) as tell:
            tell("first")
            tell("last")
            raise Cancelled

    with pytest.raises(Cancelled):
        work()
    assert told == ["first", "last"]


def test_a_listener_that_cancels_ends_the_work() -> None:
    def tell(message: str) -> None:
        raise Cancelled

    def work() -> None:
        with throttled(tell) as throttle:
            throttle("now")
            pytest.fail("not cancelled")

    with pytest.raises(Cancelled):
        work()


def test_paused_work_waits_and_goes_on() -> None:
    control, checked = Control(), threading.Event()
    control.pause()
    assert not control.is_going

    def work() -> None:
        control.progress(Stage("block", 0, 3), 0.0)
        checked.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert not checked.is_set()
    control.resume()
    assert checked.wait(WAIT_S)
    thread.join(WAIT_S)
    assert control.is_going


def test_cancelled_work_ends_though_it_was_paused() -> None:
    control = Control()
    control.pause()
    control.cancel()
    control.pause()  # nothing is held any more
    with pytest.raises(Cancelled):
        control.check()
    assert control.is_cancelled
    assert not control.is_going


def test_pace_is_a_weighted_mean() -> None:
    now = [100.0]
    pace = Pace(lambda: now[0])
    assert pace.per_second == 0
    assert pace.remaining_s(5) is None
    for _ in range(50):
        now[0] += 0.5
        pace.add(1)
    assert pace.per_second == pytest.approx(2)
    assert pace.remaining_s(10) == pytest.approx(5)
    now[0] += 3.0
    pace.add(30)
    # Closed form: 50 steps of half a second forgotten at one pace, and then three seconds.
    kept = math.exp(-0.5 / MEMORY_S)
    weight = math.exp(-3 / MEMORY_S) * (1 - kept**50) / (1 - kept)
    assert pace.per_second == pytest.approx((weight + 30) / (0.5 * weight + 3))
