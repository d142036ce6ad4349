"""Which values the colours stand for, of one map or of several beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from vitviz.maps.style import Range
from vitviz.models.tokens import TokenLayout
from vitviz.shapes import Float32


@runtime_checkable
class Mapped(Protocol):
    """What ``value_range`` needs of a heat map (``vitviz.methods.base.HeatMap``)."""

    @property
    def values(self) -> Float32[np.ndarray, "rows cols"]: ...


@runtime_checkable
class Explained(Protocol):
    """What ``value_range`` needs of an explanation (``vitviz.methods.base.Explanation``)."""

    @property
    def values(self) -> Float32[np.ndarray, "layers heads tokens"]: ...

    @property
    def layout(self) -> TokenLayout: ...


def _extremes(values: Float32[np.ndarray, "..."]) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def value_range(
    style_range: Range, heat_map: Mapped, explanation: Explained | None = None
) -> tuple[float, float]:
    """The values that the two ends of the colour map stand for, in the map's natural units.

    Args:
        style_range: What ``Style.range`` says.
        heat_map: The map shown.
        explanation: Where it is from; "shared" takes the extremes of the patches of all its
            layers and heads (no fusion of heads leaves them). Without it "shared" is "each".
    """
    if isinstance(style_range, tuple):
        return style_range
    if style_range == "shared" and explanation is not None:
        return _extremes(explanation.values[..., len(explanation.layout.prefix) :])
    least, greatest = _extremes(heat_map.values)
    if style_range == "zero":
        return 0.0, max(greatest, 0.0)
    return least, greatest


@dataclass(frozen=True, eq=False)
class Ranged:
    """A map whose range is wanted.

    Args:
        heat_map: The map.
        explanation: Where it is from.
        unit: Of its values; maps of different units never share a range.
    """

    heat_map: Mapped
    explanation: Explained
    unit: str


@dataclass(frozen=True)
class Ends:
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
    maps: Sequence[Ranged | None], style_range: Range, shared: bool
) -> tuple[Ends | None, ...]:
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
    result: list[Ends | None] = []
    for one, own in zip(maps, alone, strict=True):
        if one is None or own is None:
            result.append(None)
            continue
        same = [i for i, other in enumerate(maps) if other is not None and other.unit == one.unit]
        if not shared or len(same) == 1:
            result.append(Ends(*own))
            continue
        lows, highs = zip(*(ends for i in same if (ends := alone[i]) is not None), strict=True)
        result.append(Ends(min(lows), max(highs), tuple(same)))
    return tuple(result)
