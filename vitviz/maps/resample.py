"""A map of one grid on another, through the photo that both lie on.

Everything is done in fractions of the photo, 0..1 from its left and top edge. On one photo that
is the same as its pixels. On two photos, which share no pixels, it sets relative places beside
each other: the middle of one against the middle of the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vitviz.imaging.geometry import Geometry
from vitviz.shapes import Float32, Float64

TOUCHING = 1e-9
"""Overlaps below this share of a patch's side are rounding, not overlap."""


def edges(
    geometry: Geometry,
) -> tuple[Float64[np.ndarray, " row_edges"], Float64[np.ndarray, " col_edges"]]:
    """Where the rows and the columns of patches begin, and the last ones end.

    Returns:
        Of the rows and of the columns, in fractions of the photo's height and width; below 0 or
        above 1 where the input is padded.
    """
    (top, left), (height, width) = geometry.window_origin, geometry.resized_size
    rows, cols = geometry.edges
    return (top + np.array(rows)) / height, (left + np.array(cols)) / width


def overlaps(
    onto: Float64[np.ndarray, " edges"], edges_of: Float64[np.ndarray, " other_edges"]
) -> Float64[np.ndarray, "some others"]:
    """Length that each of some intervals has in common with each of others, along one axis.

    Args:
        onto: Ascending edges of neighbouring intervals.
        edges_of: The same of the others.
    """
    low = np.maximum(onto[:-1, None], edges_of[None, :-1])
    high = np.minimum(onto[1:, None], edges_of[None, 1:])
    length: Float64[np.ndarray, "some others"] = np.maximum(high - low, 0.0)
    length[length < TOUCHING * np.diff(onto)[:, None]] = 0.0
    return length


def resampled(
    values: Float32[np.ndarray, "rows cols"], geometry: Geometry, onto: Geometry
) -> Float32[np.ndarray, "..."]:
    """A map on another grid: for each of its patches the mean of the patches under it, by area.

    Where only a part of a patch was seen, the mean is of that part.

    Args:
        values: In natural units; patches that are not finite count as not seen.
        geometry: Of the map.
        onto: Where it is wanted; of the same photo, or of another (see above).

    Returns:
        One number for each patch of ``onto``; NaN where the map has nothing.
    """
    down, across = (
        overlaps(wanted, have) for wanted, have in zip(edges(onto), edges(geometry), strict=True)
    )
    known = np.isfinite(values)
    total = down @ np.where(known, values, 0.0).astype(np.float64) @ across.T
    area = down @ known.astype(np.float64) @ across.T
    result = np.full(area.shape, np.nan)
    np.divide(total, area, out=result, where=area > 0)
    return result.astype(np.float32)


def patch_area(geometry: Geometry) -> float:
    """Area of a patch as a share of the photo's."""
    height, width = geometry.resized_size
    return geometry.patch**2 / (height * width)


def carried(
    point: tuple[float, float], photo_size: tuple[int, int], to_size: tuple[int, int]
) -> tuple[float, float]:
    """The same relative place (x, y) on a photo of another size.

    Args:
        point: In photo pixels.
        photo_size: Height and width of its photo.
        to_size: Of the other.
    """
    if photo_size == to_size:
        return point
    return point[0] * to_size[1] / photo_size[1], point[1] * to_size[0] / photo_size[0]


@dataclass(frozen=True, eq=False)
class OnOneGrid:
    """Two maps patch by patch.

    Args:
        first: NaN where that model saw nothing.
        second: NaN where that model saw nothing.
        geometry: Of both: that of the map with more patches.
        of_second: That was the second; else the first, also where both have as many.
    """

    first: Float32[np.ndarray, "rows cols"]
    second: Float32[np.ndarray, "rows cols"]
    geometry: Geometry
    of_second: bool


def on_one_grid(
    first: Float32[np.ndarray, "rows cols"],
    first_geometry: Geometry,
    second: Float32[np.ndarray, "rows2 cols2"],
    second_geometry: Geometry,
) -> OnOneGrid:
    """Both maps on the finer of their grids, so that nothing either of them says is lost."""
    of_second = second.size > first.size
    onto = second_geometry if of_second else first_geometry
    return OnOneGrid(
        resampled(first, first_geometry, onto), resampled(second, second_geometry, onto),
        onto, of_second,
    )  # fmt: skip
