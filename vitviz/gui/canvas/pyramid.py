"""A photo in halvings of its size, so that a small picture of a large photo is cheap to draw."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from vitviz.shapes import UInt8

LEAST_SIDE = 256
"""Halving ends when the longer side is not above this many pixels."""


@dataclass(frozen=True, eq=False)
class Pyramid:
    """Ever smaller versions of a photo; holds a third more than the photo itself.

    Args:
        levels: The photo, then each level half as wide and half as high as the one before
            (rounded up), every pixel the mean of up to four.
    """

    levels: tuple[UInt8[np.ndarray, "height width 3"], ...]

    def level(self, scale: float) -> int:
        """The smallest level that still has a pixel for every pixel drawn.

        Args:
            scale: Drawn pixels per photo pixel.
        """
        halvings = math.floor(math.log2(1 / scale) + 1e-9) if scale < 1 else 0
        return min(halvings, len(self.levels) - 1)


def pyramid(pixels: UInt8[np.ndarray, "height width 3"]) -> Pyramid:
    """The pyramid of a photo; about 0.2 s for 24 megapixels, so call it on a worker.

    Args:
        pixels: sRGB. Kept as the first level, not copied.
    """
    levels = [pixels]
    image = Image.fromarray(pixels)
    while max(image.size) > LEAST_SIDE:
        image = image.reduce(2)
        levels.append(np.asarray(image))
    return Pyramid(tuple(levels))
