"""Work that runs at the same time only while it fits into memory together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vitviz.engine.cache import PATIENCE_S


def available_bytes(device: str) -> int:
    """Memory that can still be taken on a device; loads torch."""
    from vitviz.tracing.memory import available_bytes as available

    return available(device)


class Room:
    """Who is at work, and how much memory each will take at its peak.

    What others will take is counted whole, although they have some of it already: two pieces of
    work that might not fit beside each other run one after the other. Whether a piece fits when
    it is alone is not decided here, but where it is done.

    Args:
        available: How many bytes are free on a device.
    """

    def __init__(self, available: Callable[[str], int] = available_bytes) -> None:
        self._available = available
        self._condition = threading.Condition()
        self._taken: list[tuple[str, int]] = []

    @contextmanager
    def taken(self, needed: int, device: str, waiting: Callable[[], None]) -> Iterator[None]:
        """Waits until there is room, and holds it.

        Args:
            needed: Bytes, at the peak.
            device: Where.
            waiting: Called now and then while there is none; may raise ``Cancelled``.
        """
        mine = device, needed
        while not self._take(mine):
            waiting()
        try:
            yield
        finally:
            with self._condition:
                self._taken.remove(mine)
                self._condition.notify_all()

    def wait_until_empty(self, waiting: Callable[[], None]) -> None:
        """Waits for the work of others to end; called by who has none itself."""
        while not self._is_empty():
            waiting()

    def _take(self, mine: tuple[str, int]) -> bool:
        """True once it is taken, False where it was waited for in vain."""
        device, needed = mine
        with self._condition:
            others = [taken for where, taken in self._taken if where == device]
            if others and needed + sum(others) > self._available(device):
                self._condition.wait(PATIENCE_S)
                return False
            self._taken.append(mine)
            return True

    def _is_empty(self) -> bool:
        with self._condition:
            return not self._taken or self._condition.wait_for(lambda: not self._taken, PATIENCE_S)
