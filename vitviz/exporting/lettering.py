"""Text set into pixels by Pillow, each letter in a font that has it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import ImageDraw, ImageFont

if TYPE_CHECKING:
    from vitviz.figures.fonts import Font

SURE = (range(0x20, 0x250), range(0x370, 0x500), range(0x2010, 0x2028), range(0x2190, 0x2300))
"""Letters that DejaVu Sans has (but for some twenty that nobody writes): for these, no font has to
be looked into, which takes matplotlib and half a second."""

Ink = tuple[int, int, int]


class Lettering:
    """Type of one size: DejaVu Sans, and other installed fonts for the letters that it has not.

    Args:
        size: In pixels.
    """

    def __init__(self, size: int) -> None:
        self._size = size

    def length(self, text: str) -> float:
        """Width of a line, in pixels."""
        return sum(font.getlength(run) for run, font in self._runs(text))

    def draw(
        self, pen: ImageDraw.ImageDraw, place: tuple[float, float], text: str, ink: Ink,
        *, middle: bool = False,
    ) -> None:  # fmt: skip
        """Sets a line of text, from left to right.

        Args:
            pen: Draws.
            place: x and y of its top left corner, in pixels.
            text: Any.
            ink: Its colour.
            middle: The place is in the middle of its height instead.
        """
        x, y = place
        above, below = _truetype(_own(), self._size).getmetrics()
        baseline = y + (above - below) / 2 if middle else y + above
        for run, font in self._runs(text):
            pen.text((x, baseline), run, ink, font, anchor="ls")
            x += font.getlength(run)

    def _runs(self, text: str) -> Iterator[tuple[str, ImageFont.FreeTypeFont]]:
        """The parts of a line that are set in one font."""
        found = _spares(text)
        for path, letters in groupby(text, lambda letter: found.get(letter)):
            yield "".join(letters), _truetype(_own() if path is None else path, self._size)


def missing_in(*texts: str) -> str:
    """The letters of some texts that no installed font has, each once; a box stands for each."""
    lacking = _lacking("".join(texts))
    found = _fonts(lacking)
    return "".join(letter for letter in lacking if letter not in found)


def _spares(text: str) -> dict[str, Path]:
    """Files of other fonts for the letters that DejaVu Sans has not."""
    return {letter: font.path for letter, font in _fonts(_lacking(text)).items()}


def _lacking(text: str) -> list[str]:
    """The letters that DejaVu Sans has not."""
    rare = sorted({c for c in text if not (c.isspace() or any(ord(c) in sure for sure in SURE))})
    if not rare:
        return []
    from vitviz.figures.fonts import has
    from vitviz.figures.spec import DEFAULT_FONT

    return [letter for letter in rare if not has(DEFAULT_FONT, letter)]


def _fonts(lacking: list[str]) -> dict[str, Font]:
    if not lacking:
        return {}
    from vitviz.figures.fonts import fonts_with

    return fonts_with(lacking)


@cache
def _truetype(path: Path | None, size: int) -> ImageFont.FreeTypeFont:
    if path is None:
        own = ImageFont.load_default(size)  # of Pillow, with fewer signs
        assert isinstance(own, ImageFont.FreeTypeFont)
        return own
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


@cache
def _own() -> Path | None:
    """The file of DejaVu Sans, which comes with matplotlib and has the signs that units need."""
    found = find_spec("matplotlib")  # which does not import it
    folder = Path(found.origin).parent if found is not None and found.origin else Path()
    path = folder / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    return path if path.is_file() else None
