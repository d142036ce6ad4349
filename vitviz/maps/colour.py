"""Colour maps: which there are, and their colours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from vitviz.bundled import resource
from vitviz.maps.style import ColourMap, DivergingMap
from vitviz.shapes import UInt8


@dataclass(frozen=True)
class ColourMapFacts:
    """What a list of colour maps says about one.

    Args:
        title: For people.
        safe: Lightness only grows along it, so it holds for the colour-blind and in grey print.
    """

    title: str
    safe: bool = True

    @property
    def description(self) -> str:
        """One line: the title, and whether everybody sees the same in it."""
        return f"{self.title}, {'colour-blind safe' if self.safe else 'not colour-blind safe'}"


COLOUR_MAPS: dict[ColourMap, ColourMapFacts] = {
    "inferno": ColourMapFacts("Inferno"),
    "magma": ColourMapFacts("Magma"),
    "viridis": ColourMapFacts("Viridis"),
    "cividis": ColourMapFacts("Cividis"),
    "plasma": ColourMapFacts("Plasma"),
    "grey": ColourMapFacts("Grey"),
    "turbo": ColourMapFacts("Turbo", safe=False),
}
"""In the order they are offered: perceptually uniform ones first."""

DIVERGING: tuple[DivergingMap, ...] = ("coolwarm",)
"""For differences; no list offers them, since a map that is no difference has no middle."""


@cache
def table(name: ColourMap | DivergingMap) -> UInt8[np.ndarray, "256 3"]:
    """The sRGB colours of a map from the least to the greatest value, read-only.

    Zero lies between the two middle colours of a diverging one.

    Source: see resources/colour_maps/README.md.
    """
    text = resource("colour_maps", f"{name}.txt").read_text("ascii")
    return np.frombuffer(bytes.fromhex(text), dtype=np.uint8).reshape(256, 3)
