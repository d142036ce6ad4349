"""The colours of a figure's ground and of what is written on it."""

from __future__ import annotations

from typing import NamedTuple

from vitviz.figures.spec import Ground


class Inks(NamedTuple):
    """Colours of a figure on some ground, 0..1."""

    ground: tuple[float, float, float]
    text: tuple[float, float, float]
    quiet: tuple[float, float, float]
    frame: tuple[float, float, float]


LIGHT = Inks((1.0, 1.0, 1.0), (0.08, 0.08, 0.09), (0.33, 0.33, 0.35), (0.25, 0.25, 0.26))
DARK = Inks((0.075, 0.08, 0.09), (0.95, 0.95, 0.95), (0.72, 0.72, 0.74), (0.55, 0.55, 0.57))
INKS: dict[Ground, Inks] = {"light": LIGHT, "dark": DARK, "transparent": LIGHT}
