"""From a map's values to steps of the colour map, anywhere on it.

Positions on a map are in patches: 0.5 is the centre of the first patch, 1.5 that of the second.
Where a map reaches beyond its patches, the first and the last of them go on.
"""

from __future__ import annotations

import numpy as np

from vitviz.maps.scaling import Scaling, in_effect, scale_ends, scaled
from vitviz.shapes import Float, Float32, UInt8

REACH = 2
"""How many patches away a cubic interpolation still takes a value from."""

MULTIPLIED_AT_ONCE = 1 << 18
"""Multiplications that OpenBLAS does on the thread that asks. For more it wakes others, which wait
for their turn at full speed: the processor's time doubles, and nothing is won on products as thin
as these."""


def weights(
    positions: Float[np.ndarray, " places"], count: int
) -> Float32[np.ndarray, "places {count}"]:
    """How much of every patch along one axis there is at each position; rows sum to one.

    Cubic interpolation through the patches' centres, the first and the last patch repeated
    beyond the edges.

    Args:
        positions: In patches from the outer edge of the first.
        count: Number of patches along the axis.

    Source: Keys, "Cubic convolution interpolation for digital image processing" (1981), eq. 15
    (a = -1/2), which is the spline of Catmull and Rom (1974).
    """
    centred = positions.astype(np.float64) - 0.5
    first = np.floor(centred).astype(np.intp)
    t = centred - first
    by_neighbour = {
        -1: ((2 - t) * t - 1) * t / 2,
        0: ((3 * t - 5) * t * t + 2) / 2,
        1: ((4 - 3 * t) * t + 1) * t / 2,
        2: (t - 1) * t * t / 2,
    }
    matrix = np.zeros((len(positions), count))
    place = np.arange(len(positions))
    for offset, weight in by_neighbour.items():
        np.add.at(matrix, (place, np.clip(first + offset, 0, count - 1)), weight)
    return matrix.astype(np.float32)


def steps(
    values: Float32[np.ndarray, "rows cols"],
    lo: float,
    hi: float,
    row_positions: Float[np.ndarray, " height"],
    col_positions: Float[np.ndarray, " width"],
    smooth: bool,
    scaling: Scaling = "linear",
    at_once: int | None = None,
) -> UInt8[np.ndarray, "height width"]:
    """The steps of the colour map, 0..255, at the crossings of some rows and columns.

    What is interpolated is what the colours are proportional to: the values, or their roots or
    logarithms. Smooth maps are clipped to the map's own least and greatest value, which the cubic
    would otherwise leave between patches. Values beyond ``lo`` and ``hi`` take the colours of the
    ends; where both are equal, everything takes the lowest. Values that are not finite lend
    nothing to their neighbours (see ``_filled``) and are for ``missing`` to take away.

    Args:
        values: In natural units.
        lo: The value at step 0.
        hi: The value at step 255.
        row_positions: In patches from the top edge of the first.
        col_positions: In patches from the left edge of the first.
        smooth: Interpolate between the centres of patches.
        scaling: From values to places along the colours.
        at_once: Multiplications done in one product, ``MULTIPLIED_AT_ONCE`` for little processor
            time; None is all, for the least time on the clock.
    """
    place = _places(values, lo, hi, scaling)
    if not smooth:
        small = np.clip(place, 0, 255).astype(np.uint8)
        rows, cols = (
            np.clip(np.floor(positions).astype(np.intp), 0, count - 1)
            for positions, count in zip((row_positions, col_positions), values.shape, strict=True)
        )
        flat: UInt8[np.ndarray, "height width"] = small[:, cols][rows]
        return flat
    by_row = weights(row_positions, values.shape[0])
    by_col = weights(col_positions, values.shape[1])
    dense = _product(by_row @ place.astype(np.float32), by_col.T, at_once)
    low, high = (float(np.clip(end, 0, 255)) for end in (place.min(), place.max()))
    np.clip(dense, low, high, out=dense)
    interpolated: UInt8[np.ndarray, "height width"] = dense.astype(np.uint8)
    return interpolated


def _product(
    left: Float32[np.ndarray, "height cols"],
    right: Float32[np.ndarray, "cols width"],
    at_once: int | None,
) -> Float32[np.ndarray, "height width"]:
    """``left @ right``, some rows at a time."""
    if at_once is None:
        whole: Float32[np.ndarray, "height width"] = left @ right
        return whole
    height, width = len(left), right.shape[1]
    result = np.empty((height, width), np.float32)
    right = np.ascontiguousarray(
        right
    )  # thin products of a transposed view take five times as long
    some = max(1, at_once // max(right.size, 1))
    for top in range(0, height, some):
        np.matmul(left[top : top + some], right, out=result[top : top + some])
    return result


def _places(
    values: Float32[np.ndarray, "rows cols"], lo: float, hi: float, scaling: Scaling
) -> Float[np.ndarray, "rows cols"]:
    """Steps of the colour map, not rounded, plus a half: halves added before the interpolation
    (weights sum to one) round the result to the nearest.
    """
    at = _filled(values)
    if scaling != "linear":
        scaling, (lo, hi) = in_effect(hi, scaling), scale_ends(lo, hi, scaling)
        at, (lo, hi) = scaled(at, lo, scaling), scaled(np.array([lo, hi]), lo, scaling).tolist()
    per_unit = 255 / (hi - lo) if hi > lo else 0.0
    places: Float[np.ndarray, "rows cols"] = np.clip((at - lo) * per_unit + 0.5, -4e4, 4e4)
    return places


def _filled(values: Float32[np.ndarray, "rows cols"]) -> Float[np.ndarray, "rows cols"]:
    """Where a value is not finite, the mean of the finite ones around it, for as many patches as
    the interpolation reaches; farther away, the least value.
    """
    at = values.astype(np.float64)
    gone = ~np.isfinite(at)
    if not gone.any():
        return at
    least = at[~gone].min() if not gone.all() else 0.0
    at[gone] = 0.0
    for _ in range(REACH):
        known = np.pad(~gone, 1).astype(np.float64)
        total, count = _around(np.pad(at, 1)), _around(known)
        new = gone & (count > 0)
        at[new] = total[new] / count[new]
        gone = gone & ~new
    at[gone] = least
    return at


def _around(padded: Float[np.ndarray, "..."]) -> Float[np.ndarray, "rows cols"]:
    """The sum of the eight neighbours of each place, and itself; the rim is left out."""
    height, width = padded.shape[0] - 2, padded.shape[1] - 2
    total: Float[np.ndarray, "rows cols"] = np.zeros((height, width))
    for down in range(3):
        for right in range(3):
            total += padded[down : down + height, right : right + width]
    return total


def missing(
    values: Float32[np.ndarray, "rows cols"],
    row_positions: Float[np.ndarray, " height"],
    col_positions: Float[np.ndarray, " width"],
) -> UInt8[np.ndarray, "height width"]:
    """1 on patches whose value is not finite, else 0; see ``steps`` for the positions."""
    gone = (~np.isfinite(values)).astype(np.float32)
    return steps(gone, 0.0, 255.0, row_positions, col_positions, smooth=False)
