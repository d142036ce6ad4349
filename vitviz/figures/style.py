"""How a map looks; nothing in here changes what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ColourMap = Literal["inferno", "magma", "viridis", "cividis", "plasma", "turbo", "grey"]
Range = Literal["each", "zero", "shared"] | tuple[float, float]
"""From the map's least to its greatest value; from zero to its greatest; shared by every layer and
head of the explanation; or fixed."""


@dataclass(frozen=True)
class Style:
    """How a map is drawn over the photo.

    Args:
        colour_map: Perceptually uniform and safe for the colour-blind unless "turbo".
        opacity: Of the map, 0 (photo only) to 1.
        fade: Low values are more transparent than high ones, so that the photo stays visible
            where the map says little.
        range: Which values the ends of the colour map stand for.
        smooth: Interpolate between patch centres instead of drawing flat patches.
        grid: Draw the patch grid.
    """

    colour_map: ColourMap = "inferno"
    opacity: float = 0.75
    fade: bool = True
    range: Range = "each"
    smooth: bool = True
    grid: bool = True
