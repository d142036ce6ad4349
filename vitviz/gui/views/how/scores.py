"""What is said of a few classes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vitviz.engine.answers import top_indices
from vitviz.gui.views.how.pieces.scores import Score
from vitviz.gui.views.how.subject import Subject
from vitviz.shapes import Float32
from vitviz.wording.numbers import score

Shares = Float32[np.ndarray, " classes"]


def best_scores(subject: Subject, count: int) -> tuple[Score, ...]:
    """The most probable classes as the window's last answer has them."""
    shares = subject.cell.probabilities
    if shares is None:
        return ()
    return scores_of(subject, tuple(top_indices(subject.cell, count)), shares, None)


def scores_of(
    subject: Subject, classes: tuple[int, ...], shares: Shares, before: Shares | None
) -> tuple[Score, ...]:
    """Some classes.

    Args:
        subject: Whose names they have.
        classes: Their indices.
        shares: Of all classes.
        before: The same without an intervention; None where there is none.
    """
    cell = subject.cell
    lengths = _lengths(shares, shares if before is None else before)
    return tuple(
        Score(
            index, cell.class_name(index), lengths(shares, index),
            score(float(shares[index]), cell.outputs),
            None if before is None else lengths(before, index),
        )
        for index in classes
        if index < len(shares)
    )  # fmt: skip


def _lengths(*of: Shares) -> Callable[[Shares, int], float]:
    """How long bars are: shares as they are, values by the greatest."""
    most = max(float(np.abs(shares).max()) for shares in of)
    by = 1.0 if most <= 1 else most

    def length(shares: Shares, index: int) -> float:
        return max(float(shares[index]), 0.0) / by

    return length
