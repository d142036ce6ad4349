"""What lies where on a figure: rectangles and words, in millimetres from its top-left corner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from vitviz.figures.panel import Place
from vitviz.figures.spec import FigureSpec
from vitviz.figures.typesetting import BASELINE, LINE, PT, Face
from vitviz.maps.style import Style


class Rect(NamedTuple):
    """A rectangle."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height


@dataclass(frozen=True)
class Word:
    """One line of text.

    Args:
        text: What it says.
        x: Where it is anchored, along.
        y: Its baseline; where it is upright, the middle of it.
        size: In points.
        align: Which of its ends, or its middle, is at ``x``.
        bold: Letters and titles.
        quiet: Less contrast: what is not to be read first.
        upright: Turned by 90 degrees, to be read from below; then ``x`` is its baseline, and its
            middle is at ``y``, or its beginning with ``align="left"``.
    """

    text: str
    x: float
    y: float
    size: float
    align: Literal["left", "center", "right"] = "left"
    bold: bool = False
    quiet: bool = False
    upright: bool = False


@dataclass(frozen=True)
class BarStrip:
    """Where a colour bar is, and its colours.

    Args:
        rect: Of its colours.
        style: The colours.
        vertical: The greatest value is at the top, else at the right.
        places: Of its marks along it, 0..1.
    """

    rect: Rect
    style: Style
    vertical: bool
    places: tuple[float, ...] = ()


@dataclass(frozen=True)
class FigureLayout:
    """A whole figure.

    Args:
        width: Of the figure.
        height: Of the figure.
        pictures: Where each panel's picture is.
        words: All text.
        bars: All colour bars.
        families: Fonts of the words, each for the letters that those before it have not.
        missing: Letters that no installed font has; a box stands for each.
    """

    width: float
    height: float
    pictures: dict[Place, Rect]
    words: tuple[Word, ...]
    bars: tuple[BarStrip, ...]
    families: tuple[str, ...]
    missing: str = ""


@dataclass(frozen=True)
class Measures:
    """The sizes that everything in a figure is derived from.

    Args:
        spec: The choices.
        face: The font.
    """

    spec: FigureSpec
    face: Face

    @property
    def text(self) -> float:
        """Type size of headings."""
        return self.spec.text_pt

    @property
    def small(self) -> float:
        """Type size of captions and numbers."""
        return max(self.spec.text_pt - 1, 0.875 * self.spec.text_pt)

    @property
    def em(self) -> float:
        """The type size of headings, as a length."""
        return self.text * PT

    @property
    def margin(self) -> float:
        """Around everything; a ground that can be seen needs more of it."""
        return self.em * (1.0 if self.spec.ground == "dark" else 0.4)

    @property
    def gap(self) -> float:
        """Between panels."""
        return 0.45 * self.em

    @property
    def tick(self) -> float:
        """Length of a mark at a colour bar."""
        return 0.25 * self.em

    @property
    def bar(self) -> float:
        """Thickness of a colour bar."""
        return 0.65 * self.em

    def line(self, size: float) -> float:
        """Height of a line."""
        return LINE * size * PT

    def lines(
        self, texts: tuple[str, ...], x: float, top: float, size: float,
        align: Literal["left", "center", "right"] = "left", quiet: bool = False,
    ) -> list[Word]:  # fmt: skip
        """Lines below each other."""
        return [
            Word(text, x, top + (LINE * i + BASELINE) * size * PT, size, align, quiet=quiet)
            for i, text in enumerate(texts)
        ]

    def upright(
        self, texts: tuple[str, ...], left: float, middle: float, size: float, quiet: bool = False
    ) -> list[Word]:
        """Lines beside each other, to be read from below."""
        return [
            Word(text, left + (LINE * i + BASELINE) * size * PT, middle, size, "center",
                 quiet=quiet, upright=True)
            for i, text in enumerate(texts)
        ]  # fmt: skip
