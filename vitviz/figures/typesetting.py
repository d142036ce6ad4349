"""Text in a figure: which font, how wide, and broken or shortened to fit.

All lengths are millimetres, type sizes points.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache

from vitviz.errors import VitvizError
from vitviz.figures.fonts import LOCK, families, fonts_with, has
from vitviz.figures.spec import DEFAULT_FONT
from vitviz.plain_text import STAND_IN, shown_text

PT = 25.4 / 72
"""Millimetres in a point."""

LINE = 1.25
"""From one baseline to the next, in type sizes."""

BASELINE = 0.95
"""From a line's top to its baseline, in type sizes."""

CAP = 0.73
"""Height of a digit or capital, in type sizes."""

SLACK = 1.03
"""Renderers round the widths of letters, each in its own way."""

MOST_LETTERS = 1000
"""Of a title, heading or caption."""


class Face:
    """A family with others behind it for the letters that it has not.

    Args:
        family: As ``families`` gives it, in any case.
        text: All that is to be set: for a letter of it that neither the family nor the default has,
            any installed family that has it is added.

    Raises:
        VitvizError: The family is not installed.
    """

    def __init__(self, family: str, text: str = "") -> None:
        by_name = {name.casefold(): name for name in families()}
        if family.casefold() not in by_name:
            raise VitvizError(
                f"The font “{family}” is not installed.",
                f"Choose another one, such as {DEFAULT_FONT}, which comes with the program.",
            )
        self.family = by_name[family.casefold()]
        base = tuple(dict.fromkeys((self.family, DEFAULT_FONT)))
        letters = sorted(set(shown_text(" ".join(text.split()), len(text))) - {STAND_IN})
        lacking = [letter for letter in letters if not _has(base, letter)]
        found = fonts_with(lacking)
        spares = sorted({font.name for font in found.values()})
        self.families = tuple(dict.fromkeys((*base, *spares)))
        self.missing = "".join(letter for letter in lacking if letter not in found)
        """The letters of the text that no installed font has."""

    def width(self, text: str, size: float, bold: bool = False) -> float:
        """Of one line, in millimetres."""
        return _width(self.families, text, bold) * size * PT * SLACK

    def fits(self, text: str, size: float, room: float) -> bool:
        return self.width(text, size) <= room

    def shortened(self, text: str, size: float, room: float) -> str:
        """The beginning of a line with an ellipsis, where the whole does not fit."""
        if self.fits(text, size, room):
            return text
        too_many = bisect_left(
            range(1, len(text)), True,
            key=lambda kept: not self.fits(f"{text[:kept].rstrip()}…", size, room),
        )  # fmt: skip
        return f"{text[:too_many].rstrip()}…" if too_many else ""

    def broken(self, text: str, size: float, room: float, most: int = 99) -> tuple[str, ...]:
        """The text in lines that fit; the last one, and words without room, are shortened.

        Args:
            text: Of any length.
            size: In points.
            room: Width of a line.
            most: Lines.
        """
        lines: list[str] = []
        words = text.split()
        for number, word in enumerate(words):
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self.fits(longer, size, room):
                lines[-1] = longer
            elif len(lines) == most:
                lines[-1] = self.shortened(f"{lines[-1]} {' '.join(words[number:])}", size, room)
                break
            else:
                lines.append(word)
        # A line that ends where two parts are separated needs no separator.
        ended = [*(line.removesuffix(" ·") for line in lines[:-1]), *lines[-1:]]
        return tuple(self.shortened(line, size, room) for line in ended)

    def drawable(self, text: str) -> str:
        """The text on one line, with a box for every letter that no font has."""
        flat = shown_text(" ".join(text.split()), MOST_LETTERS)
        return "".join("□" if c == STAND_IN or not _has(self.families, c) else c for c in flat)


@lru_cache(maxsize=8192)
def _width(families: tuple[str, ...], text: str, bold: bool) -> float:
    """In type sizes."""
    with LOCK:
        from matplotlib.font_manager import FontProperties
        from matplotlib.textpath import text_to_path

        properties = FontProperties(
            family=list(families), size=100, weight="bold" if bold else "normal"
        )
        width, _, _ = text_to_path.get_text_width_height_descent(text, properties, ismath=False)
    return float(width) / 100


def _has(families: tuple[str, ...], letter: str) -> bool:
    return any(has(family, letter) for family in families)
