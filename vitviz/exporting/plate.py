"""A picture with its colour bar and its words beside it, pixel for pixel, without matplotlib.

For what has to be quick and exact: frames of an animation, the clipboard. Text grows with the
picture. The same input gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from vitviz.exporting.lettering import Lettering
from vitviz.maps.bar import ColourBar
from vitviz.maps.overlay import over_grey
from vitviz.maps.ticks import Ticks
from vitviz.shapes import UInt8

PAPER, INK, QUIET = (255, 255, 255), (26, 26, 26), (102, 102, 102)

LEAST_TEXT, MOST_TEXT = 12, 96
"""Pixels of a line's height."""

LINES = 42
"""A picture's longer side has room for about as many lines of text."""

COLUMN = 34
"""Letters, at least, that a line of the caption holds, however narrow the picture."""


@dataclass(frozen=True)
class Words:
    """What stands with a picture.

    Args:
        heading: Above it, one line; "" for none.
        caption: Below it, as many lines as it takes; "" for none.
    """

    heading: str = ""
    caption: str = ""


class Plate:
    """The arrangement of pictures of one size, so that each comes out at the same place.

    Args:
        size: Height and width of the pictures.
        bar: The colour bar; None for none.
        words: Everything that will stand with one of them: room is made for the longest.
        text: Height of a line in pixels; 0: as fits the size.
    """

    def __init__(
        self,
        size: tuple[int, int],
        bar: ColourBar | None,
        words: Sequence[Words] = (),
        text: int = 0,
    ) -> None:
        self._picture = size
        self._bar = bar
        self._text = text or min(max(round(max(size) / LINES), LEAST_TEXT), MOST_TEXT)
        self._small = Lettering(round(self._text * 0.75))
        margin = self._text
        self._left = margin
        self._top = margin + (round(1.7 * self._text) if any(w.heading for w in words) else 0)
        inner = max(size[1] + self._bar_width(), round(COLUMN * 0.5 * self._text))
        self._wrap = inner
        lines = max((len(self._lines(w.caption)) for w in words), default=0)
        below = round((lines + 0.7) * 1.3 * self._text) if lines else 0
        self._body = max(size[0], self._bar_height())
        self._height = self._top + self._body + below + margin
        self._width = margin + inner + margin

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the whole."""
        return self._height, self._width

    @property
    def origin(self) -> tuple[int, int]:
        """Top and left of the picture in the whole."""
        return self._top, self._left

    def draw(
        self, pixels: UInt8[np.ndarray, "height width 3"], words: Words
    ) -> UInt8[np.ndarray, "tall wide 3"]:
        """The whole of one picture; its pixels stand in it as they are."""
        image = Image.new("RGB", (self._width, self._height), PAPER)
        image.paste(Image.fromarray(pixels), (self._left, self._top))
        pen = ImageDraw.Draw(image)
        if words.heading:
            heading = Lettering(round(self._text * 0.85))
            heading.draw(pen, (self._left, self._text), words.heading, INK)
        if self._bar is not None:
            self._draw_bar(image, pen, self._bar)
        y = self._top + self._body + round(0.7 * self._text)
        for line in self._lines(words.caption):
            self._small.draw(pen, (self._left, y), line, QUIET)
            y += round(1.3 * self._text)
        drawn: UInt8[np.ndarray, "tall wide 3"] = np.asarray(image)
        return drawn

    def _lines(self, caption: str) -> list[str]:
        """The caption in lines that fit, broken between words."""
        lines: list[str] = []
        for word in caption.split():
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self._small.length(longer) <= self._wrap:
                lines[-1] = longer
            else:
                lines.append(word)
        return lines

    def _marks(self, bar: ColourBar) -> Ticks:
        return bar.ticks(min(max(self._picture[0] // (4 * self._text), 2), 6))

    def _title(self, bar: ColourBar) -> list[str]:
        return bar.title_lines(self._marks(bar).factor)

    def _bar_width(self) -> int:
        """From the picture to the end of the labels, and of the title above them."""
        if self._bar is None:
            return 0
        labels = max(self._small.length(label) for label in self._marks(self._bar).labels)
        title = max(self._small.length(line) for line in self._title(self._bar))
        return round(max(2.2 * self._text + labels, self._text + title))

    def _bar_height(self) -> int:
        """At least, with the title above it."""
        lines = len(self._title(self._bar)) if self._bar is not None else 0
        return lines * round(1.3 * self._text) + 4 * self._text if lines else 0

    def _draw_bar(self, image: Image.Image, pen: ImageDraw.ImageDraw, bar: ColourBar) -> None:
        """Title, bar and labels to the right of the picture."""
        text, top = self._text, self._top
        left = self._left + self._picture[1] + text
        for line in self._title(bar):
            self._small.draw(pen, (left, top), line, QUIET)
            top += round(1.3 * text)
        top += round(0.4 * text)
        bottom = self._top + self._body - text // 2
        colours = Image.fromarray(np.ascontiguousarray(over_grey(bar.style)[::-1, None]))
        strip = colours.resize((round(0.6 * text), bottom - top))
        image.paste(strip, (left, top))
        right, marks = left + strip.width, self._marks(bar)
        for place, label in zip(marks.places, marks.labels, strict=True):
            y = round(bottom - 1 - place * (bottom - top - 1))
            pen.line((right, y, right + text // 4, y), QUIET, max(1, text // 16))
            self._small.draw(pen, (right + round(0.4 * text), y), label, INK, middle=True)


def sheet(
    plates: Sequence[UInt8[np.ndarray, "_ _ 3"]], columns: int
) -> UInt8[np.ndarray, "height width 3"]:
    """Several pictures side by side, row by row, on white.

    Args:
        plates: Of whatever sizes; each stands at the top left of its place.
        columns: In a row.
    """
    rows = [plates[i : i + columns] for i in range(0, len(plates), columns)]
    heights = [max(plate.shape[0] for plate in row) for row in rows]
    widths = [max(plate.shape[1] for plate in plates[i::columns]) for i in range(len(rows[0]))]
    whole = np.full((sum(heights), sum(widths), 3), 255, np.uint8)
    for r, row in enumerate(rows):
        for c, plate in enumerate(row):
            top, left = sum(heights[:r]), sum(widths[:c])
            whole[top : top + plate.shape[0], left : left + plate.shape[1]] = plate
    return whole
