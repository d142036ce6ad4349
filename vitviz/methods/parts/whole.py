"""Maps of the whole network: on which patches they are shown, and numbers brought onto patches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vitviz.models.outline import Outline
from vitviz.shapes import Float32

if TYPE_CHECKING:
    from vitviz.imaging.geometry import Geometry

FEWEST_PATCHES = 49
"""Of a layer on whose patches the whole network is shown: coarser ones say too little."""


def layer_of_patches(outline: Outline) -> int:
    """The layer on whose patches a map of the whole network is shown: the last one that has enough
    of them; where none has, the last one of those that have most.
    """
    counts = [grid[0] * grid[1] for grid in (layer.grid for layer in outline.layers)]
    least = min(FEWEST_PATCHES, max(counts))
    return max(layer for layer, count in enumerate(counts) if count >= least)


def sums_of_patches(
    pixels: Float32[np.ndarray, "height width"], geometry: Geometry
) -> Float32[np.ndarray, "rows cols"]:
    """What each patch's pixels add up to; those of patches cut off at the edge are fewer, and those
    that no patch reaches are in none.
    """
    (rows, cols), patch = geometry.grid, geometry.patch
    height, width = min(pixels.shape[0], rows * patch), min(pixels.shape[1], cols * patch)
    whole = np.zeros((rows * patch, cols * patch), np.float64)
    whole[:height, :width] = pixels[:height, :width]
    sums: Float32[np.ndarray, "rows cols"]
    sums = whole.reshape(rows, patch, cols, patch).sum((1, 3)).astype(np.float32)
    return sums
