"""How long the window's event loop was away: people wait that long for a click."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer


class Heart(QObject):
    """Beats every few milliseconds while events are handled, and keeps the gaps between beats.

    ``work`` is how much of each gap this thread worked itself: the rest it waited for others, among
    them other programs on the same processors.

    Args:
        late: Told of each gap above ``limit_s`` and of the work in it, in seconds, once it is over.
        limit_s: From which on a gap is told.
    """

    BEAT_MS = 5

    def __init__(
        self, late: Callable[[float, float], None] = lambda *_: None, limit_s: float = 1
    ) -> None:
        super().__init__()
        self.gaps: list[float] = []
        self.work: list[float] = []
        self._late, self._limit_s = late, limit_s
        self._last, self._worked = time.monotonic(), time.thread_time()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)

    def start(self) -> None:
        self._last, self._worked = time.monotonic(), time.thread_time()
        self._timer.start(self.BEAT_MS)

    def stop(self) -> None:
        self._timer.stop()

    def _beat(self) -> None:
        now, worked = time.monotonic(), time.thread_time()
        gap, self._last = now - self._last, now
        self.gaps.append(gap)
        self.work.append(worked - self._worked)
        self._worked = worked
        if gap > self._limit_s:
            self._late(gap, self.work[-1])

    def forget(self) -> None:
        """Begins anew with what it keeps."""
        self.gaps.clear()
        self.work.clear()

    def words(self) -> str:
        """Median, 99th percentile and worst of the gaps, and the most work in one, in ms."""
        gaps, work = 1000 * np.array(self.gaps or [0.0]), 1000 * max(self.work, default=0.0)
        middle, late = np.percentile(gaps, (50, 99))
        return f"p50 {middle:.0f}, p99 {late:.0f}, worst {gaps.max():.0f}, own work {work:.0f} ms"
