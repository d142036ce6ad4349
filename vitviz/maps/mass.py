"""The fewest patches that together hold a part of a map, and the line around them.

Source: the authors' own figures of self-attention in Caron et al., "Emerging Properties in
Self-Supervised Vision Transformers" (DINO), ICCV 2021, arXiv 2104.14294, and their
``visualize_attention.py``: the least values are dropped as long as they hold no more than the rest,
40 %, of the sum, which leaves the smallest set that holds at least 60 %.

Differences from the source: it takes attention, which is never negative, of one head; here any map
has its set, and negative values are no part of it. The set is drawn as the line around it, along
the edges of patches, instead of as a mask.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vitviz.imaging.geometry import Box, Geometry
from vitviz.shapes import Bool, Float32

USUAL_SHARE = 0.6
"""The part that DINO's figures show."""

NEARLY = 1e-12
"""Part of the sum by which a set may miss its share: 6 of 10 equal patches hold 60 %, whatever
0.6 is in binary."""


@dataclass(frozen=True)
class Mass:
    """What a line around patches says of a map.

    Args:
        share: The part of the map's positive sum that was asked for.
        patches: How many hold it; 0 where nothing is above zero.
        signed: There are negative values too, which have no part in it.
        partial: Patches were left out of the map, and have no part in it either.
    """

    share: float
    patches: int
    signed: bool
    partial: bool = False


def mass_of(values: Float32[np.ndarray, "rows cols *channels"], share: float) -> Mass | None:
    """What the line says, to be put into words; None where there is to be none."""
    if values.ndim != 2 or share <= 0:
        return None
    chosen, partial = mass_mask(values, share), not np.isfinite(values).all()
    return Mass(share, int(chosen.sum()), bool((values < 0).any()), bool(partial))


def mass_mask(
    values: Float32[np.ndarray, "rows cols"], share: float
) -> Bool[np.ndarray, "rows cols"]:
    """The smallest set of patches that holds at least a part of the map's positive sum.

    Of patches with equal values those that come first, row by row, are taken.

    Args:
        values: One number a patch; what is negative, zero or not finite is never in the set.
        share: The part, above 0 to 1. 0 gives no patch.

    Returns:
        Which patches; none where nothing is above zero.
    """
    positive = np.where(np.isfinite(values), values, 0).clip(min=0).astype(np.float64).ravel()
    total = positive.sum()
    chosen = np.zeros(positive.shape, bool)
    if total > 0 and share > 0:
        order = np.argsort(-positive, kind="stable")
        held = np.cumsum(positive[order])
        count = int(np.searchsorted(held, (share - NEARLY) * total)) + 1
        chosen[order[:count]] = positive[order[:count]] > 0
    return chosen.reshape(values.shape)


def mass_lines(
    values: Float32[np.ndarray, "rows cols *channels"], geometry: Geometry, share: float
) -> tuple[Box, ...]:
    """The line around that set, in straight pieces along the edges of patches.

    Args:
        values: Of the map; three a patch, which are colours, have no line.
        geometry: Where the patches lie on the photo.
        share: As of ``mass_mask``.

    Returns:
        Of each piece its two ends, the left or upper one first, in photo pixels: boxes without
        width or without height. What would lie beside the photo is left out.
    """
    if values.ndim != 2 or share <= 0:
        return ()
    return lines_around(mass_mask(values, share), geometry)


def lines_around(mask: Bool[np.ndarray, "rows cols"], geometry: Geometry) -> tuple[Box, ...]:
    """The line around some patches; see ``mass_lines``."""
    framed = np.pad(mask, 1)
    rows, cols = geometry.edges
    (height, width), lines = geometry.photo_size, []
    for edge, begin, end in _runs(framed[1:, 1:-1] != framed[:-1, 1:-1]):
        (left, y), (right, _) = (geometry.to_photo(cols[at], rows[edge]) for at in (begin, end))
        if 0 <= y <= height and right > 0 and left < width:
            lines.append(Box(max(left, 0.0), y, min(right, float(width)), y))
    for edge, begin, end in _runs((framed[1:-1, 1:] != framed[1:-1, :-1]).T):
        (x, top), (_, bottom) = (geometry.to_photo(cols[edge], rows[at]) for at in (begin, end))
        if 0 <= x <= width and bottom > 0 and top < height:
            lines.append(Box(x, max(top, 0.0), x, min(bottom, float(height))))
    return tuple(lines)


def _runs(borders: Bool[np.ndarray, "edges places"]) -> list[tuple[int, int, int]]:
    """Each unbroken run along each edge: the edge, where it begins, and where it ends."""
    steps = np.diff(np.pad(borders, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    begins, ends = np.argwhere(steps == 1).tolist(), np.argwhere(steps == -1).tolist()
    return [(edge, begin, end) for (edge, begin), (_, end) in zip(begins, ends, strict=True)]
