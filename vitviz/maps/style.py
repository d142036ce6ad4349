"""How a map looks; nothing in here changes what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from vitviz.maps.scaling import Scaling
from vitviz.reading import Within

ColourMap = Literal["inferno", "magma", "viridis", "cividis", "plasma", "turbo", "grey"]
DivergingMap = Literal["coolwarm"]
"""For differences: two hues away from zero, which stands in the middle of a symmetric range."""

Value = Annotated[float, Within(-1e9, 1e9)]

RangeChoice = Literal["each", "zero", "shared"] | tuple[Value, Value]
"""From the map's least to its greatest value; from zero to its greatest; shared by every layer and
head of the explanation; or fixed."""


@dataclass(frozen=True)
class Style:
    """How a map is drawn over the photo.

    Args:
        colour_map: Perceptually uniform and safe for the colour-blind unless "turbo"; a
            diverging one for differences only.
        opacity: Of the map, 0 (photo only) to 1.
        fade: Low values (of a difference: those near zero) are more transparent than high ones,
            so that the photo stays visible where the map says little.
        range: Which values the ends of the colour map stand for.
        smooth: Interpolate between patch centres instead of drawing flat patches.
        grid: Draw the patch grid.
        scaling: From values to places along the colours; root and log show quiet maps beside loud
            ones.
        outlined: A line around the fewest patches that together hold this part of the map's
            positive sum (``maps.mass``); 0: none.
    """

    colour_map: ColourMap | DivergingMap = "inferno"
    opacity: Annotated[float, Within(0, 1)] = 0.75
    fade: bool = True
    range: RangeChoice = "each"
    smooth: bool = True
    grid: bool = True
    scaling: Scaling = "linear"
    outlined: Annotated[float, Within(0, 1)] = 0.0
