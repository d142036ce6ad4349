"""A map in a few numbers.

With v the values of the n patches, and w = v / sum(v) their shares:

    entropy           -sum_i w_i ln w_i / ln n     0: all on one patch, 1: the same everywhere
    centre of mass    sum_i w_i c_i                c_i: the centre of patch i in photo pixels
    top tenth         the sum of the ceil(n / 10) greatest w_i

Shares mean something only where no value is negative, all are finite and their sum is positive;
elsewhere these three are not numbers (NaN). Least, greatest and mean are of the finite values.
Where the input is padded, the patches beside the photo count like all others.

Source: the entropy is Shannon's, divided by its greatest value (Pielou's evenness, 1966).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from vitviz.imaging.geometry import Geometry
from vitviz.shapes import Float32, Float64

TOP_SHARE = 10
"""The top tenth is one patch of this many, rounded up."""


@dataclass(frozen=True)
class MapStatistics:
    """The numbers about one map; NaN where one is not defined.

    Args:
        least: In natural units.
        greatest: In natural units.
        mean: In natural units.
        entropy: 0..1.
        greatest_at: Centre of the patch with the greatest value (the first of equal ones, row by
            row), (x, y) in photo pixels.
        centre: Of mass, (x, y) in photo pixels.
        top_tenth: Share of the tenth of the patches with the greatest values, 0..1.
    """

    least: float
    greatest: float
    mean: float
    entropy: float
    greatest_at: tuple[float, float]
    centre: tuple[float, float]
    top_tenth: float


def map_statistics(values: Float32[np.ndarray, "rows cols"], geometry: Geometry) -> MapStatistics:
    """The statistics of a map.

    Args:
        values: In natural units; its shape is the geometry's grid.
        geometry: Where the patches lie on the photo.
    """
    exact = values.astype(np.float64)
    finite = exact[np.isfinite(exact)]
    if not finite.size:
        nowhere = math.nan, math.nan
        return MapStatistics(*(math.nan,) * 4, nowhere, nowhere, math.nan)
    row, col = divmod(int(np.where(np.isfinite(exact), exact, -np.inf).argmax()), values.shape[1])
    weights = shares(exact)
    return MapStatistics(
        float(finite.min()), float(finite.max()), float(finite.mean()), entropy(weights),
        geometry.patch_box(row, col).centre, centre_of_mass(weights, geometry), top_tenth(weights),
    )  # fmt: skip


def shares(values: Float64[np.ndarray, "rows cols"]) -> Float64[np.ndarray, "rows cols"]:
    """The values divided by their sum; NaN everywhere where that means nothing."""
    total = values.sum()
    if not (np.isfinite(values).all() and values.min() >= 0 and 0 < total < np.inf):
        return np.full_like(values, np.nan)
    result: Float64[np.ndarray, "rows cols"] = values / total
    return result


def entropy(weights: Float64[np.ndarray, "rows cols"]) -> float:
    """Of shares, as a share of the greatest possible one; NaN for a single patch."""
    if weights.size < 2 or np.isnan(weights).any():
        return math.nan
    positive = weights[weights > 0]
    # Rounding can leave a uniform map a little above 1, and one patch a little below 0.
    return min(max(float(-(positive * np.log(positive)).sum() / math.log(weights.size)), 0.0), 1.0)


def centre_of_mass(
    weights: Float64[np.ndarray, "rows cols"], geometry: Geometry
) -> tuple[float, float]:
    """Of shares, (x, y) in photo pixels."""
    rows, cols = weights.shape
    row, col = (
        float((weights.sum(axis) * (np.arange(count) + 0.5)).sum())
        for axis, count in ((1, rows), (0, cols))
    )
    # Photo pixels are an affine function of patches, so the mean may be taken before.
    top, left = geometry.offset
    return geometry.to_photo(left + col * geometry.patch, top + row * geometry.patch)


def top_tenth(weights: Float64[np.ndarray, "rows cols"]) -> float:
    """What the tenth of the patches with the greatest shares has of the whole."""
    count = math.ceil(weights.size / TOP_SHARE)
    return float(np.sort(weights, axis=None)[-count:].sum())
