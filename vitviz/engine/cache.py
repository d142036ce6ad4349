"""What was made lately, kept within a budget, and made once however many threads want it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

PATIENCE_S = 0.05
"""How long a thread waits for another before it asks again whether it still should."""


def _patiently() -> None:
    """Goes on waiting."""


class Recent(Generic[Key, Value]):
    """Remembers the values used last, within a budget; the last one is always kept.

    Safe to use from any thread: no lock is held while a value is made, and a thread that wants
    one that another thread is making waits for it.

    Args:
        budget: How much is kept at most.
        size: How much a value counts.
    """

    def __init__(self, budget: int, size: Callable[[Value], int] = lambda _: 1) -> None:
        self._budget = budget
        self._size = size
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._making: dict[Key, threading.Event] = {}
        self._lock = threading.Lock()

    def get(
        self, key: Key, make: Callable[[], Value], waiting: Callable[[], None] = _patiently
    ) -> Value:
        """The value, made now if it is not remembered.

        Args:
            key: Which value.
            make: Makes it. What it raises is remembered by nobody: the next one tries again.
            waiting: Called now and then while another thread makes it; may raise ``Cancelled``.
        """
        while True:
            with self._lock:
                if key in self._values:
                    self._values.move_to_end(key)
                    return self._values[key]
                made = self._making.get(key)
                if made is None:
                    made = self._making[key] = threading.Event()
                    break
            while not made.wait(PATIENCE_S):
                waiting()
        try:
            value = make()
            with self._lock:
                self._keep(key, value)
            return value
        finally:
            with self._lock:
                del self._making[key]
            made.set()

    @property
    def held(self) -> int:
        """The size of everything remembered."""
        with self._lock:
            return self._held()

    def clear(self) -> None:
        with self._lock:
            self._values.clear()

    def _keep(self, key: Key, value: Value) -> None:
        self._values[key] = value
        while len(self._values) > 1 and self._held() > self._budget:
            self._values.popitem(last=False)

    def _held(self) -> int:
        return sum(map(self._size, self._values.values()))
