"""Text in a figure: which font, how wide, and broken or shortened to fit.

All lengths are millimetres, type sizes points.
"""

from __future__ import annotations

import os
import sys
import threading
from bisect import bisect_left
from functools import lru_cache
from pathlib import Path

import platformdirs

from vitviz.errors import VitvizError
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

ELSEWHERE = (
    "Noto Sans CJK JP", "Noto Sans CJK SC", "Yu Gothic", "Microsoft YaHei", "Malgun Gothic",
    "Hiragino Sans", "PingFang SC", "Arial Unicode MS", "Segoe UI Symbol",
)  # fmt: skip
"""Families that have what DejaVu has not, where they are installed."""

MOST_LETTERS = 1000
"""Of a title, heading or caption."""

LOCK = threading.RLock()
"""Held while matplotlib works: its settings and its fonts are the whole process's."""


def keep_fonts_known() -> None:
    """Lets a program folder remember which fonts there are: PyInstaller would have matplotlib
    look for them anew at each start. To be called before matplotlib is imported.
    """
    if getattr(sys, "frozen", False):
        folder = Path(platformdirs.user_cache_dir("vitviz", appauthor=False)) / "matplotlib"
        os.environ["MPLCONFIGDIR"] = str(folder)


def fonts() -> list[str]:
    """Every family that a figure can have, the default first."""
    with LOCK:
        keep_fonts_known()
        from matplotlib.font_manager import fontManager

        names: list[str] = sorted(set(fontManager.get_font_names()) - {DEFAULT_FONT})
    return [DEFAULT_FONT, *names]


class Face:
    """A family with others behind it for the letters that it has not.

    Args:
        family: As ``fonts`` gives it, in any case.

    Raises:
        VitvizError: It is not installed.
    """

    def __init__(self, family: str) -> None:
        known = fonts()
        by_name = {name.casefold(): name for name in known}
        if family.casefold() not in by_name:
            raise VitvizError(
                f"The font “{family}” is not installed.",
                f"Choose another one, such as {DEFAULT_FONT}, which comes with the program.",
            )
        self.family = by_name[family.casefold()]
        spares = [DEFAULT_FONT, *(name for name in ELSEWHERE if name in known)]
        self.families = tuple(dict.fromkeys((self.family, *spares)))

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


@lru_cache(maxsize=4096)
def _has(families: tuple[str, ...], letter: str) -> bool:
    with LOCK:
        from matplotlib.font_manager import FontProperties, findfont, get_font

        return any(
            get_font(findfont(FontProperties(family=[family]))).get_char_index(ord(letter))
            for family in families
        )
