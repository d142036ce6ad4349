"""The pictures in a figure's panels, at the pixels they are drawn with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from vitviz.figures.panel import Panel
from vitviz.figures.spec import PanelContent
from vitviz.imaging.geometry import Geometry
from vitviz.maps.interpolation import steps
from vitviz.maps.overlay import colours, composite, inside, positions
from vitviz.shapes import Float, UInt8

CUT = 0.08
"""Width of the gaps between patches that stand apart, in patches."""


class Pictures:
    """Makes pictures; photos that were scaled once are remembered.

    Args:
        draws: What is in them.
        cells: Maps are left out of them, since they are drawn as squares.
    """

    def __init__(self, draws: PanelContent, cells: bool = False) -> None:
        self._draws = draws
        self._cells = cells
        self._photos: dict[tuple[int, int, int], UInt8[np.ndarray, "tall wide 3"]] = {}

    def picture(
        self, panel: Panel, low: float, high: float, size: tuple[int, int]
    ) -> UInt8[np.ndarray, "tall wide 4"]:
        """One panel's picture, with alpha.

        The photo is scaled first and the map laid over it then, through the same geometry: at
        the photo's own size this is ``overlay.composite`` of the photo.

        Args:
            panel: What it shows.
            low: The value at the lower end of the colours.
            high: The value at the upper end.
            size: Height and width in pixels.
        """
        geometry = replace(panel.geometry, photo_size=size)
        if panel.cut:
            return _cut(self._photo(panel, size), geometry)
        if panel.values is None or self._draws == "photo":
            return _opaque(self._photo(panel, size))
        if self._draws == "map":
            if self._cells:
                return np.zeros((*size, 4), np.uint8)
            style = replace(panel.style, opacity=1.0, fade=False)
            ground = np.zeros((*size, 3), np.uint8)
            drawn = composite(ground, panel.values, geometry, style, low, high)
            return np.dstack([drawn, _covered(panel, geometry)])
        style = replace(panel.style, opacity=0.0) if self._cells else panel.style
        photo = self._photo(panel, size)
        return _opaque(composite(photo, panel.values, geometry, style, low, high))

    def _photo(self, panel: Panel, size: tuple[int, int]) -> UInt8[np.ndarray, "tall wide 3"]:
        key = (id(panel.photo), *size)
        if key not in self._photos:
            image = Image.fromarray(panel.photo)
            if image.size != size[::-1]:
                image = image.resize(size[::-1], Image.Resampling.LANCZOS, reducing_gap=3.0)
            self._photos[key] = np.asarray(image)
        return self._photos[key]


def _opaque(pixels: UInt8[np.ndarray, "tall wide 3"]) -> UInt8[np.ndarray, "tall wide 4"]:
    return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])


def _on_map(
    geometry: Geometry,
) -> tuple[Float[np.ndarray, " height"], Float[np.ndarray, " width"], slice, slice]:
    """Rows and columns of the map under each pixel, and which of them it covers."""
    height, width = geometry.photo_size
    rows, cols = positions(geometry, np.arange(width) + 0.5, np.arange(height) + 0.5)
    vertical, horizontal = geometry.extent
    return rows, cols, inside(rows, vertical), inside(cols, horizontal)


def _covered(panel: Panel, geometry: Geometry) -> UInt8[np.ndarray, "tall wide"]:
    """255 where the map says something."""
    assert panel.values is not None
    rows, cols, down, across = _on_map(geometry)
    covered = np.zeros(geometry.photo_size, np.uint8)
    known = np.isfinite(panel.values)
    row, col = (
        np.clip(np.floor(places).astype(int), 0, count - 1)
        for places, count in zip((rows[down], cols[across]), known.shape, strict=True)
    )
    covered[down, across] = 255 * known[row][:, col]
    return covered


def _cut(
    photo: UInt8[np.ndarray, "tall wide 3"], geometry: Geometry
) -> UInt8[np.ndarray, "tall wide 4"]:
    """Patches with transparent gaps between them, none at the edges."""
    rows, cols, _, _ = _on_map(geometry)
    shown = []
    for at, count in zip((rows, cols), geometry.grid, strict=True):
        near = np.abs(at - np.rint(at)) < CUT / 2
        shown.append(~near | (np.rint(at) <= 0) | (np.rint(at) >= count))
    alpha = np.where(np.outer(*shown), np.uint8(255), np.uint8(0))
    return np.dstack([photo, alpha])


def cell_colours(
    panel: Panel, low: float, high: float, alone: bool
) -> Float[np.ndarray, "patches 4"]:
    """Red, green, blue and alpha (0..1) of every patch, row by row; none where it has no value.

    Args:
        panel: With values.
        low: The value at the lower end of the colours.
        high: The value at the upper end.
        alone: The map without the photo, so nothing shines through.
    """
    assert panel.values is not None
    style = replace(panel.style, opacity=1.0, fade=False) if alone else panel.style
    rows, cols = panel.values.shape
    at = (np.arange(rows) + 0.5, np.arange(cols) + 0.5)
    rgba = colours(style)[steps(panel.values, low, high, *at, False, style.scaling)]
    rgba[~np.isfinite(panel.values)] = 0
    shares: Float[np.ndarray, "patches 4"] = rgba.reshape(-1, 4) / 255
    return shares
