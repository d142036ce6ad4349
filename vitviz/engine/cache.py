"""Results used lately, within a budget, each computed once however many threads want it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

PATIENCE_S = 0.05
"""How long a thread waits for another before it asks again whether it still should."""


def _patient() -> None:
    """Waits on."""


def _always(_value: object) -> bool:
    return True


class Cache(Generic[Key, Value]):
    """The values used last, within a budget; the last one is always kept.

    Where somebody says what is in use (``keep``), the rest has to do with a smaller budget, so that
    memory that was needed once is given back.

    Safe to use from any thread: no lock is held while a value is computed, and a thread that wants
    one that another thread is at waits for it.

    Args:
        budget: How much is kept at most.
        size: How much a value counts.
        spare: How much is kept at most of what is not in use; ``budget`` by default.
    """

    def __init__(
        self,
        budget: int,
        size: Callable[[Value], int] = lambda _: 1,
        spare: int | None = None,
    ) -> None:
        self._budget = budget
        self._size = size
        self._spare = budget if spare is None else spare
        self._is_used: Callable[[Key], bool] = _always
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._in_work: dict[Key, threading.Event] = {}
        self._lock = threading.Lock()

    def get(
        self,
        key: Key,
        compute: Callable[[], Value],
        waiting: Callable[[], None] = _patient,
        is_valid: Callable[[Value], bool] = _always,
    ) -> Value:
        """The value, computed now if it is not there.

        Args:
            key: Which value.
            compute: Gives it. What it raises is remembered by nobody: the next one tries again.
            waiting: Called now and then while another thread is at it; may raise ``Cancelled``.
            is_valid: Whether a value that is there still holds; else it is computed anew.
        """
        while True:
            with self._lock:
                if key in self._values and is_valid(self._values[key]):
                    self._values.move_to_end(key)
                    return self._values[key]
                done = self._in_work.get(key)
                if done is None:
                    done = self._in_work[key] = threading.Event()
                    break
            while not done.wait(PATIENCE_S):
                waiting()
        try:
            value = compute()
            with self._lock:
                self._keep(key, value)
            return value
        finally:
            with self._lock:
                del self._in_work[key]
            done.set()

    @property
    def held(self) -> int:
        """The size of all values."""
        with self._lock:
            return self._held()

    def clear(self) -> None:
        with self._lock:
            self._values.clear()

    def keep(self, is_wanted: Callable[[Key], bool], is_used: Callable[[Key], bool]) -> None:
        """Forgets what is not wanted any more.

        Args:
            is_wanted: Whether a value of this key may be asked for again.
            is_used: Whether it is in use, from now on: what is not counts as spare.
        """
        with self._lock:
            self._is_used = is_used
            for key in [key for key in self._values if not is_wanted(key)]:
                del self._values[key]
            self._make_room()

    def _keep(self, key: Key, value: Value) -> None:
        self._values[key] = value
        self._values.move_to_end(key)
        self._make_room()

    def _make_room(self) -> None:
        """Forgets the oldest until both budgets are kept; not the newest."""
        older = list(self._values)[:-1]
        spare = [key for key in older if not self._is_used(key)]
        held = self._held()
        held_spare = sum(self._size(self._values[key]) for key in spare)
        for key in spare:
            if held > self._budget or held_spare > self._spare:
                size = self._size(self._values.pop(key))
                held, held_spare = held - size, held_spare - size
        for key in older:
            if held > self._budget and key in self._values:
                held -= self._size(self._values.pop(key))

    def _held(self) -> int:
        return sum(map(self._size, self._values.values()))
