"""The colour maps are the published ones, and safe ones only grow lighter."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from vitviz.figures.colour import COLOUR_MAPS, table
from vitviz.figures.style import ColourMap


def test_every_colour_map_of_the_style_is_offered() -> None:
    assert set(COLOUR_MAPS) == set(get_args(ColourMap))


@pytest.mark.parametrize("name", get_args(ColourMap))
def test_a_table_has_256_colours_and_is_read_only(name: ColourMap) -> None:
    colours = table(name)
    assert colours.shape == (256, 3)
    assert colours.dtype == np.uint8
    assert not colours.flags.writeable


@pytest.mark.parametrize("name", [name for name in get_args(ColourMap) if name != "grey"])
def test_the_values_are_matplotlibs(name: ColourMap) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    expected = matplotlib.colormaps[name](np.arange(256), bytes=True)[:, :3]
    np.testing.assert_array_equal(table(name), expected)


@pytest.mark.parametrize("name", get_args(ColourMap))
def test_lightness_only_grows_along_safe_maps(name: ColourMap) -> None:
    """Luminance by Rec. 709 from linear light; a byte's rounding may take a little back."""
    share = table(name) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    grows = bool((np.diff(luminance) > -2e-3).all() and luminance[-1] > luminance[0] + 0.5)
    assert grows == COLOUR_MAPS[name].safe


def test_the_description_says_whether_everybody_sees_the_same() -> None:
    assert COLOUR_MAPS["viridis"].description == "Viridis, colour-blind safe"
    assert COLOUR_MAPS["turbo"].description == "Turbo, not colour-blind safe"
