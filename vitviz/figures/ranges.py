"""Which values the colours stand for, where several maps are beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vitviz.figures.overlay import Explained, Mapped, value_range
from vitviz.figures.style import Range


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
