"""Long work, such as a batch or a training: holding it, ending it, saying when it will be done."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from vitviz.errors import Cancelled

MEMORY_S = 30.0
"""What was done this many seconds ago counts 1/e of what is done now."""


class Control:
    """Pauses and cancels long work from any thread; ``check`` is called by whoever works on it."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()
        self._going = threading.Event()
        self._going.set()

    @property
    def is_cancelled(self) -> bool:
        return self._cancelled.is_set()

    @property
    def is_going(self) -> bool:
        """Neither paused nor cancelled."""
        return self._going.is_set() and not self.is_cancelled

    def cancel(self) -> None:
        """Ends the work where it checks next: a batch at the next block of each of its photos."""
        self._cancelled.set()
        self._going.set()

    def pause(self) -> None:
        """Holds the work where it checks next."""
        if not self.is_cancelled:
            self._going.clear()

    def go_on(self) -> None:
        self._going.set()

    def check(self, stage: str, fraction: float) -> None:  # noqa: ARG002 (it is a ``Progress``)
        """Waits while paused.

        Raises:
            Cancelled: The work was cancelled.
        """
        self._going.wait()
        if self.is_cancelled:
            raise Cancelled


class Pace:
    """A rate, smoothed: things done and seconds, both forgotten at the same pace.

    Args:
        clock: In seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at = clock()
        self._done = 0.0
        self._seconds = 0.0

    def add(self, count: int) -> None:
        """So many are done since the last call."""
        now = self._clock()
        elapsed = now - self._at
        kept = math.exp(-elapsed / MEMORY_S)
        self._done = self._done * kept + count
        self._seconds = self._seconds * kept + elapsed
        self._at = now

    @property
    def per_second(self) -> float:
        """Things done a second; 0 before the first."""
        return self._done / self._seconds if self._seconds > 0 else 0.0

    def remaining_s(self, left: int) -> float | None:
        """Seconds until so many more are done; None where that cannot be said."""
        return left / self.per_second if self.per_second > 0 else None


def duration(seconds: float) -> str:
    """In words, as exact as an estimate is: "40 s", "3 min 20 s", "2 h 5 min", "4 days"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 100 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{round(whole / 86400)} days"
