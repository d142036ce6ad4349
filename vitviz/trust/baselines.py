"""Maps that know nothing of the network: what a map has to beat before it says anything."""

from __future__ import annotations

import numpy as np

from vitviz.imaging.geometry import Geometry
from vitviz.shapes import Float64, UInt8

SIGMA = 0.25
"""Standard deviation of the centred Gaussian, as a part of each side."""

LUMINANCE = (0.299, 0.587, 0.114)
"""Source: ITU-R BT.601."""


def centre(grid: tuple[int, int]) -> Float64[np.ndarray, "rows cols"]:
    """A Gaussian in the middle: photographers put things there."""
    rows, cols = (np.linspace(-0.5, 0.5, 2 * size + 1)[1::2] for size in grid)
    found: Float64[np.ndarray, "rows cols"]
    found = np.exp(-(rows[:, None] ** 2 + cols[None] ** 2) / (2 * SIGMA**2))
    return found


def edges(
    pixels: UInt8[np.ndarray, "height width 3"], geometry: Geometry
) -> Float64[np.ndarray, "rows cols"]:
    """How strong the edges of the photo are in each patch: the mean of Sobel's gradient.

    Args:
        pixels: What the model was given.
        geometry: Whose patches.

    Source: Sobel and Feldman 1968, as in Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS
    2018, arXiv 1810.03292, who compare maps with an edge detector.
    """
    grey = np.pad(pixels @ np.array(LUMINANCE), 1, "edge")
    smooth_down = grey[:-2] + 2 * grey[1:-1] + grey[2:]
    smooth_across = grey[:, :-2] + 2 * grey[:, 1:-1] + grey[:, 2:]
    across = smooth_down[:, 2:] - smooth_down[:, :-2]
    down = smooth_across[2:] - smooth_across[:-2]
    return patch_means(np.hypot(across, down), geometry)


def patch_means(
    pixels: Float64[np.ndarray, "height width"], geometry: Geometry
) -> Float64[np.ndarray, "rows cols"]:
    """The mean of each patch; patches that reach past the input's edge are cut off there."""
    starts = [np.arange(count) * geometry.patch for count in geometry.grid]
    sums = np.add.reduceat(np.add.reduceat(pixels, starts[0], axis=0), starts[1], axis=1)
    sizes = [np.diff([*at, end]) for at, end in zip(starts, pixels.shape, strict=True)]
    found: Float64[np.ndarray, "rows cols"] = sums / np.outer(*sizes)
    return found
