"""What the panes of the Compare view show: worked out once, kept while nothing changes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, cast

from vitviz.gui.canvas.pictures import PhotoLayer
from vitviz.gui.scene import PaneState
from vitviz.gui.threads.service import OpenPhoto
from vitviz.gui.views.compare.canvas import CanvasContent
from vitviz.imaging.geometry import Geometry
from vitviz.maps.agreement import Agreement, agreement
from vitviz.maps.difference import Difference, difference
from vitviz.maps.heat_map import HeatMap
from vitviz.maps.ranges import ColourRange, ExplainedMap, ranges, style_for, value_range
from vitviz.maps.style import Style
from vitviz.session.state import MOST_PANES
from vitviz.wording.headings import letter

Value = TypeVar("Value")
TwoMaps = tuple[tuple[HeatMap, Geometry], tuple[HeatMap, Geometry]]

WIDGETS = MOST_PANES + 3
"""Panes, the difference and the two sides of a wipe: what may draw one photo."""


class ResultsInUse:
    """Results by what they came from; what was not asked for since ``forget_unused`` goes.

    No ``Cache``: what is of use is told by what is on the screen now, not by a budget, and photos
    that nobody looks at any more must not stay.

    The keys hold what they stand for, so that no other object can take its identity.
    """

    def __init__(self) -> None:
        self._values: dict[Hashable, object] = {}
        self._used: set[Hashable] = set()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The result for ``key``; ``make()`` where there is none."""
        self._used.add(key)
        if key not in self._values:
            self._values[key] = make()
        return cast(Value, self._values[key])

    def forget_unused(self) -> None:
        """Keeps only what was asked for since the last time."""
        self._values = {key: self._values[key] for key in self._used}
        self._used = set()


@dataclass(frozen=True, eq=False)
class PairOfMaps:
    """A difference with what it is drawn over.

    Args:
        difference: Second minus first.
        content: The same as a pane shows it.
        other_photos: The maps lie on different photos.
    """

    difference: Difference
    content: CanvasContent
    other_photos: bool


class CompareMaps:
    """Turns pane states into what canvases show."""

    def __init__(self) -> None:
        self._results = ResultsInUse()
        self._states: tuple[PaneState, ...] = ()
        self._ends: tuple[ColourRange | None, ...] = ()
        self._style = Style()

    def set_states(self, states: tuple[PaneState, ...], style: Style, shared: bool) -> None:
        """What is compared from now on.

        Args:
            states: The panes.
            style: Of all of them.
            shared: One range of colours for all maps with the same unit.
        """
        self._results.forget_unused()
        self._states, self._style = states, style
        maps = [self._ranged(index) for index in range(len(states))]
        key = (tuple(maps), style.range, shared)
        self._ends = self._results.get(("ends", key), lambda: ranges(maps, style.range, shared))

    def heat_map(self, index: int) -> HeatMap | None:
        """The map of one pane; None until there is one on the photo it shows."""
        state = self._states[index]
        cell, view = state.cell, state.pane.view
        if cell is None or state.opened is None or state.error is not None:
            return None
        if cell.request.photo != state.opened.ref:
            return None
        key = ("map", cell, view.layer, view.head, view.outliers)
        return self._results.get(key, lambda: cell.heat_map(view))

    def _ranged(self, index: int) -> ExplainedMap | None:
        heat_map, state = self.heat_map(index), self._states[index]
        cell, view = state.cell, state.pane.view
        if heat_map is None or cell is None:
            return None
        return self._results.get(
            ("ranged", heat_map, cell), lambda: ExplainedMap(heat_map, cell.explained(view))
        )

    def _layer(self, opened: OpenPhoto) -> PhotoLayer:
        return self._results.get(("photo", opened), lambda: PhotoLayer(opened.pyramid, WIDGETS))

    def content(self, index: int) -> CanvasContent:
        """What one pane shows; without a map where it has an error."""
        state, heat_map, ends = self._states[index], self.heat_map(index), self._ends[index]
        opened, cell = state.opened, state.cell
        if opened is None:
            return CanvasContent(style=self._style)
        layer = self._layer(opened)
        if heat_map is None or cell is None or ends is None:
            return CanvasContent(opened, layer, style=self._style)
        note = ("shared by", run(ends.shared_by)) if ends.shared_by else ()
        query = cell.patches_of_query(heat_map.layer)
        return CanvasContent(
            opened, layer, heat_map, heat_map.geometry, query, (ends.low, ends.high),
            style_for(self._style, heat_map.quantity), note,
            cell.outline.receptive(heat_map.layer),
        )  # fmt: skip

    def without_map(self, index: int) -> CanvasContent:
        """The photo of one pane alone."""
        content = self.content(index)
        return CanvasContent(content.opened, content.layer, style=self._style)

    def agreement(self, first: int, second: int) -> Agreement | None:
        """How the maps of two panes agree; None until there are both."""
        maps = self._maps(first, second)
        if maps is None:
            return None
        (one, on), (other, onto) = maps
        key = ("agreement", one, on, other, onto)
        return self._results.get(key, lambda: agreement(one.values, on, other.values, onto))

    def difference(self, first: int, second: int) -> PairOfMaps | None:
        """The second pane's map minus the first's; None until there are both."""
        maps = self._maps(first, second)
        if maps is None:
            return None
        (one, on), (other, onto) = maps
        key = ("difference", one, on, other, onto)
        found = self._results.get(key, lambda: difference(one, other))
        heat_map = found.heat_map
        opened = self._states[second if found.of_second else first].opened
        assert opened is not None
        content = CanvasContent(
            opened, self._layer(opened), heat_map, heat_map.geometry, (),
            value_range("each", heat_map),
            replace(style_for(self._style, heat_map.quantity), outlined=0.0),
            (f"{letter(second)} minus {letter(first)}",),
        )  # fmt: skip
        return PairOfMaps(found, content, self.other_photos(first, second))

    def other_photos(self, first: int, second: int) -> bool:
        """Whether two panes show different photos."""
        return self._states[first].pane.photo != self._states[second].pane.photo

    def _maps(self, first: int, second: int) -> TwoMaps | None:
        one, other = self.content(first), self.content(second)
        if one.heat_map is None or other.heat_map is None:
            return None
        if one.heat_map.is_coloured or other.heat_map.is_coloured:
            return None  # colours are no amounts
        assert one.geometry is not None
        assert other.geometry is not None
        return (one.heat_map, one.geometry), (other.heat_map, other.geometry)


def run(indices: Sequence[int]) -> str:
    """Letters of panes: "a, b, d"; three or more in a row as "a–d"."""
    if len(indices) > 2 and list(indices) == list(range(indices[0], indices[-1] + 1)):
        return f"{letter(indices[0])}–{letter(indices[-1])}"
    return ", ".join(letter(index) for index in indices)
