"""Which panels of a figure have one range of colours, and so one colour bar."""

from __future__ import annotations

from vitviz.figures.panel import Grid, Panel, Place
from vitviz.figures.spec import Sharing
from vitviz.maps.bar import ColourBar

SHARED = {
    "each": "each map has its own range",
    "row": "one range for each row",
    "column": "one range for each column",
    "all": "one range for all",
}
"""What is said of the sharing, where there are several maps."""

BarPlaces = dict[ColourBar, tuple[Place, ...]]
"""Colour bars with the places of their panels."""


def colour_bars(grid: Grid, sharing: Sharing) -> BarPlaces:
    """The colour bars of all panels that have values; those that come out equal are one.

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
    bars: BarPlaces = {}
    for members in groups.values():
        first = members[0][1]
        low = min(panel.ends[0] for _, panel in members)
        high = max(panel.ends[1] for _, panel in members)
        bar = ColourBar(low, high, first.unit, first.style)
        bars[bar] = (*bars.get(bar, ()), *(place for place, _ in members))
    return bars
