"""Colour bars: beside all panels, beside rows, or below panels; never with numbers too long."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from vitviz.figures.layout import BarStrip, Measures, Rect, Word
from vitviz.figures.panel import Grid, Place
from vitviz.figures.sharing import SHARED, BarPlaces
from vitviz.figures.typesetting import CAP, PT
from vitviz.maps.bar import ColourBar
from vitviz.maps.ticks import Ticks

Mode = Literal["none", "right", "below", "rows", "columns", "under", "wordless"]
"""No bars; one to the right of everything, or below it; one to the right of each row; one below
each column; one under each panel; or one without numbers, where these have no room."""

LEAST_HEIGHT = 7.0
"""Of a bar at the right of everything, in type sizes; else it lies below."""

MOST_LENGTH = 26.0
"""Of a bar, in type sizes."""

MOST_TICKS = 6

ENDS = ("least", "greatest")
"""Of a bar without numbers."""


@dataclass(frozen=True)
class Bars:
    """The colour bars of a figure, and how they are set.

    Args:
        mode: Where they stand.
        bars: All of them, with the places of their panels.
        maps: How many panels have a bar.
        measures: Of the figure.
        height: Of all panels; what is upright beside them may be as long.
    """

    mode: Mode
    bars: BarPlaces
    maps: int
    measures: Measures
    height: float

    @property
    def right(self) -> float:
        """What they take at the right of all panels."""
        m = self.measures
        if self.mode == "right":
            return sum(self._thickness(bar) for bar in self.bars)
        if self.mode == "rows":
            widest = max(self._label_width(bar.end_labels(self.exponent)) for bar in self.bars)
            return m.gap + m.bar + 1.4 * m.tick + widest
        return 0.0

    @property
    def under(self) -> float:
        """What they take under each panel."""
        if self.mode == "under":
            return self._flat_height + (self._small_line if self._many_units else 0)
        return 0.0

    @property
    def below(self) -> float:
        """What they take below all panels, without the note."""
        if self.mode == "columns":
            return self._flat_height
        if self.mode == "below":
            return len(self.bars) * (self._flat_height + 1.1 * self._small_line)
        return self._flat_height - 0.5 * self._small_line if self.mode == "wordless" else 0.0

    @property
    def note(self) -> str:
        """What the numbers at the bars mean, where it does not stand beside them."""
        if self.mode in ("none", "right", "below"):
            return ""
        factor = Ticks((), (), 0 if self.mode == "wordless" else self.exponent).factor
        titles = dict.fromkeys(bar.title(factor) for bar in self.bars)
        return "; ".join(filter(None, (f"Colours: {', '.join(titles)}", self.sharing)))

    @property
    def exponent(self) -> int:
        """The power of ten that the numbers at several bars share, so that these are short."""
        greatest = max(max(abs(bar.low), abs(bar.high)) for bar in self.bars)
        if greatest == 0 or 0.5 <= greatest < 1000:
            return 0
        return 3 * math.floor(math.log10(greatest) / 3 + 1e-9)

    @property
    def sharing(self) -> str:
        """Who shares a range; "" for a single map."""
        if self.maps == 1:
            return ""
        return SHARED["all" if len(self.bars) == 1 else self.measures.spec.sharing]

    def fits(self, width: float, height: float, whole: float) -> bool:
        """Whether the numbers have room at panels of this size, all of them ``whole`` wide."""
        if self.mode == "rows":
            return height >= 2.1 * self._small_line
        if self.mode in ("under", "columns"):
            room = width - self.measures.em
            return all(
                sum(self._label_width((end,)) for end in bar.end_labels(self.exponent)) <= room
                for bar in self.bars
            )
        if self.mode == "below":
            return all(self._apart(bar, self._level_length(whole)) for bar in self.bars)
        return True

    # What is drawn

    def at_right(self, whole: Rect) -> tuple[list[BarStrip], list[Word]]:
        """Bars to the right of all panels."""
        m, strips, words, left = self.measures, list[BarStrip](), list[Word](), whole.right
        length = min(whole.height, MOST_LENGTH * m.em)
        top = whole.top + (whole.height - length) / 2
        for bar in self.bars:
            rect = Rect(left + 1.4 * m.gap, top, m.bar, length)
            marks = bar.ticks(self._count(length, 2.0 * self._small_line))
            strips.append(BarStrip(rect, bar.style, True, marks.places))
            for place, label in zip(marks.places, marks.labels, strict=True):
                y = rect.bottom - place * length + self._half_digit
                words.append(Word(label, rect.right + 1.4 * m.tick, y, m.small))
            titles = self._titles(bar)
            first = left + self._thickness(bar) - len(titles) * self._small_line
            words += m.upright(titles, first, top + length / 2, m.small)
            left += self._thickness(bar)
        return strips, words

    def beside_rows(self, cells: dict[Place, Rect]) -> tuple[list[BarStrip], list[Word]]:
        """A bar to the right of each row."""
        m, strips, words = self.measures, list[BarStrip](), list[Word]()
        right = max(cell.right for cell in cells.values())
        for bar, places in self.bars.items():
            for row in sorted({place[0] for place in places}):
                cell = next(cells[place] for place in places if place[0] == row)
                rect = Rect(right + m.gap, cell.top, m.bar, cell.height)
                strips.append(BarStrip(rect, bar.style, True))
                low, high = bar.end_labels(self.exponent)
                x, ascent = rect.right + 1.2 * m.tick, CAP * m.small * PT
                words.append(Word(high, x, rect.top + ascent, m.small))
                words.append(Word(low, x, rect.bottom, m.small))
        return strips, words

    def below_pictures(
        self, pictures: dict[Place, Rect], last_only: bool
    ) -> tuple[list[BarStrip], list[Word]]:
        """A bar under each picture, or under the last one of each column."""
        m, strips, words = self.measures, list[BarStrip](), list[Word]()
        for bar, places in self.bars.items():
            for place in places:
                deeper = [p for p in places if p[1] == place[1] and p > place]
                if last_only and deeper:
                    continue
                picture = pictures[place]
                rect = Rect(picture.left, picture.bottom + 0.3 * m.em, picture.width, 0.4 * m.em)
                strips.append(BarStrip(rect, bar.style, False))
                baseline = rect.bottom + 0.2 * m.em + CAP * m.small * PT
                low, high = bar.end_labels(self.exponent)
                words.append(Word(low, rect.left, baseline, m.small))
                words.append(Word(high, rect.right, baseline, m.small, "right"))
                if self._many_units and not last_only:
                    middle = rect.left + rect.width / 2
                    unit = m.face.shortened(bar.unit, m.small, rect.width)
                    y = baseline + self._small_line
                    words.append(Word(unit, middle, y, m.small, "center", quiet=True))
        return strips, words

    def below_all(
        self, whole: Rect, left: float, width: float
    ) -> tuple[list[BarStrip], list[Word]]:
        """Level bars below everything, their titles below them.

        Args:
            whole: All panels.
            left: Where the figure's text may begin.
            width: Of the figure's text.
        """
        m, strips, words, top = self.measures, list[BarStrip](), list[Word](), whole.bottom
        length, middle = self._level_length(whole.width), whole.left + whole.width / 2
        for bar in self.bars:
            rect = Rect(middle - length / 2, top + 0.5 * m.em, length, 0.5 * m.em)
            marks = self._level_ticks(bar, length)
            strips.append(BarStrip(rect, bar.style, False, marks.places))
            baseline = rect.bottom + 1.4 * m.tick + CAP * m.small * PT
            for place, label in zip(marks.places, marks.labels, strict=True):
                x = rect.left + place * length
                words.append(Word(label, x, baseline, m.small, "center"))
            title = m.face.shortened(self._title(bar, marks.factor), m.small, width)
            half = m.face.width(title, m.small) / 2
            x = min(max(middle, left + half), left + width - half)
            words.append(Word(title, x, baseline + self._small_line, m.small, "center"))
            top += self._flat_height + 1.1 * self._small_line
        return strips, words

    @property
    def ends_width(self) -> float:
        """What the names of the ends take beside a bar without numbers."""
        return sum(self._label_width((end,)) for end in ENDS) + 0.8 * self.measures.em

    def without_numbers(
        self, whole: Rect, left: float, width: float
    ) -> tuple[list[BarStrip], list[Word]]:
        """One level bar with its two ends named, under the middle where there is room.

        Args:
            whole: All panels.
            left: Where the figure's text may begin.
            width: Of the figure's text.
        """
        m, gap = self.measures, 0.4 * self.measures.em
        length = min(14 * m.em, 0.4 * whole.width, width - self.ends_width)
        first = left + self._label_width(ENDS[:1]) + gap
        last = left + width - self._label_width(ENDS[1:]) - gap - length
        start = min(max(whole.left + whole.width / 2 - length / 2, first), last)
        rect = Rect(start, whole.bottom + 0.5 * m.em, length, 0.5 * m.em)
        y = rect.top + rect.height / 2 + self._half_digit
        words = [
            Word(ENDS[0], rect.left - gap, y, m.small, "right"),
            Word(ENDS[1], rect.right + gap, y, m.small),
        ]
        return [BarStrip(rect, next(iter(self.bars)).style, False)], words

    # How much they take

    @property
    def _small_line(self) -> float:
        return self.measures.line(self.measures.small)

    @property
    def _half_digit(self) -> float:
        return CAP * self.measures.small * PT / 2

    @property
    def _flat_height(self) -> float:
        return 0.7 * self.measures.em + self._small_line

    @property
    def _many_units(self) -> bool:
        return len({bar.unit for bar in self.bars}) > 1

    def _label_width(self, labels: tuple[str, ...]) -> float:
        return max(self.measures.face.width(label, self.measures.small) for label in labels)

    def _title(self, bar: ColourBar, factor: str) -> str:
        return ", ".join(filter(None, (bar.title(factor), self.sharing)))

    def _titles(self, bar: ColourBar) -> tuple[str, ...]:
        """The title of an upright bar, in lines."""
        title = self._title(bar, bar.ticks(MOST_TICKS).factor)
        return self.measures.face.broken(title, self.measures.small, self.height, 3)

    def _thickness(self, bar: ColourBar) -> float:
        """Of an upright bar with its marks and title; the title's lines are those that the least
        height leaves.
        """
        m = self.measures
        labels = max(self._label_width(bar.ticks(n).labels) for n in range(2, MOST_TICKS + 1))
        lines = len(self._titles(bar))
        return 1.4 * m.gap + m.bar + 2.4 * m.tick + labels + lines * self._small_line

    def _level_length(self, whole: float) -> float:
        """Of a level bar below panels that are so wide together."""
        return min(MOST_LENGTH * self.measures.em, 0.9 * whole)

    def _level_ticks(self, bar: ColourBar, length: float) -> Ticks:
        return bar.ticks(self._count(length, 1.8 * self._label_width(bar.ticks(3).labels)))

    def _apart(self, bar: ColourBar, length: float) -> bool:
        """Whether the numbers at a level bar do not touch each other."""
        marks = self._level_ticks(bar, length)
        halves = [self._label_width((label,)) / 2 for label in marks.labels]
        pairs = zip(pairwise(marks.places), pairwise(halves), strict=True)
        return all((b - a) * length >= sum(half) for (a, b), half in pairs)

    def _count(self, length: float, each: float) -> int:
        return min(max(int(length / each), 2), MOST_TICKS)


def first_mode(grid: Grid, bars: BarPlaces, measures: Measures) -> Mode:
    """Where bars would stand, if there is room."""
    spec = measures.spec
    if not spec.colour_bar or not bars:
        return "none"
    if len(bars) == 1 or spec.sharing == "all":
        return "right"
    by_row = [{place[0] for place in places} for places in bars.values()]
    if spec.sharing == "row" and sum(map(len, by_row)) == grid.shape[0]:
        return "rows"
    by_column = [{place[1] for place in places} for places in bars.values()]
    if spec.sharing == "column" and sum(map(len, by_column)) == grid.shape[1]:
        return "columns"
    return "under"
