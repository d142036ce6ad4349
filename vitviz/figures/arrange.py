"""Arranges a figure: as large as its width and the page allow, nothing over anything else."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

from vitviz.errors import VitvizError
from vitviz.figures.axis_headings import (
    AxisHeadings,
    column_headings,
    column_words,
    row_headings,
    row_words,
)
from vitviz.figures.bars import LEAST_HEIGHT, Bars, Mode, first_mode
from vitviz.figures.layout import BarStrip, FigureLayout, Measures, Rect, Word
from vitviz.figures.panel import Grid, Panel, Place
from vitviz.figures.sharing import BarPlaces, colour_bars
from vitviz.figures.spec import FigureSpec
from vitviz.figures.typesetting import CAP, PT, Face

PAGE_HEIGHT_MM = 240.0
"""A figure without a height of its own is no higher than a journal's page."""

LEAST_PANEL_MM = 2.5
"""Width of a panel, below which nothing can be seen in it."""

TALLEST = 1.3
"""Height of a panel by its width, at most: an upright photo is narrower than its column."""

HEADING_LINES = 3
"""Of one panel."""


def arrange(grid: Grid, spec: FigureSpec) -> FigureLayout:
    """Where everything in a figure is.

    Raises:
        VitvizError: It does not fit its size, or the font is not installed.
    """
    measures = Measures(spec, Face(spec.font, text_of(grid, spec)))
    bars = colour_bars(grid, spec.sharing)
    mode = first_mode(grid, bars, measures)
    planned = _planned(grid, measures, bars, mode)
    if mode == "right" and not planned.suits_right:
        planned = _planned(grid, measures, bars, "below")
    if not planned.is_possible or not planned.numbers_fit:
        planned = _planned(grid, measures, bars, "none" if mode == "none" else "wordless")
    if not planned.is_possible:
        rows, cols = grid.shape
        raise VitvizError(
            f"{rows} x {cols} panels do not fit {spec.width_mm:g} x {planned.most:g} mm.",
            "Make the figure larger or its text smaller, or choose fewer layers and heads.",
        )
    return planned.layout()


def text_of(grid: Grid, spec: FigureSpec) -> str:
    """All that the figure says in words of others: titles, names, captions."""
    parts = [spec.title or grid.title, grid.caption if spec.caption else ""]
    if spec.headings:
        parts += [panel.heading for _, panel in grid.placed]
        parts += [text for axis in (grid.rows, grid.columns) if axis
                  for text in (axis.title, *axis.labels)]  # fmt: skip
    return " ".join(parts)


def letter(index: int) -> str:
    """ "a" to "z", then "aa"."""
    return (letter(index // 26 - 1) if index >= 26 else "") + chr(ord("a") + index % 26)


def _planned(grid: Grid, measures: Measures, bars: BarPlaces, mode: Mode) -> Plan:
    """The widest panels with which everything fits; too narrow ones, where nothing does."""
    spec, cols = measures.spec, grid.shape[1]
    maps = sum(panel.values is not None for _, panel in grid.placed)
    plan = Plan(grid, measures, Bars(mode, bars, maps, measures, 30.0), spec.width_mm / cols)
    most = plan.most
    for _ in range(4):  # bars and headings depend on the panels' size, and that on them
        plan = replace(plan, bars=replace(plan.bars, height=plan.block_height))
        plan = replace(plan, cell=min(plan.room, plan.cell if plan.height > most else 1e9))
        low, high = LEAST_PANEL_MM, plan.cell
        if plan.height > most:
            for _ in range(14):
                middle = (low + high) / 2
                high, low = (high, middle) if replace(plan, cell=middle).height <= most else (
                    middle, low)  # fmt: skip
            plan = replace(plan, cell=low)
    return plan


@dataclass(frozen=True)
class Plan:
    """A figure whose panels have some width.

    Args:
        grid: What is in it.
        measures: Its sizes.
        bars: Its colour bars.
        cell: Width of a panel.
    """

    grid: Grid
    measures: Measures
    bars: Bars
    cell: float

    @cached_property
    def most(self) -> float:
        """Height that the figure may have."""
        return self.measures.spec.height_mm or PAGE_HEIGHT_MM

    @cached_property
    def is_possible(self) -> bool:
        """Whether everything has room."""
        named = self.bars.ends_width + self.measures.em if self.bars.mode == "wordless" else 0.0
        wide = self.cell >= LEAST_PANEL_MM and named <= self.text_width
        return wide and self.height <= self.most + 0.01

    @cached_property
    def suits_right(self) -> bool:
        """Whether a bar at the right is long enough, and leaves the panels their room."""
        long = self.block_height >= LEAST_HEIGHT * self.measures.em
        return self.is_possible and long and self.cell >= self.bars.right / 2

    @cached_property
    def numbers_fit(self) -> bool:
        """Whether the numbers at the bars have room."""
        cols = self.grid.shape[1]
        whole = cols * self.cell + (cols - 1) * self.column_gap
        return self.bars.fits(self.narrowest, self.lowest, whole)

    # Sizes

    @cached_property
    def room(self) -> float:
        """The width that panels can have beside headings and bars."""
        m, cols = self.measures, self.grid.shape[1]
        left = self.row_headings.extent if self.row_headings else 0.0
        inner = m.spec.width_mm - 2 * m.margin - left - self.numbers - self.bars.right
        return (inner - (cols - 1) * self.column_gap) / cols

    @cached_property
    def numbers(self) -> float:
        """Width of the numbers beside a picture that is cut into patches."""
        m = self.measures
        last = [p.first_token + p.geometry.grid[0] * p.geometry.grid[1]
                for _, p in self.grid.placed if p.cut]  # fmt: skip
        return m.face.width(str(max(last)), m.small) + 0.4 * m.em if last else 0.0

    @cached_property
    def column_gap(self) -> float:
        return self.measures.gap * (2 if self.bars.mode in ("under", "columns") else 1)

    def picture_size(self, panel: Panel) -> tuple[float, float]:
        """Width and height of a panel's picture."""
        width = min(self.cell, self.cell * TALLEST * panel.aspect)
        return width, width / panel.aspect

    @cached_property
    def row_heights(self) -> list[float]:
        """Of the pictures."""
        return [
            max(self.picture_size(panel)[1] for panel in row if panel is not None)
            for row in self.grid.panels
        ]

    @cached_property
    def narrowest(self) -> float:
        return min(self.picture_size(panel)[0] for _, panel in self.grid.placed)

    @cached_property
    def lowest(self) -> float:
        return min(self.row_heights)

    @cached_property
    def row_headings(self) -> AxisHeadings | None:
        return row_headings(self.grid.rows, self.lowest, self.measures)

    @cached_property
    def column_headings(self) -> AxisHeadings | None:
        return column_headings(self.grid.columns, self.cell, self.measures)

    @cached_property
    def letter_width(self) -> float:
        """From a letter to the heading beside it."""
        m = self.measures
        last = letter(len(self.grid.placed) - 1)
        return m.face.width(last, m.text, bold=True) + 0.5 * m.em if m.spec.letters else 0.0

    def panel_heading(self, panel: Panel) -> tuple[str, ...]:
        """The lines above one panel."""
        m = self.measures
        if not (panel.heading and m.spec.headings):
            return ()
        room, text = self.cell - self.letter_width, m.face.drawable(panel.heading)
        return m.face.broken(text, m.text, max(room, m.em), HEADING_LINES)

    @cached_property
    def heading_heights(self) -> list[float]:
        """Above the pictures of each row."""
        m, heights = self.measures, []
        for row in self.grid.panels:
            lines = max(len(self.panel_heading(panel)) for panel in row if panel is not None)
            lines = max(lines, int(m.spec.letters))
            heights.append((lines + 0.15) * m.line(m.text) if lines else 0.0)
        return heights

    @cached_property
    def row_gap(self) -> float:
        gap = self.measures.gap
        return gap * (2.2 if self.bars.under or any(self.heading_heights) else 1)

    @cached_property
    def block_height(self) -> float:
        """Of all panels with what stands between them."""
        return (
            sum(self.row_heights)
            + sum(self.heading_heights)
            + len(self.row_heights) * self.bars.under
            + (len(self.row_heights) - 1) * self.row_gap
        )

    @cached_property
    def title(self) -> tuple[str, ...]:
        m = self.measures
        return m.face.broken(m.face.drawable(m.spec.title or self.grid.title), self.title_size,
                             self.text_width / 1.1)  # fmt: skip

    @cached_property
    def title_size(self) -> float:
        return 1.15 * self.measures.text

    @cached_property
    def text_width(self) -> float:
        return self.measures.spec.width_mm - 2 * self.measures.margin

    @cached_property
    def below(self) -> tuple[str, ...]:
        """The lines below everything: what the colours mean, and the caption."""
        m = self.measures
        said = [self.bars.note, self.grid.caption if m.spec.caption else ""]
        return tuple(
            line for text in said
            for line in m.face.broken(m.face.drawable(text), m.small, self.text_width)
        )  # fmt: skip

    @cached_property
    def top(self) -> float:
        """From the figure's top to the panels' own headings."""
        m = self.measures
        title = (len(self.title) + 0.4) * m.line(self.title_size) if self.title else 0.0
        return m.margin + title + (self.column_headings.extent if self.column_headings else 0.0)

    @cached_property
    def foot(self) -> float:
        """From the panels' end to the figure's."""
        m = self.measures
        words = 0.5 * m.em + len(self.below) * m.line(m.small) if self.below else 0.0
        return self.bars.below + words + m.margin

    @cached_property
    def height(self) -> float:
        return self.top + self.block_height + self.foot

    # Places

    def cells(self) -> dict[Place, Rect]:
        """Where the pictures may lie: in the middle of what the figure has for them."""
        m, (rows, cols) = self.measures, self.grid.shape
        width = cols * self.cell + (cols - 1) * self.column_gap
        before = self.numbers + (self.row_headings.extent if self.row_headings else 0.0)
        left = m.margin + before + max(self.text_width - before - width - self.bars.right, 0) / 2
        y = self.top + max((m.spec.height_mm or 0) - self.height, 0) / 2
        result = {}
        for row in range(rows):
            y += self.heading_heights[row]
            for col in range(cols):
                x = left + col * (self.cell + self.column_gap)
                result[row, col] = Rect(x, y, self.cell, self.row_heights[row])
            y += self.row_heights[row] + self.bars.under + self.row_gap
        return result

    def layout(self) -> FigureLayout:
        """Everything at its place."""
        m, cells = self.measures, self.cells()
        rows, cols = self.grid.shape
        pictures = {}
        for place, panel in self.grid.placed:
            width, height = self.picture_size(panel)
            cell = cells[place]
            pictures[place] = Rect(cell.left + (cell.width - width) / 2, cell.top, width, height)
        words = self._panel_words(pictures, cells)
        if self.column_headings:
            raised = [c._replace(top=c.top - self.heading_heights[0])
                      for c in (cells[0, col] for col in range(cols))]  # fmt: skip
            words += column_words(self.column_headings, raised, m)
        if self.row_headings:
            first = [cells[row, 0] for row in range(rows)]
            moved = [cell._replace(left=cell.left - self.numbers) for cell in first]
            words += row_words(self.row_headings, moved, m)
        start, end = cells[0, 0], cells[rows - 1, cols - 1]
        block = Rect(start.left, start.top, end.right - start.left, end.bottom - start.top)
        bars, labels = self._bars(block, cells, pictures)
        whole = m.spec.height_mm or self.height
        words += labels + self._outer_words(whole)
        return FigureLayout(
            m.spec.width_mm, whole, pictures, tuple(words), tuple(bars), m.face.families,
            m.face.missing,
        )  # fmt: skip

    def _bars(
        self, block: Rect, cells: dict[Place, Rect], pictures: dict[Place, Rect]
    ) -> tuple[list[BarStrip], list[Word]]:
        match self.bars.mode:
            case "none":
                return [], []
            case "right":
                return self.bars.at_right(block)
            case "rows":
                return self.bars.beside_rows(cells)
            case "below":
                return self.bars.below_all(block, self.measures.margin, self.text_width)
            case "wordless":
                return self.bars.without_numbers(block, self.measures.margin, self.text_width)
            case mode:
                return self.bars.below_pictures(pictures, mode == "columns")

    def _panel_words(self, pictures: dict[Place, Rect], cells: dict[Place, Rect]) -> list[Word]:
        m, words = self.measures, list[Word]()
        for index, (place, panel) in enumerate(self.grid.placed):
            cell, lines = cells[place], self.panel_heading(panel)
            top = cell.top - self.heading_heights[place[0]]
            if m.spec.letters:
                (word,) = m.lines((letter(index),), cell.left, top, m.text)
                words.append(replace(word, bold=True))
                words += m.lines(lines, cell.left + self.letter_width, top, m.text)
            else:
                top = cell.top - (len(lines) + 0.15) * m.line(m.text)
                words += m.lines(lines, cell.left + cell.width / 2, top, m.text, "center")
            if panel.cut:
                words += self._numbers(panel, pictures[place])
        return words

    def _numbers(self, panel: Panel, picture: Rect) -> list[Word]:
        """The number of each row's first token, as many as have room."""
        m, (rows, cols) = self.measures, panel.geometry.grid
        each = picture.height / rows
        step = math.ceil(m.line(m.small) / each)
        return [
            Word(str(panel.first_token + row * cols), picture.left - 0.3 * m.em,
                 picture.top + (row + 0.5) * each + CAP * m.small * PT / 2, m.small, "right",
                 quiet=True)
            for row in range(0, rows, step)
        ]  # fmt: skip

    def _outer_words(self, whole: float) -> list[Word]:
        """The title, and the lines at the bottom."""
        m = self.measures
        titles = m.lines(self.title, m.margin, m.margin, self.title_size)
        words = [replace(word, bold=True) for word in titles]
        top = whole - m.margin - len(self.below) * m.line(m.small)
        return words + m.lines(self.below, m.margin, top, m.small, quiet=True)


def columns_for(count: int, aspect: float, spec: FigureSpec) -> int:
    """Panels in a row of a strip, so that the figure is wider than high and its rows are full.

    Args:
        count: Of panels.
        aspect: Width of a panel by its height.
        spec: Of the figure; its own choice is taken, if it has one.
    """
    if spec.columns:
        return min(spec.columns, count)
    wanted = spec.height_mm / spec.width_mm if spec.height_mm else 0.6
    head = 1.6 * spec.text_pt * PT / spec.width_mm

    def cost(cols: int) -> float:
        rows = math.ceil(count / cols)
        shape = rows * (1 / (cols * aspect) + head)
        return abs(math.log(shape / wanted)) + 1.5 * (rows * cols - count) / count

    narrow = spec.width_mm / (8 * spec.text_pt * PT) * 1.6
    return min(range(1, min(count, max(int(narrow), 1)) + 1), key=cost)
