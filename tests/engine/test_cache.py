"""What was made lately is kept within its budget, and made once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from vitviz.engine.cache import Cache
from vitviz.engine.room import Room
from vitviz.errors import Cancelled

WAIT_S = 30


def test_a_cache_keeps_the_last_used_within_its_budget() -> None:
    made: list[int] = []

    def make(size: int) -> int:
        made.append(size)
        return size

    cache: Cache[int, int] = Cache(10, lambda size: size)
    for key in (4, 5, 4, 3, 4, 5):  # 3 pushes out 5, which was used before 4
        assert cache.get(key, lambda key=key: make(key)) == key  # type: ignore[misc]
    assert made == [4, 5, 3, 5]
    cache.get(100, lambda: make(100))
    assert cache.held == 100
    cache.clear()
    assert cache.held == 0


def test_what_is_not_in_use_has_a_budget_of_its_own() -> None:
    cache: Cache[str, int] = Cache(100, lambda size: size, spare=10)
    sizes = {"a": 6, "b": 7, "c": 8, "d": 4, "e": 3}
    for key, size in sizes.items():
        cache.get(key, lambda size=size: size)  # type: ignore[misc]
    assert cache.held == 28, "nobody has said what is in use"
    cache.keep(lambda key: key != "c", lambda key: key == "a")
    assert set(cache._values) == {"a", "d", "e"}, "b is spare and the oldest, c is not wanted"
    cache.get("f", lambda: 9)
    assert set(cache._values) == {"a", "d", "e", "f"}, "the newest does not count yet"
    cache.get("g", lambda: 1)
    assert set(cache._values) == {"a", "f", "g"}


def test_what_is_in_use_keeps_to_the_budget_too() -> None:
    cache: Cache[str, int] = Cache(10, lambda size: size, spare=5)
    cache.keep(lambda _: True, lambda _: True)
    for key in "abcd":
        cache.get(key, lambda: 4)
    assert list(cache._values) == ["c", "d"]
    cache.keep(lambda _: False, lambda _: True)
    assert cache.held == 0


def test_what_failed_is_not_remembered() -> None:
    cache: Cache[str, int] = Cache(10)

    def fail() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cache.get("key", fail)
    assert cache.get("key", lambda: 7) == 7


def test_threads_make_one_value_once_and_others_beside_it() -> None:
    cache: Cache[str, object] = Cache(10)
    made: list[str] = []
    inside, go_on, waits = threading.Event(), threading.Event(), threading.Event()

    def slow() -> object:
        made.append("slow")
        inside.set()
        assert go_on.wait(WAIT_S)
        return object()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.get, "key", slow)
        assert inside.wait(WAIT_S)
        assert cache.get("other", lambda: "quick") == "quick", "no lock is held meanwhile"
        assert cache.held == 1
        second = pool.submit(cache.get, "key", slow, waits.set)
        assert waits.wait(WAIT_S)
        go_on.set()
        assert first.result(WAIT_S) is second.result(WAIT_S)
    assert made == ["slow"]


def test_a_thread_that_waits_may_give_up_and_tries_itself_what_failed() -> None:
    cache: Cache[str, int] = Cache(10)
    inside, go_on = threading.Event(), threading.Event()

    def fails() -> int:
        inside.set()
        assert go_on.wait(WAIT_S)
        raise ZeroDivisionError

    def give_up() -> None:
        raise Cancelled

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(cache.get, "key", fails)
        assert inside.wait(WAIT_S)
        with pytest.raises(Cancelled):
            cache.get("key", lambda: 1, give_up)
        assert cache.get("key", lambda: 2, go_on.set) == 2
        with pytest.raises(ZeroDivisionError):
            first.result(WAIT_S)


def never() -> None:
    raise AssertionError("nothing to wait for")


def give_up() -> None:
    raise Cancelled


def test_work_that_fits_together_is_done_together_by_device() -> None:
    room = Room({"cpu": 100, "cuda:0": 10}.__getitem__)
    with room.taken(60, "cpu", never), room.taken(40, "cpu", never):
        with room.taken(10, "cuda:0", never):
            pass
        with pytest.raises(Cancelled), room.taken(1, "cpu", give_up):
            pass
    with room.taken(60, "cpu", never), room.taken(40, "cpu", never):
        pass  # what gave up took nothing


def test_alone_nothing_waits_whatever_it_needs() -> None:
    with Room(lambda device: 0).taken(1000, "cpu", never):
        pass


def test_room_is_given_on_when_work_ends_or_fails() -> None:
    room = Room(lambda device: 10)
    inside, go_on = threading.Event(), threading.Event()

    def work() -> None:
        with room.taken(10, "cpu", never):
            inside.set()
            assert go_on.wait(WAIT_S)
            raise ZeroDivisionError

    room.wait_until_empty(never)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(work)
        assert inside.wait(WAIT_S)
        with pytest.raises(Cancelled):
            room.wait_until_empty(give_up)
        with room.taken(1, "cpu", go_on.set), pytest.raises(ZeroDivisionError):
            first.result(WAIT_S)
    room.wait_until_empty(never)


def test_what_no_longer_holds_is_computed_anew() -> None:
    cache: Cache[str, int] = Cache(10)
    assert cache.get("a", lambda: 1) == 1
    assert cache.get("a", lambda: 2, is_valid=lambda value: value == 1) == 1
    assert cache.get("a", lambda: 2, is_valid=lambda value: value == 2) == 2
    assert cache.get("a", never_computed) == 2


def never_computed() -> int:
    raise AssertionError("it is there")
