"""The colour maps are the published ones, and safe ones only grow lighter."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from vitviz.maps.colour import COLOUR_MAPS, DIVERGING, table
from vitviz.maps.overlay import alpha
from vitviz.maps.style import ColourMap, DivergingMap, Style

TABLES = (*get_args(ColourMap), *get_args(DivergingMap))


def test_every_colour_map_of_the_style_is_offered() -> None:
    assert set(COLOUR_MAPS) == set(get_args(ColourMap))


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_256_colours_and_is_read_only(name: ColourMap) -> None:
    colours = table(name)
    assert colours.shape == (256, 3)
    assert colours.dtype == np.uint8
    assert not colours.flags.writeable


@pytest.mark.parametrize("name", [name for name in TABLES if name != "grey"])
def test_the_values_are_matplotlibs(name: ColourMap) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    expected = matplotlib.colormaps[name](np.arange(256), bytes=True)[:, :3]
    np.testing.assert_array_equal(table(name), expected)


def luminance_of(name: ColourMap | DivergingMap) -> np.ndarray:
    share = table(name) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("name", get_args(ColourMap))
def test_lightness_only_grows_along_safe_maps(name: ColourMap) -> None:
    """Luminance by Rec. 709 from linear light; a byte's rounding may take a little back."""
    luminance = luminance_of(name)
    grows = bool((np.diff(luminance) > -2e-3).all() and luminance[-1] > luminance[0] + 0.5)
    assert grows == COLOUR_MAPS[name].safe


def test_the_description_says_whether_everybody_sees_the_same() -> None:
    assert COLOUR_MAPS["viridis"].description == "Viridis, colour-blind safe"
    assert COLOUR_MAPS["turbo"].description == "Turbo, not colour-blind safe"


@pytest.mark.parametrize("name", DIVERGING)
def test_a_diverging_map_is_lightest_in_the_middle_and_equally_dark_at_both_ends(name) -> None:
    assert set(DIVERGING) == set(get_args(DivergingMap))
    luminance = luminance_of(name)
    assert (np.diff(luminance)[:127] > -2e-3).all()
    assert (np.diff(luminance)[128:] < 2e-3).all()
    np.testing.assert_allclose(luminance, luminance[::-1], atol=0.04)
    # The sides differ in what red-green blindness leaves: blue against yellow.
    blue = table(name).astype(int) @ [-0.5, -0.5, 1]
    assert (blue[:110] > blue[255 - np.arange(110)] + 20).all()


def test_a_faded_difference_shows_the_photo_at_zero_and_is_the_same_both_ways() -> None:
    opaque = alpha(Style("coolwarm", opacity=0.8)).astype(int)
    assert opaque[[127, 128]].tolist() == [0, 0]
    assert (opaque == opaque[::-1]).all()
    assert (np.diff(opaque)[128:] >= 0).all()
    assert opaque[0] == round(0.8 * 255)
    assert (alpha(Style("coolwarm", opacity=0.8, fade=False)) == 204).all()
