"""Which installed fonts there are, and which of them has a letter."""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import platformdirs

from vitviz.figures.spec import DEFAULT_FONT

FIRST = (
    "Noto Sans CJK JP", "Noto Sans CJK SC", "Yu Gothic", "Microsoft YaHei", "Malgun Gothic",
    "Hiragino Sans", "PingFang SC", "Arial Unicode MS", "Segoe UI", "Segoe UI Symbol",
)  # fmt: skip
"""Families that are asked first for what DejaVu has not, where they are installed."""

LAST_RESORT = "last resort"
"""How families are called that have a box for every letter there is; matplotlib brings one."""

NO_TEXT = re.compile(r"cm(b|ex|mi|r|ss|sy|tt)10$|STIX(Size|NonUnicode)|last ?resort", re.IGNORECASE)
"""Families for formulas, which matplotlib brings, and those of boxes: no text is set in them."""

REGULAR = 400
"""The weight of letters that are not bold."""

LOCK = threading.RLock()
"""Held while matplotlib works: its settings and its fonts are the whole process's."""

_known: dict[str, Font | None] = {}
"""The font of each letter that was looked for: fonts are looked through once for all letters."""


@dataclass(frozen=True)
class Font:
    """One installed font.

    Args:
        name: Of its family.
        path: Its file.
    """

    name: str
    path: Path


def keep_fonts_known() -> None:
    """Lets a program folder remember which fonts there are: PyInstaller would have matplotlib
    look for them anew at each start. To be called before matplotlib is imported.

    That a family has no bold is nothing to be said in the terminal.
    """
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    if getattr(sys, "frozen", False):
        folder = Path(platformdirs.user_cache_dir("vitviz", appauthor=False)) / "matplotlib"
        os.environ["MPLCONFIGDIR"] = str(folder)


def families() -> list[str]:
    """Every family that a figure can have, the default first."""
    with LOCK:
        keep_fonts_known()
        from matplotlib.font_manager import fontManager

        names: list[str] = sorted(set(fontManager.get_font_names()) - {DEFAULT_FONT})
    return [DEFAULT_FONT, *(name for name in names if not NO_TEXT.match(name))]


def fonts_with(letters: Collection[str]) -> dict[str, Font]:
    """An installed font for each letter that any of them has.

    The same letter has the same font whatever else is asked for: ``FIRST``, then upright ones of
    regular weight, those without serifs first, by name.
    """
    with LOCK:
        left = {letter for letter in letters if letter not in _known}
        if left:
            for font in _in_order():
                for letter in _drawn_by(font.path, left):
                    _known[letter] = font
                    left.discard(letter)
                if not left:
                    break
            _known.update(dict.fromkeys(left))
        found = ((letter, _known[letter]) for letter in letters)
        return {letter: font for letter, font in found if font is not None}


def has(family: str, letter: str) -> bool:
    """Whether a family that is installed has a letter."""
    return letter in _letters_of(family, frozenset((letter,)))


@lru_cache(maxsize=4096)
def _letters_of(family: str, letters: frozenset[str]) -> set[str]:
    with LOCK:
        from matplotlib.font_manager import FontProperties, findfont, get_font

        font = get_font(findfont(FontProperties(family=[family])))
        return {letter for letter in letters if font.get_char_index(ord(letter))}


def _in_order() -> list[Font]:
    from matplotlib.font_manager import fontManager, weight_dict

    def rank(entry: object) -> tuple[object, ...]:
        name, weight = str(entry.name), entry.weight  # type: ignore[attr-defined]
        heavy = abs(int(weight_dict.get(weight, weight)) - REGULAR)
        first = FIRST.index(name) if name in FIRST else len(FIRST)
        slanted = entry.style != "normal"  # type: ignore[attr-defined]
        path = str(entry.fname)  # type: ignore[attr-defined]
        return first, slanted, heavy, "sans" not in name.casefold(), name, path

    found = [Font(entry.name, Path(entry.fname)) for entry in sorted(fontManager.ttflist, key=rank)]
    unique = dict.fromkeys(found)
    return [font for font in unique if LAST_RESORT not in font.name.casefold()]


def _drawn_by(path: Path, letters: set[str]) -> set[str]:
    """Those letters that a font file has and that can be drawn from it."""
    from matplotlib.ft2font import FT2Font

    try:
        font = FT2Font(str(path))
        found = {letter for letter in letters if font.get_char_index(ord(letter))}
        if found:
            font.set_size(12, 72)
            font.load_char(ord(next(iter(found))))  # a font of bitmaps raises
    except (RuntimeError, OSError, ValueError):
        return set()
    return found
