"""How long work says how far it is, and learns that nobody wants it any more."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Called with a stage ("block 3 of 12") and the fraction done, 0..1.

Called before every block and every row block, so that it may raise ``vitviz.errors.Cancelled``
to end the work there.
"""


def silent(stage: str, fraction: float) -> None:
    """Nobody listens and nobody cancels."""


def part(progress: Progress, first: float, last: float) -> Progress:
    """What a part of the work tells: from ``first`` to ``last`` of the whole, 0..1."""

    def tell(stage: str, fraction: float) -> None:
        progress(stage, first + (last - first) * fraction)

    return tell
