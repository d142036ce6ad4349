"""Which panels of a figure have one scale of colours, and what its bar says."""

from __future__ import annotations

from dataclasses import dataclass

from vitviz.figures.panel import Grid, Panel, Place
from vitviz.figures.spec import Sharing
from vitviz.maps.scaling import Scaling, scale_name
from vitviz.maps.style import Style
from vitviz.maps.ticks import Ticks, number, ticks

SHARED = {
    "each": "each map has its own range",
    "row": "one range for each row",
    "column": "one range for each column",
    "all": "one range for all",
}
"""What is said of the sharing, where there are several maps."""

NEARLY: dict[Scaling, float] = {"linear": 5e-3, "root": 1e-4, "log": 0.0}
"""Part of the greatest value, below which the least one is told as 0 where there is little room:
it cannot be seen from it along the bar.
"""


@dataclass(frozen=True)
class Scale:
    """What colours stand for, in some panels.

    Args:
        low: The value at the lower end, natural units.
        high: The value at the upper end.
        unit: Of the values.
        style: Colours and scaling.
        places: Of the panels.
    """

    low: float
    high: float
    unit: str
    style: Style
    places: tuple[Place, ...]

    def ticks(self, most: int) -> Ticks:
        """About so many marks along it."""
        return ticks(self.low, self.high, most, self.style.scaling)

    def ends(self, exponent: int) -> tuple[str, str]:
        """The two ends by themselves, short, in units of a power of ten."""
        marks = self.ticks(2)
        floor = "≤ " if marks.labels[0].startswith("≤") else ""
        low, high = marks.values[0], marks.values[-1]
        if abs(low) < NEARLY[self.style.scaling] * abs(high):
            low = 0.0
        unit = 10.0**exponent
        return floor + number(low / unit, 2), number(high / unit, 2)

    def title(self, factor: str = "") -> str:
        """ "attention × 10⁻³, root scale"."""
        name = scale_name(self.high, self.style.scaling)
        return ", ".join(filter(None, (f"{self.unit} {factor}".strip(), name)))


def scales(grid: Grid, sharing: Sharing) -> tuple[Scale, ...]:
    """The scales of all panels that have values; those that come out equal are one.

    Args:
        grid: The panels.
        sharing: Which of them share a range, if they have the same unit and look.
    """
    groups: dict[tuple[object, ...], list[tuple[Place, Panel]]] = {}
    for place, panel in grid.placed:
        if panel.values is not None:
            by: dict[Sharing, object] = {
                "each": place, "row": place[0], "column": place[1], "all": None,
            }  # fmt: skip
            groups.setdefault((by[sharing], panel.unit, panel.style), []).append((place, panel))
    merged: dict[tuple[float, float, str, Style], list[Place]] = {}
    for members in groups.values():
        first = members[0][1]
        low = min(panel.ends[0] for _, panel in members)
        high = max(panel.ends[1] for _, panel in members)
        places = merged.setdefault((low, high, first.unit, first.style), [])
        places += [place for place, _ in members]
    return tuple(Scale(*key, tuple(places)) for key, places in merged.items())
