"""How a map is to look, and which values its colours stand for: alone, or beside others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from vitviz.maps.colour import DIVERGING
from vitviz.maps.heat_map import Explanation, HeatMap, Quantity
from vitviz.maps.scaling import Scaling
from vitviz.maps.style import RangeChoice, Style
from vitviz.shapes import Float32


class Look(NamedTuple):
    """How one map is drawn.

    Args:
        style: With the colours and scaling that its quantity can have.
        low: The value at the lower end of the colours, in natural units.
        high: The value at their upper end.
    """

    style: Style
    low: float
    high: float


def look(style: Style, heat_map: HeatMap, explanation: Explanation | None = None) -> Look:
    """How a map is drawn: what was chosen, as far as its quantity can have it.

    Args:
        style: What was chosen.
        heat_map: The map.
        explanation: Where it is from (see ``value_range``).
    """
    low, high = value_range(style.range, heat_map, explanation)
    return Look(style_for(style, heat_map.quantity), low, high)


def style_for(style: Style, quantity: Quantity) -> Style:
    """The style with colours that a quantity can have: of signed values two hues away from zero,
    and no logarithm.
    """
    if quantity.kind != "signed" or style.colour_map in DIVERGING:
        return style
    scaling: Scaling = "root" if style.scaling == "root" else "linear"
    return replace(style, colour_map="coolwarm", scaling=scaling)


def _extremes(*arrays: Float32[np.ndarray, "..."]) -> tuple[float, float]:
    finite = [values[np.isfinite(values)] for values in arrays]
    ends = [(float(values.min()), float(values.max())) for values in finite if values.size]
    return (min(low for low, _ in ends), max(high for _, high in ends)) if ends else (0.0, 0.0)


def value_range(
    style_range: RangeChoice, heat_map: HeatMap, explanation: Explanation | None = None
) -> tuple[float, float]:
    """The values that the two ends of the colour map stand for, in the map's natural units.

    Those of signed values have zero exactly in their middle, unless both ends were chosen.

    Args:
        style_range: What ``Style.range`` says.
        heat_map: The map shown.
        explanation: Where it is from; "shared" takes the extremes of the patches of all its
            layers and heads (no fusion of heads leaves them). Without it "shared" is "each".
    """
    if isinstance(style_range, tuple):
        return style_range
    if heat_map.quantity.kind == "colours":
        return 0.0, 1.0
    arrays = [heat_map.values]
    if style_range == "shared" and explanation is not None:
        arrays = explanation.ranged()
    least, greatest = _extremes(*arrays)
    if heat_map.quantity.kind == "signed":
        most = max(-least, greatest, 0.0)
        return -most, most
    if style_range == "zero":
        return 0.0, max(greatest, 0.0)
    return least, greatest


@dataclass(frozen=True, eq=False)
class ExplainedMap:
    """A map whose range is wanted.

    Args:
        heat_map: The map; maps of different units never share a range.
        explanation: Where it is from.
    """

    heat_map: HeatMap
    explanation: Explanation


@dataclass(frozen=True)
class ColourRange:
    """The range of one map.

    Args:
        low: The value at the lower end of the colours.
        high: The value at their upper end.
        shared_by: Indices of all maps with this range, itself among them; empty where it has its
            own.
    """

    low: float
    high: float
    shared_by: tuple[int, ...] = ()


def ranges(
    maps: Sequence[ExplainedMap | None], style_range: RangeChoice, shared: bool
) -> tuple[ColourRange | None, ...]:
    """The range of each map.

    A shared range reaches from the least to the greatest end of the ranges that the maps with the
    same unit would have alone.

    Args:
        maps: None where there is none yet, which gives None.
        style_range: What ``Style.range`` says.
        shared: Maps with the same unit share one range.
    """
    alone = [
        value_range(style_range, one.heat_map, one.explanation) if one is not None else None
        for one in maps
    ]
    result: list[ColourRange | None] = []
    for one, own in zip(maps, alone, strict=True):
        if one is None or own is None:
            result.append(None)
            continue
        same = [
            i
            for i, other in enumerate(maps)
            if other is not None and other.heat_map.unit == one.heat_map.unit
        ]
        if not shared or len(same) == 1:
            result.append(ColourRange(*own))
            continue
        lows, highs = zip(*(ends for i in same if (ends := alone[i]) is not None), strict=True)
        result.append(ColourRange(min(lows), max(highs), tuple(same)))
    return tuple(result)
