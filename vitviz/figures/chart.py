"""What a chart shows, as values: numbers with their axes, and what is said of them.

Painted in the window (``gui/charts``), drawn for print (``figures/chart_drawing.py``) and written
as a table (``table``) alike.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vitviz.shapes import Float64, UInt8

Dash = Literal["solid", "dashed", "dotted", "dash-dot"]

Target = tuple[int, int | None]
"""Layer, and head where there is one, that a number is of, from 0: it opens on the photo."""

Row = tuple[str | float | int, ...]
Table = tuple[Row, ...]
"""A heading, then rows."""


@dataclass(frozen=True)
class Inks:
    """Colours of lines on one ground, each with enough contrast to it.

    Source: Wong, "Points of view: Color blindness", Nature Methods 8, 2011; on a light ground
    darker, for the contrast.
    """

    lines: tuple[str, ...]


ON_LIGHT = Inks(("#0072b2", "#a35200", "#00664f", "#8f3f7f", "#6b5b00", "#5a5a5a"))
ON_DARK = Inks(("#56b4e9", "#e69f00", "#35c79f", "#d98cb8", "#f0e442", "#bdbdbd"))


@dataclass(frozen=True)
class Axis:
    """One axis.

    Args:
        title: What is along it, with its unit.
        low: Its lower end.
        high: Its upper end.
        ticks: Where numbers stand.
        labels: What stands there.
    """

    title: str
    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]

    def place(self, value: float) -> float:
        """Where a value lies, 0..1 from the lower end."""
        return (value - self.low) / ((self.high - self.low) or 1.0)


@dataclass(frozen=True, eq=False)
class Line:
    """Numbers along one axis of another.

    Args:
        name: In the legend; "" has no place there.
        xs: Ascending.
        ys: Not finite where there is none.
        ink: Which colour of ``Inks``; -1: that of text, -2: the accent.
        dash: How it is drawn.
        width: In pixels; 0 draws no line.
        dots: Each number has a dot.
        low: Lower edge of a band; None for none.
        high: Its upper edge.
        labels: What each number is, for people: "layer 3, head 2".
        targets: What each number is of.
    """

    name: str
    xs: Sequence[float]
    ys: Sequence[float]
    ink: int = 0
    dash: Dash = "solid"
    width: float = 1.8
    dots: bool = False
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    labels: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True, eq=False)
class Plot:
    """Lines and dots between two axes."""

    x: Axis
    y: Axis
    lines: tuple[Line, ...]


@dataclass(frozen=True, eq=False)
class Matrix:
    """Numbers in rows and columns.

    Args:
        values: Not finite where there is none.
        rows: What each row is: "1", "2".
        columns: What each column is.
        titles: What rows and columns count: ("layer", "head").
        unit: What the numbers are.
        signed: Zero has the middle of the colours.
        ends: Of the colours; None: the extremes.
        targets: What each number is of, by its row and column; None: of nothing that opens.
    """

    values: Float64[np.ndarray, "rows columns"]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    titles: tuple[str, str]
    unit: str
    signed: bool = False
    ends: tuple[float, float] | None = None
    targets: tuple[tuple[Target | None, ...], ...] | None = None

    @property
    def range(self) -> tuple[float, float]:
        """The values at the ends of its colours."""
        if self.ends is not None:
            return self.ends
        finite = self.values[np.isfinite(self.values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
        most = max(-low, high)
        return (-most, most) if self.signed else (low, high)

    def label(self, row: int, column: int) -> str:
        """ "layer 3, head 2"."""
        down, across = self.titles
        return f"{down} {self.rows[row]}, {across} {self.columns[column]}"


@dataclass(frozen=True, eq=False)
class Tiles:
    """Small pictures in rows.

    Args:
        images: Each as it is shown, magnified without smoothing.
        labels: What each is, for people.
        columns: How many stand in a row.
        gap: Between two, as a part of a picture's width.
    """

    images: tuple[UInt8[np.ndarray, "height width 3"], ...]
    labels: tuple[str, ...]
    columns: int
    gap: float = 0.12


Form = Plot | Matrix | Tiles


@dataclass(frozen=True, eq=False)
class Chart:
    """One chart.

    Args:
        name: Of its kind: "attention-distance".
        title: For people.
        form: What it shows.
        caption: Of what, over how many photos, by which model.
        numbers: A table of what it shows: a heading, then rows.
    """

    name: str
    title: str
    form: Form
    caption: str
    numbers: Table


def axis(
    title: str, values: Sequence[float], *, zero: bool = True, percent: bool = False,
    ends: tuple[float, float] | None = None,
) -> Axis:  # fmt: skip
    """An axis with room for values, its ends and ticks round numbers.

    Args:
        title: What is along it.
        values: That have to be seen; those that are not finite need no room.
        zero: It begins at 0, where nothing is below.
        percent: Numbers are said in per cent.
        ends: Both ends, where they are known.
    """
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = ends or (min(finite), max(finite))
    if zero and low > 0 and ends is None:
        low = 0.0
    if high <= low:
        high = low + (abs(low) or 1.0)
    step = round_step((high - low) / 5)
    if ends is None:
        low, high = step * math.floor(low / step + 1e-9), step * math.ceil(high / step - 1e-9)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    ticks = tuple(step * number for number in range(first, last + 1))
    return Axis(title, low, high, ticks, tuple(_said(tick, step, percent) for tick in ticks))


def round_step(least: float) -> float:
    """The least of 1, 2, 5 times a power of ten that is no less."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


def _said(value: float, step: float, percent: bool) -> str:
    if percent:
        value, step = 100 * value, 100 * step
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    words = f"{value:,.{digits}f}".replace("-", "−")
    words = "0" if not any(c in "123456789" for c in words) else words
    return f"{words} %" if percent else words


def counting(title: str, first: int, last: int) -> Axis:
    """An axis of whole numbers with half a step beside them: layers."""
    step = max(1, round_step(max((last - first) / 12, 1)))
    ticks = [n for n in range(first, last + 1) if n == first or n % step == 0]
    shown = tuple(float(n) for n in ticks)
    return Axis(title, first - 0.5, last + 0.5, shown, tuple(f"{n}" for n in ticks))


def points(plot: Plot) -> Iterator[tuple[int, int]]:
    """Every number that has a dot or a label: its line and its place in it."""
    for index, line in enumerate(plot.lines):
        if line.dots or line.labels:
            for place, value in enumerate(line.ys):
                if math.isfinite(value):
                    yield index, place
