"""Where a batch is."""

from __future__ import annotations

from dataclasses import dataclass

from vitviz.progress import Stage
from vitviz.wording.numbers import duration
from vitviz.wording.stages import stage_words


@dataclass(frozen=True)
class BatchProgress:
    """Where a batch is.

    Args:
        stage: What is got ready; None while photos are worked on.
        done: Photos that are done, earlier runs and failures included.
        total: Photos in all; None while they are still being counted.
        failed: Of those done.
        per_second: Photos a second, smoothed; 0 before the first.
        remaining_s: Until the end, in seconds; None where that cannot be said yet.
    """

    stage: Stage | None = None
    done: int = 0
    total: int | None = None
    failed: int = 0
    per_second: float = 0.0
    remaining_s: float | None = None

    @property
    def words(self) -> str:
        """ "412 of 1,000 · 3 failed · 8.1 photos/s · 1 min 12 s left"."""
        if self.stage is not None:
            return f"{stage_words(self.stage)}…"
        total = "" if self.total is None else f" of {self.total:,}"
        parts = [f"{self.done:,}{total}"]
        if self.failed:
            parts.append(f"{self.failed:,} failed")
        if self.per_second:
            parts.append(f"{self.per_second:.3g} photos/s")
        if self.remaining_s is not None:
            parts.append(f"{duration(self.remaining_s)} left")
        return " · ".join(parts)
