"""Outlier patches under a map: what they hold of it, and whether they are left out of it.

A patch is an outlier where the norm of its state lies more than 6 median absolute deviations above
the median of its layer (``methods.outliers``, with the source): large networks keep there what is
not about these patches, and maps of attention show them instead of the photo.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from vitviz.imaging.geometry import Box, Geometry
from vitviz.maps.mass import lines_around
from vitviz.shapes import Bool, Float32

OutlierChoice = Literal["show", "highlight", "exclude"]
"""Outlier patches are shown like all others; framed; or left out of the map and of its range."""

BOUND = 6.0
"""Above so many MADs a patch is an outlier."""

NOTABLE = 0.1
"""Part of a map from which outliers may dominate it."""

OVER = 4.0
"""They do where they hold so many times as much as as many patches would if all held the same.
Both are ours: a few patches in hundreds that hold a tenth of a map are seen before all else."""

STRIPES = (0.5, 1.0, 1.5)
"""Where the falling lines lie that hatch a patch: how far below its top right corner, going left
and down, in sides of it."""


def excess(norms: Float32[np.ndarray, " tokens"], prefix: int) -> Float32[np.ndarray, " tokens"]:
    """MADs above the median of the patches' norms, of every token.

    Args:
        norms: Of every token, prefix first.
        prefix: How many tokens are no patches: median and MAD are of patches alone.
    """
    patches = norms[prefix:]
    middle = np.median(patches)
    spread = np.median(np.abs(patches - middle))
    found: Float32[np.ndarray, " tokens"] = np.zeros_like(norms)
    if spread > 0:
        found = ((norms - middle) / spread).astype(np.float32)
    return found


def outlying(
    norms: Float32[np.ndarray, " tokens"], prefix: int, bound: float = BOUND
) -> Bool[np.ndarray, " patches"]:
    """Which patches are outliers; see ``excess``."""
    return excess(norms, prefix)[prefix:] > bound


@dataclass(frozen=True, eq=False)
class OnOutliers:
    """The outlier patches of a map, of which there is at least one.

    Args:
        patches: Which they are.
        share: What they hold of the map's positive sum, 0..1, whether they are shown or not.
        signed: The map has negative values too, which have no part in that.
        choice: What is done with them.
    """

    patches: Bool[np.ndarray, "rows cols"]
    share: float
    signed: bool
    choice: OutlierChoice

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self.patches.sum())

    @property
    def dominate(self) -> bool:
        """They hold so much of the map that it has to be said."""
        return self.share >= max(NOTABLE, OVER * self.count / self.patches.size)


def on_outliers(
    values: Float32[np.ndarray, "rows cols"],
    patches: Bool[np.ndarray, " patches"],
    choice: OutlierChoice,
) -> OnOutliers | None:
    """What outlier patches hold of a map; None where no patch is one.

    Args:
        values: Of all patches.
        patches: Which of them are outliers, row by row.
        choice: What is done with them.
    """
    if not patches.any():
        return None
    where = patches.reshape(values.shape)
    positive = values.clip(min=0).astype(np.float64)
    total = float(positive.sum())
    share = float(positive[where].sum()) / total if total > 0 else 0.0
    return OnOutliers(where, share, bool((values < 0).any()), choice)


def strokes(on: OnOutliers | None, geometry: Geometry) -> tuple[Box, ...]:
    """The lines that mark outlier patches on the photo: a frame where they are highlighted, which
    is hatched where they are left out.

    Args:
        on: What is known of them; None: nothing.
        geometry: Where the patches lie on the photo.

    Returns:
        Of each line its two ends in photo pixels: left and top, right and bottom.
    """
    if on is None or on.choice == "show":
        return ()
    frame = lines_around(on.patches, geometry)
    if on.choice == "highlight":
        return frame
    height, width = geometry.photo_size
    hatched = []
    for row, col in np.argwhere(on.patches).tolist():
        left, top, right, bottom = geometry.patch_box(row, col)
        left, right = max(left, 0.0), min(right, float(width))
        top, bottom = max(top, 0.0), min(bottom, float(height))
        if left < right and top < bottom:
            hatched += [_stripe(Box(left, top, right, bottom), at) for at in STRIPES]
    return (*frame, *hatched)


def _stripe(box: Box, at: float) -> Box:
    """A falling line through a box."""
    return Box(
        box.right - min(at, 1.0) * box.width, box.top + max(at - 1.0, 0.0) * box.height,
        box.right - max(at - 1.0, 0.0) * box.width, box.top + min(at, 1.0) * box.height,
    )  # fmt: skip
