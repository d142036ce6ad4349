"""How far two maps say the same, whatever their units and grids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vitviz.imaging.geometry import Geometry
from vitviz.maps.resample import on_one_grid
from vitviz.shapes import Bool, Float, Float32, Float64

TOP_SHARE = 0.1
"""The patches that count as a map's top: a tenth of them."""


@dataclass(frozen=True)
class Agreement:
    """Two maps beside each other.

    Args:
        rho: Spearman's rank correlation, -1..1; None where a map says the same everywhere.
        top: Intersection over union of their top patches, 0..1; None where a map says the same
            everywhere.
        patches: How many patches both saw; the numbers are of these.
        share: Which share of them counts as top.
    """

    rho: float | None
    top: float | None
    patches: int
    share: float = TOP_SHARE


def ranks(values: Float[np.ndarray, " count"]) -> Float64[np.ndarray, " count"]:
    """Ranks from 1 for the least value; equal values share the mean of their ranks."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    mean: Float64[np.ndarray, " count"] = (last - (count - 1) / 2)[place]
    return mean


def spearman(
    first: Float[np.ndarray, " count"], second: Float[np.ndarray, " count"]
) -> float | None:
    """The correlation of the ranks of two rows of finite numbers, -1..1.

    None where either row is constant, which leaves it undefined.

    Source: Spearman, "The proof and measurement of association between two things" (1904); ties
    by mean ranks: Kendall, "The treatment of ties in ranking problems" (1945).
    """
    one, other = (ranks(row) - (len(row) + 1) / 2 for row in (first, second))
    size = float(np.sqrt((one @ one) * (other @ other)))
    return min(max(float(one @ other) / size, -1.0), 1.0) if size > 0 else None


def top(values: Float[np.ndarray, " count"], share: float) -> Bool[np.ndarray, " count"]:
    """The greatest values: ``share`` of them rounded to a whole number, at least one.

    Of equal values the earlier ones are taken, so that the same map always gives the same patches.
    """
    wanted = max(round(share * len(values)), 1)
    chosen = np.zeros(len(values), bool)
    chosen[np.argsort(-values, kind="stable")[:wanted]] = True
    return chosen


def top_overlap(
    first: Float[np.ndarray, " count"], second: Float[np.ndarray, " count"], share: float
) -> float | None:
    """Intersection over union of the top patches of two rows of finite numbers, 0..1.

    None where either row is constant: its top would be the first patches in reading order.

    Source: Jaccard, "Étude comparative de la distribution florale" (1901).
    """
    if not len(first) or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    one, other = top(first, share), top(second, share)
    return float((one & other).sum() / (one | other).sum())


def agreement(
    first: Float32[np.ndarray, "rows cols"],
    first_geometry: Geometry,
    second: Float32[np.ndarray, "rows2 cols2"],
    second_geometry: Geometry,
    share: float = TOP_SHARE,
) -> Agreement:
    """How far two maps agree on the patches that both models saw.

    Maps of different grids are compared on the finer one. Order does not matter to the result,
    and neither does any change of a map that keeps the order of its values.

    Args:
        first: In any unit.
        first_geometry: Of the first.
        second: In any unit.
        second_geometry: Of the second; of another photo, relative places are compared.
        share: Of the patches that count as top.
    """
    both = on_one_grid(first, first_geometry, second, second_geometry)
    known = np.isfinite(both.first) & np.isfinite(both.second)
    one, other = both.first[known], both.second[known]
    if not len(one):
        return Agreement(None, None, 0, share)
    return Agreement(spearman(one, other), top_overlap(one, other, share), len(one), share)
