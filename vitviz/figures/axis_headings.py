"""Headings of columns and rows: in full where there is room, else shorter."""

from __future__ import annotations

from dataclasses import dataclass

from vitviz.figures.layout import Measures, Rect, Word
from vitviz.figures.panel import Axis
from vitviz.figures.typesetting import CAP, PT

MOST_LINES = 3
"""Of one heading."""

MOST_UPRIGHT = 4.5
"""How long an upright heading of a column may be, in widths of the column."""


@dataclass(frozen=True)
class AxisHeadings:
    """How the headings of an axis are set.

    Args:
        lines: Of each heading.
        title: Set once, beside the short headings; "" for none.
        turned: Columns: upright. Rows: level instead of upright.
        extent: What they take across the axis, with the room to the panels.
    """

    lines: tuple[tuple[str, ...], ...]
    title: str
    turned: bool
    extent: float


def column_headings(axis: Axis | None, room: float, measures: Measures) -> AxisHeadings | None:
    """Headings above columns of some width."""
    if axis is None or not measures.spec.headings:
        return None
    face, size = measures.face, measures.text
    long = tuple(map(face.drawable, axis.long))
    line = measures.line(size)
    if all(face.fits(text, size, room) for text in long):
        return AxisHeadings(tuple((text,) for text in long), "", False, 1.1 * line)
    short, titled = _short(axis, face.drawable(axis.title), long)
    if titled and all(face.fits(text, size, room) for text in short):
        return AxisHeadings(tuple((t,) for t in short), titled, False, 2.1 * line)
    if room >= 6 * measures.em:
        lines = tuple(face.broken(text, size, room, MOST_LINES) for text in short)
        return AxisHeadings(
            lines, titled, False, (max(map(len, lines)) + bool(titled) + 0.1) * line
        )
    limit = max(MOST_UPRIGHT * room, 4 * measures.em)
    kept = tuple((face.shortened(text, size, limit),) for text in short)
    longest = max(face.width(text, size) for (text,) in kept)
    return AxisHeadings(kept, titled, True, longest + 0.3 * line + (line if titled else 0))


def row_headings(axis: Axis | None, room: float, measures: Measures) -> AxisHeadings | None:
    """Headings to the left of rows of some height."""
    if axis is None or not measures.spec.headings:
        return None
    face, size = measures.face, measures.text
    long = tuple(map(face.drawable, axis.long))
    line = measures.line(size)
    if all(face.fits(text, size, room) for text in long):
        return AxisHeadings(tuple((text,) for text in long), "", False, 1.15 * line)
    short, titled = _short(axis, face.drawable(axis.title), long)
    if titled or room < 3 * measures.em:
        limit = 0.22 * measures.spec.width_mm
        kept = tuple((face.shortened(text, size, limit),) for text in short)
        longest = max(face.width(text, size) for (text,) in kept)
        return AxisHeadings(kept, titled, True, longest + 0.4 * line + (line if titled else 0))
    lines = tuple(face.broken(text, size, room, MOST_LINES) for text in short)
    return AxisHeadings(lines, "", False, (max(map(len, lines)) + 0.15) * line)


def _short(axis: Axis, title: str, long: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Numbers without their title, and the title; the headings as they are, without numbers."""
    if title and any(label.isdecimal() for label in axis.labels):
        return axis.labels, title
    return long, ""


def column_words(set_: AxisHeadings, cells: list[Rect], measures: Measures) -> list[Word]:
    """The words above columns.

    Args:
        set_: How they are set.
        cells: The first row; their tops are where the headings end.
        measures: Of the figure.
    """
    size, line = measures.text, measures.line(measures.text)
    top = cells[0].top - set_.extent
    words: list[Word] = []
    if set_.title:
        middle = (cells[0].left + cells[-1].right) / 2
        words += measures.lines((set_.title,), middle, top, size, "center")
    for lines, cell in zip(set_.lines, cells, strict=True):
        x = cell.left + cell.width / 2
        if set_.turned:
            middle = x + CAP * size * PT / 2
            words.append(Word(lines[0], middle, cell.top - 0.2 * line, size, upright=True))
        else:
            words += measures.lines(lines, x, cell.top - (len(lines) + 0.1) * line, size, "center")
    return words


def row_words(set_: AxisHeadings, cells: list[Rect], measures: Measures) -> list[Word]:
    """The words to the left of rows.

    Args:
        set_: How they are set.
        cells: The first column; their left edges are where the headings end.
        measures: Of the figure.
    """
    size, line = measures.text, measures.line(measures.text)
    left = cells[0].left - set_.extent
    words: list[Word] = []
    if set_.title:
        middle = (cells[0].top + cells[-1].bottom) / 2
        words += measures.upright((set_.title,), left, middle, size)
    for lines, cell in zip(set_.lines, cells, strict=True):
        middle = cell.top + cell.height / 2
        if set_.turned:
            baseline = middle + CAP * size * PT / 2
            words.append(Word(lines[0], cell.left - 0.3 * line, baseline, size, "right"))
        else:
            first = cell.left - (len(lines) + 0.1) * line
            words += measures.upright(lines, first, middle, size)
    return words
