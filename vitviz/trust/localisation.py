"""Where a map lies beside a mask of the thing that was asked about.

That is plausibility, not faithfulness: a network may look beside the thing and be right about it.
All numbers are over the pixels of the photo that the model saw, each having the value of its patch.

    pointing   1 where the centre of the patch with the greatest value lies inside, else 0
    energy     the part of the map's positive sum that lies inside
    overlap    intersection over union of the mask and of what lies above the map's mean
    precision  average precision of the map as a classifier of the mask's pixels

Sources: pointing: Zhang et al., "Top-down Neural Attention by Excitation Backprop", 2016, arXiv
1608.00507 (there a hit may be 15 pixels off); energy: Wang et al., "Score-CAM", 2020, arXiv
1910.01279; overlap, with the mean as its threshold, and precision: Chefer, Gur and Wolf 2021, arXiv
2012.09838, section 4 (there over a whole data set).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vitviz.errors import VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.maps.resample import edges, overlaps
from vitviz.shapes import Bool, Float, Float64


@dataclass(frozen=True)
class Localisation:
    """A map beside a mask.

    Args:
        pointing: Whether the greatest value lies inside.
        energy: 0..1; None where the map has no positive value.
        overlap: 0..1.
        precision: 0..1.
        share: The mask's part of what the model saw: ``energy`` and ``precision`` of a map that is
            the same everywhere.
    """

    pointing: bool
    energy: float | None
    overlap: float
    precision: float
    share: float


def localisation(
    values: Float[np.ndarray, "rows cols"],
    geometry: Geometry,
    mask: Bool[np.ndarray, "height width"],
) -> Localisation:
    """How a map lies to a mask.

    Args:
        values: The map, greater where it marks more.
        geometry: Of its patches.
        mask: Inside is true; in photo pixels.

    Raises:
        VitvizError: The model saw nothing of what is inside, or nothing else.
    """
    if mask.shape != geometry.photo_size:
        raise ValueError(f"a mask of {mask.shape} on a photo of {geometry.photo_size}")
    inside, area = covered(geometry, mask)
    share = float(inside.sum() / area.sum())
    if not 0 < share < 1:
        raise VitvizError(
            "The model saw nothing of what is inside this mask." if share == 0
            else "All that the model saw is inside this mask.",
            "Choose another mask, or the whole photo as the input.",
        )  # fmt: skip
    exact = values.astype(np.float64)
    positive = exact.clip(min=0)
    total = float((positive * area).sum())
    marked = exact > (exact * area).sum() / area.sum()
    union = area[marked].sum() + inside[~marked].sum()
    row, col = divmod(int(exact.argmax()), values.shape[1])
    x, y = geometry.patch_box(row, col).centre
    return Localisation(
        _is_inside(mask, x, y), float((positive * inside).sum()) / total if total > 0 else None,
        float(inside[marked].sum() / union), _average_precision(exact, inside, area), share,
    )  # fmt: skip


def covered(
    geometry: Geometry, mask: Bool[np.ndarray, "height width"]
) -> tuple[Float64[np.ndarray, "rows cols"], Float64[np.ndarray, "rows cols"]]:
    """Of each patch, the area inside the mask and the area on the photo, in photo pixels."""
    down, across = (
        overlaps(of_patches, np.arange(size + 1) / size) * size
        for of_patches, size in zip(edges(geometry), mask.shape, strict=True)
    )
    return down @ mask.astype(np.float64) @ across.T, np.outer(down.sum(1), across.sum(1))


def _is_inside(mask: Bool[np.ndarray, "height width"], x: float, y: float) -> bool:
    height, width = mask.shape
    row, col = int(np.floor(y)), int(np.floor(x))
    return 0 <= row < height and 0 <= col < width and bool(mask[row, col])


def _average_precision(
    values: Float64[np.ndarray, "rows cols"],
    inside: Float64[np.ndarray, "rows cols"],
    area: Float64[np.ndarray, "rows cols"],
) -> float:
    """``sum_n (R_n - R_{n-1}) P_n`` over the thresholds n, equal values being one threshold."""
    _, place = np.unique(-values, return_inverse=True)
    hits = np.cumsum(np.bincount(place.ravel(), inside.ravel()))
    marked = np.cumsum(np.bincount(place.ravel(), area.ravel()))
    precision = np.divide(hits, marked, out=np.zeros_like(hits), where=marked > 0)
    return float((np.diff(hits, prepend=0.0) * precision).sum() / hits[-1])
