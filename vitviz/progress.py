"""Long work: how far it is and at what pace, how it is held, and how it is ended."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from vitviz.errors import Cancelled

MEMORY_S = 30.0
"""What was done this many seconds ago counts 1/e of what is done now."""

TOLD_EVERY_S = 0.1
"""Some work goes over thousands of photos a second; nobody reads so fast."""

Kind = Literal[
    "starting",
    "waiting",
    "opening_photo",
    "preparing_photo",
    "opening_photos",
    "counting_photos",
    "files",
    "loading_torch",
    "loading_model",
    "reading_weights",
    "checking_weights",
    "building_network",
    "model_ready",
    "block",
    "gradient_block",
    "method",
    "method_layer",
    "removing",
    "looking_up",
    "computing_heads",
    "arranging_figure",
    "drawing_figure",
    "embedding_fonts",
    "writing_figure",
    "drawing_frames",
    "writing_frames",
    "writing_file",
    "step",
    "asking_hub",
    "downloading",
    "checking_download",
    "looking_for_models",
    "reading_texts",
    "opening_table",
    "arranging_table",
    "writing_spec",
]
"""What can be done for a user that takes a while; ``wording.stages`` has the words."""


@dataclass(frozen=True)
class Stage:
    """What is being done.

    Args:
        kind: What.
        number: Which of several, from 0: the block, the photo, the step.
        of: How many there are; 0 where it is not one of several.
        name: Of the method that does it; "" where it is not a method.
    """

    kind: Kind
    number: int = 0
    of: int = 0
    name: str = ""


Progress = Callable[[Stage, float], None]
"""Called with what is being done and the fraction done, 0..1.

Called before every block and every row block, so that it may raise ``vitviz.errors.Cancelled``
to end the work there.
"""

Message = TypeVar("Message")


def silent(stage: Stage, fraction: float) -> None:
    """Nobody listens and nobody cancels."""


def part(progress: Progress, first: float, last: float) -> Progress:
    """What a part of the work tells: from ``first`` to ``last`` of the whole, 0..1."""

    def tell(stage: Stage, fraction: float) -> None:
        progress(stage, first + (last - first) * fraction)

    return tell


class Throttle(Generic[Message]):
    """Tells the newest of many messages now and then: the first at once, the last by ``flush``.

    Args:
        tell: Told them.
        every_s: Not more often than this.
        clock: In seconds.
    """

    def __init__(
        self,
        tell: Callable[[Message], None],
        every_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tell, self._every_s, self._clock = tell, every_s, clock
        self._next = -math.inf
        self._untold: list[Message] = []

    def __call__(self, message: Message) -> None:
        """Tells it, or keeps it until there is a newer one or it is time."""
        now = self._clock()
        self._untold[:] = [message]
        if now >= self._next:
            self._next = now + self._every_s
            self.flush()

    def flush(self) -> None:
        """Tells what was not told yet."""
        if self._untold:
            self._tell(self._untold.pop())


@contextmanager
def throttled(tell: Callable[[Message], None]) -> Iterator[Throttle[Message]]:
    """A ``Throttle`` for people who watch, flushed at the end however the work inside ended."""
    throttle = Throttle(tell, TOLD_EVERY_S)
    try:
        yield throttle
    finally:
        throttle.flush()


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

    def resume(self) -> None:
        """The work goes on."""
        self._going.set()

    def check(self) -> None:
        """Waits while paused.

        Raises:
            Cancelled: The work was cancelled.
        """
        self._going.wait()
        if self.is_cancelled:
            raise Cancelled

    def progress(self, stage: Stage, fraction: float) -> None:  # noqa: ARG002
        """``check`` as a ``Progress``: for work whose stages nobody is told of."""
        self.check()


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
