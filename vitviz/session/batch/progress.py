"""How fast work goes, and when it will be done."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

MEMORY_S = 30.0
"""What was done this many seconds ago counts 1/e of what is done now."""


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


@dataclass(frozen=True)
class BatchProgress:
    """Where a batch is.

    Args:
        stage: "Loading the model", "Counting the photos"; "" while photos are worked on.
        done: Photos that are done, earlier runs and failures included.
        total: Photos in all; None while they are still being counted.
        failed: Of those done.
        per_second: Photos a second, smoothed; 0 before the first.
        remaining_s: Until the end, in seconds; None where that cannot be said yet.
    """

    stage: str = ""
    done: int = 0
    total: int | None = None
    failed: int = 0
    per_second: float = 0.0
    remaining_s: float | None = None

    @property
    def words(self) -> str:
        """ "412 of 1,000 · 3 failed · 8.1 photos/s · 1 min 12 s left"."""
        if self.stage:
            return f"{self.stage}…"
        total = "" if self.total is None else f" of {self.total:,}"
        parts = [f"{self.done:,}{total}"]
        if self.failed:
            parts.append(f"{self.failed:,} failed")
        if self.per_second:
            parts.append(f"{self.per_second:.3g} photos/s")
        if self.remaining_s is not None:
            parts.append(f"{duration(self.remaining_s)} left")
        return " · ".join(parts)
