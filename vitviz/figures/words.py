"""The words of a figure that its author can put others in the place of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from vitviz.figures.layout import FigureLayout, Rect, Word
from vitviz.figures.panel import Axis, Grid, Panel
from vitviz.figures.typesetting import PT

LETTER = 0.55
"""Width of a letter by its size, about: to tell which word a point lies on."""


class PlacedWord(NamedTuple):
    """A line of text that can be put in other words.

    Args:
        by_itself: What the whole text says by itself.
        shown: What it says in the figure.
        place: Of the line, about, in millimetres.
    """

    by_itself: str
    shown: str
    place: Rect


def words_of(grid: Grid) -> tuple[str, ...]:
    """Headings and the caption, each once, in the order they are read."""
    axes = [axis for axis in (grid.columns, grid.rows) if axis is not None]
    found = [word for axis in axes for word in (axis.title, *axis.labels)]
    found += [panel.heading for row in grid.panels for panel in row if panel is not None]
    return tuple(dict.fromkeys(word for word in (*found, grid.caption) if word))


def reworded(grid: Grid, words: Mapping[str, str]) -> Grid:
    """The figure with other words in the place of some.

    Args:
        grid: With the words that it has by itself.
        words: What is to stand there, "" for nothing, by what stands there by itself.
    """
    if not words:
        return grid

    def said(word: str) -> str:
        return words.get(word, word)

    panels = tuple(
        tuple(None if panel is None else _panel(panel, said) for panel in row)
        for row in grid.panels
    )
    return replace(
        grid, panels=panels, rows=_axis(grid.rows, said), columns=_axis(grid.columns, said),
        caption=said(grid.caption),
    )  # fmt: skip


def _panel(panel: Panel, said: Callable[[str], str]) -> Panel:
    return replace(panel, heading=said(panel.heading))


def _axis(axis: Axis | None, said: Callable[[str], str]) -> Axis | None:
    if axis is None:
        return None
    return Axis(tuple(map(said, axis.labels)), said(axis.title))


def placed(
    layout: FigureLayout, words: tuple[str, ...], own: Mapping[str, str]
) -> tuple[PlacedWord, ...]:
    """Where those words stand in a figure, line by line.

    Args:
        layout: Of the figure with the author's words.
        words: As of ``words_of``, of the figure by itself.
        own: The author's words.
    """
    shown = {word: own.get(word, word) for word in words}
    found = []
    for line in layout.words:
        of = next((w for w, said in shown.items() if said == line.text), None)
        of = of or next((w for w, said in shown.items() if line.text and line.text in said), None)
        if of is not None:
            found.append(PlacedWord(of, shown[of], _place(line)))
    return tuple(found)


def _place(line: Word) -> Rect:
    size = line.size * PT
    length = max(len(line.text) * LETTER * size, size)
    before = {"left": 0.0, "center": length / 2, "right": length}[line.align]
    if line.upright:
        return Rect(line.x - size, line.y - length / 2, 1.3 * size, length)
    return Rect(line.x - before, line.y - size, length, 1.3 * size)
