"""What many photos say together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vitviz.shapes import Float64

RESAMPLES = 2000
"""Of the bootstrap; 95 % of them lie within the interval."""


@dataclass(frozen=True)
class Mean:
    """The mean of a number over photos.

    Args:
        value: The mean; not a number where there is no photo.
        low: Lower end of its 95 % interval.
        high: Upper end.
        photos: Of how many photos.
    """

    value: float
    low: float
    high: float
    photos: int


def mean_of(values: list[float], seed: int = 0) -> Mean:
    """The mean with its 95 % interval: the percentiles of means of photos drawn again.

    Args:
        values: One of each photo.
        seed: Of the drawing.

    Source: Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979 (percentile interval).
    """
    if not values:
        return Mean(np.nan, np.nan, np.nan, 0)
    found: Float64[np.ndarray, " photos"] = np.array(values, np.float64)
    drawn = np.random.default_rng(seed).integers(0, len(found), (RESAMPLES, len(found)))
    low, high = np.quantile(found[drawn].mean(1), [0.025, 0.975])
    return Mean(float(found.mean()), float(low), float(high), len(found))


def ratio_of(above: list[float], below: list[float], seed: int = 0) -> Mean:
    """The ratio of two means over the same photos, with its 95 % interval.

    A ratio of means, not a mean of ratios: those of photos whose lower number is almost zero would
    drown all others.

    Args:
        above: One of each photo.
        below: One of each photo.
        seed: Of the drawing.
    """
    if not above:
        return Mean(np.nan, np.nan, np.nan, 0)
    over, under = np.array(above, np.float64), np.array(below, np.float64)
    drawn = np.random.default_rng(seed).integers(0, len(over), (RESAMPLES, len(over)))
    means = under[drawn].mean(1)
    ratios = np.divide(over[drawn].mean(1), means, out=np.full(RESAMPLES, np.nan), where=means > 0)
    if under.mean() <= 0 or np.isnan(ratios).any():
        return Mean(np.nan, np.nan, np.nan, len(over))
    low, high = np.quantile(ratios, [0.025, 0.975])
    return Mean(float(over.mean() / under.mean()), float(low), float(high), len(over))
