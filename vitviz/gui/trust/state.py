"""What is known of the trust in one pane's map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vitviz.engine.answers import Trust
from vitviz.engine.requests import TrustRequest

Phase = Literal["off", "waiting", "working", "offered", "done", "none"]
"""off: nobody wants it; waiting: for the map to stand still; working; offered: it would take long
and begins when it is asked for; done; none: there is none, and why is said."""


@dataclass(frozen=True, eq=False)
class TrustState:
    """The trust in one map, as far as it has got.

    Args:
        phase: How far.
        request: What is, or would be asked; None where nothing can be.
        trust: The answer.
        problem: Why there is none.
        fraction: How much is done, 0..1.
        expected_s: What it would take, in seconds.
    """

    phase: Phase = "off"
    request: TrustRequest | None = None
    trust: Trust | None = None
    problem: BaseException | None = None
    fraction: float = 0.0
    expected_s: float = 0.0
