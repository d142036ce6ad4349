"""The photos that a run left out, as its folder tells."""

from __future__ import annotations

from pathlib import Path

REFUSED = "refused.txt"
"""In the folder of a run: the photos that were left out, a line each with the reason."""


def left_out(out: Path) -> int:
    """How many photos a run left out; ``REFUSED`` in its folder says which, and why."""
    try:
        with (out / REFUSED).open("rb") as file:
            return sum(1 for _ in file)
    except OSError:
        return 0
