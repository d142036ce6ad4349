"""Tiles: the right part of the photo, the right colours, the right size."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QSize

from tests.explanations import map_of
from vitviz.gui.canvas.colour_bar import bar_image, ticks_along
from vitviz.gui.canvas.map_tile import MapTile, tile_image
from vitviz.imaging.geometry import Geometry
from vitviz.maps.bar import ColourBar
from vitviz.maps.colour import table
from vitviz.maps.heat_map import HeatMap
from vitviz.maps.overlay import PHOTO_GREY
from vitviz.maps.style import Style

GEOMETRY = Geometry((300, 500), (48, 80), (0, 0), (48, 80), 16)
CROPPED = Geometry((300, 500), (48, 80), (0, 16), (48, 48), 16)


@pytest.fixture
def heat_map() -> HeatMap:
    values = np.linspace(0, 1, 15, dtype=np.float32).reshape(3, 5)
    return map_of(values, "attention", (("cls", 0.1), ("dist", 0.2)), 0, "mean", GEOMETRY)


@pytest.fixture
def thumbnail() -> np.ndarray:
    """Red on the left, blue on the right."""
    pixels = np.zeros((60, 100, 3), np.uint8)
    pixels[:, :50, 0] = 255
    pixels[:, 50:, 2] = 255
    return pixels


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_a_tile_has_the_screens_pixels(
    thumbnail: np.ndarray, heat_map: HeatMap, ratio: float
) -> None:
    image = tile_image(thumbnail, heat_map, GEOMETRY, Style(), 0, 1, QSize(84, 50), ratio)
    assert (image.width(), image.height()) == (round(84 * ratio), round(50 * ratio))
    assert image.devicePixelRatio() == ratio


def test_without_a_map_it_is_the_photo(thumbnail: np.ndarray) -> None:
    image = tile_image(thumbnail, None, GEOMETRY, Style(), 0, 1, QSize(100, 60))
    assert image.pixelColor(10, 30).getRgb() == (255, 0, 0, 255)
    assert image.pixelColor(90, 30).getRgb() == (0, 0, 255, 255)
    assert image.pixelColor(0, 0).alpha() < 255


def test_the_map_lies_on_its_patches(thumbnail: np.ndarray, heat_map: HeatMap) -> None:
    style = Style(smooth=False, fade=False, opacity=1.0)
    tile = MapTile(thumbnail, GEOMETRY, QSize(100, 60))
    image = tile.image(heat_map, style, (0.0, 1.0))
    for row in range(3):
        for col in range(5):
            step = int(heat_map.values[row, col] * 255 + 0.5)
            seen = image.pixelColor(10 + 20 * col, 10 + 20 * row).getRgb()[:3]
            assert seen == tuple(int(c) for c in table("inferno")[step])


def test_a_narrow_tile_shows_the_middle(thumbnail: np.ndarray, heat_map: HeatMap) -> None:
    style = Style(smooth=False, fade=False, opacity=1.0)
    image = tile_image(thumbnail, heat_map, GEOMETRY, style, 0.0, 1.0, QSize(60, 60))
    step = int(heat_map.values[1, 1] * 255 + 0.5)
    expected = tuple(int(c) for c in table("inferno")[step])
    assert image.pixelColor(10, 30).getRgb()[:3] == expected


def test_what_the_model_did_not_see_is_dimmed(thumbnail: np.ndarray) -> None:
    values = map_of(np.zeros((3, 3), np.float32), "attention", (), 0, "mean", CROPPED)
    image = tile_image(thumbnail, values, CROPPED, Style(), 0.0, 1.0, QSize(100, 60))
    assert image.pixelColor(10, 30).red() < 140
    assert image.pixelColor(40, 30).red() == 255
    assert image.pixelColor(90, 30).blue() < 140


def test_the_colour_bar_is_the_map_over_grey() -> None:
    """What ``composite`` makes of a grey photo, from the greatest value down to the least."""
    style = Style(opacity=0.6)
    image = bar_image(style)
    assert image.pixelColor(0, 255).getRgb()[:3] == (PHOTO_GREY,) * 3
    top = 0.6 * table("inferno")[255] + 0.4 * PHOTO_GREY
    assert image.pixelColor(0, 0).getRgb()[:3] == pytest.approx(tuple(top), abs=1)


def test_long_bars_have_more_ticks() -> None:
    bar = ColourBar(0.0, 0.02, "attention", Style())
    assert len(ticks_along(bar, 100).values) < len(ticks_along(bar, 300).values)
    tiny = ColourBar(0.0, 2e-6, "rollout", Style())
    assert tiny.title_lines(ticks_along(tiny, 200).factor) == ["rollout", "× 10⁻⁶"]


def test_what_holds_most_is_outlined(thumbnail: np.ndarray, heat_map: HeatMap) -> None:
    tile = MapTile(thumbnail, GEOMETRY, QSize(100, 60))
    plain = tile.image(heat_map, Style(), (0.0, 1.0))
    outlined = tile.image(heat_map, Style(outlined=0.6), (0.0, 1.0))
    changed = [
        (x, y) for x in range(100) for y in range(60) if plain.pixel(x, y) != outlined.pixel(x, y)
    ]
    # The last six of fifteen hold 4.93 of 7.5: the last row of five, and the one above its end.
    assert any(abs(y - 40) <= 2 and 10 < x < 70 for x, y in changed)
    assert any(abs(x - 80) <= 2 and 22 < y < 38 for x, y in changed)
    assert not any(y < 17 for _, y in changed)
    assert not any(43 < y < 57 and 3 < x < 97 for x, y in changed)
