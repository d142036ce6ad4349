"""Removal curves: the answer as patches go, those that a map marks first, or last.

With f the probability of one class, k_1 < ... < k_S how many patches are gone at each step, and an
order of the patches:

    a_s = f(all but the first k_s)     most first: falls fast where the map marks what matters
    b_s = f(all but the last k_s)      least first: falls slowly there
    gain = mean_s b_s - mean_s a_s     the area between both, -1..1

Removing the last patches keeps the first: read from its other end, the curve b is the insertion
curve, f of the first N - k patches alone. So both cost 2 S forwards together.

The gain of an order and of its reverse are opposite numbers. So orders drawn at random have a mean
gain of zero, exactly, and ``gain / gain of leave-one-out`` is 0 for chance and 1 for what
leave-one-out reaches, without an estimate of chance in it.

Sources: Samek et al., "Evaluating the Visualization of What a Deep Neural Network Has Learned",
2017, arXiv 1509.06321 (both orders, and the area between them); Petsiuk et al., "RISE", BMVC 2018,
arXiv 1806.07421 (deletion and insertion, with the probability); Jain et al. 2022, arXiv 2204.08945
(tokens are dropped, not painted over).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vitviz.probing.leave_out import Ask
from vitviz.progress import Progress, silent
from vitviz.shapes import Float64, Int
from vitviz.trust.orders import removed_along


@dataclass(frozen=True, eq=False)
class Curve:
    """The answer along one order.

    Args:
        first: With the first patches gone, step by step.
        last: With the last patches gone.
    """

    first: Float64[np.ndarray, " steps"]
    last: Float64[np.ndarray, " steps"]

    @property
    def removal(self) -> float:
        """The area under the removal curve, most first, 0..1: small is good."""
        return float(self.first.mean())

    @property
    def insertion(self) -> float:
        """The area under the insertion curve, 0..1: great is good."""
        return float(self.last.mean())

    @property
    def gain(self) -> float:
        """The area between both, -1..1: 0 on average for orders drawn at random."""
        return self.insertion - self.removal

    @property
    def reversed(self) -> Curve:
        """Along the reverse of the order."""
        return Curve(self.last, self.first)


def curve(
    ask: Ask,
    order: Int[np.ndarray, " patches"],
    counts: Int[np.ndarray, " steps"],
    progress: Progress = silent,
) -> Curve:
    """The curve along one order.

    Args:
        ask: What f is.
        order: Every patch once.
        counts: How many patches are gone at each step.
        progress: Told before each forward; may raise ``Cancelled``.
    """
    sets = np.concatenate([removed_along(order, counts), removed_along(order[::-1], counts)])
    answers = ask(sets, progress)
    answers.flags.writeable = False
    return Curve(answers[: len(counts)], answers[len(counts) :])
