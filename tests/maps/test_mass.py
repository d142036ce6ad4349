"""The fewest patches that hold a part of a map: closed forms, and the line around them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from vitviz.imaging.geometry import Geometry
from vitviz.maps.heat_map import HeatMap, Quantity
from vitviz.maps.mass import lines_around, mass_lines, mass_mask
from vitviz.maps.overlay import drawn
from vitviz.maps.ranges import look
from vitviz.maps.style import Style

GEOMETRY = Geometry((20, 30), (20, 30), (0, 0), (20, 30), 10)
"""Two rows, three columns, ten photo pixels each."""


def grid(*values: float) -> np.ndarray:
    return np.array(values, np.float32).reshape(2, -1)


def test_the_fewest_patches_that_hold_the_share() -> None:
    values = grid(5, 1, 0, 3, 0.5, 0.5)
    assert mass_mask(values, 0.5).tolist() == [[True, False, False], [False, False, False]]
    assert mass_mask(values, 0.51).tolist() == [[True, False, False], [True, False, False]]
    assert mass_mask(values, 0.8).sum() == 2
    assert mass_mask(values, 0.9).sum() == 3
    assert mass_mask(values, 1).tolist() == (values > 0).tolist()
    assert not mass_mask(values, 0).any()


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.77, 0.95])
def test_no_smaller_set_holds_it(share: float) -> None:
    values = np.random.default_rng(3).normal(0.3, 1, (2, 5)).astype(np.float32)
    positive = values.clip(min=0).astype(np.float64).ravel()
    chosen = mass_mask(values, share)
    assert positive[chosen.ravel()].sum() >= share * positive.sum()
    fewer = combinations(positive, int(chosen.sum()) - 1)
    assert all(sum(others) < share * positive.sum() for others in fewer)


def test_as_the_source_drops_the_least() -> None:
    values = np.random.default_rng(4).random((3, 7)).astype(np.float32)
    flat = values.ravel().astype(np.float64)
    order = np.argsort(flat)
    kept = np.cumsum(flat[order]) / flat.sum() > 1 - 0.6
    assert set(order[kept].tolist()) == set(np.flatnonzero(mass_mask(values, 0.6)).tolist())


def test_of_equal_patches_the_first_are_taken_and_no_more_than_it_needs() -> None:
    values = np.full((2, 5), 0.1, np.float32)
    chosen = mass_mask(values, 0.6)
    assert np.flatnonzero(chosen).tolist() == [0, 1, 2, 3, 4, 5]


def test_negative_values_and_what_is_missing_have_no_part() -> None:
    values = grid(-9, 4, np.nan, 2, 2, -np.inf)
    assert np.flatnonzero(mass_mask(values, 0.5)).tolist() == [1]
    assert np.flatnonzero(mass_mask(values, 1)).tolist() == [1, 3, 4]


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan])
def test_where_nothing_is_above_zero_nothing_is_outlined(value: float) -> None:
    values = np.full((2, 3), value, np.float32)
    assert not mass_mask(values, 0.6).any()
    assert mass_lines(values, GEOMETRY, 0.6) == ()


def test_one_patch_is_all() -> None:
    geometry = Geometry((7, 9), (7, 9), (0, 0), (7, 9), 9)
    lines = mass_lines(np.array([[0.2]], np.float32), geometry, 0.6)
    assert set(lines) == {(0, 0, 9, 0), (0, 7, 9, 7), (0, 0, 0, 7), (9, 0, 9, 7)}


def test_the_line_runs_along_the_edges_of_patches() -> None:
    mask = np.array([[True, True, False], [False, True, False]])
    assert set(lines_around(mask, GEOMETRY)) == {
        (0, 0, 20, 0), (0, 10, 10, 10), (10, 20, 20, 20),
        (0, 0, 0, 10), (10, 10, 10, 20), (20, 0, 20, 20),
    }  # fmt: skip


def test_a_hole_has_a_line_of_its_own() -> None:
    mask = np.ones((3, 3), bool)
    mask[1, 1] = False
    geometry = Geometry((30, 30), (30, 30), (0, 0), (30, 30), 10)
    assert len(lines_around(mask, geometry)) == 8


def test_what_lies_beside_the_photo_is_left_out() -> None:
    padded = Geometry((20, 30), (20, 30), (-10, 0), (40, 30), 10)  # a row of padding on each side
    lines = lines_around(np.ones((4, 3), bool), padded)
    assert set(lines) == {(0, 0, 0, 20), (30, 0, 30, 20)}


def test_colours_have_no_line() -> None:
    assert mass_lines(np.ones((2, 3, 3), np.float32), GEOMETRY, 0.6) == ()


@pytest.mark.parametrize("smooth", [False, True])
def test_it_is_drawn_on_the_photo_and_nowhere_else(smooth: bool) -> None:
    photo = np.full((200, 300, 3), 90, np.uint8)
    geometry = Geometry((200, 300), (20, 30), (0, 0), (20, 30), 10)
    heat_map = HeatMap(grid(0, 9, 0, 0, 1, 0), geometry, Quantity("attention"))
    style = Style(smooth=smooth)
    without = drawn(photo, heat_map, look(style, heat_map))
    outlined = drawn(photo, heat_map, look(Style(smooth=smooth, outlined=0.6), heat_map))
    changed = (without != outlined).any(axis=2)
    assert changed[50, 100]
    assert changed[100, 150]
    assert not changed[4:95, 105:195].any()
    assert not changed[:, 206:].any()
    assert not changed[106:].any()
    assert (outlined[50, 100] == 255).all()


def test_nothing_is_drawn_unless_it_is_wanted() -> None:
    heat_map = HeatMap(grid(0, 9, 0, 0, 1, 0), GEOMETRY, Quantity("attention"))
    photo = np.full((20, 30, 3), 90, np.uint8)
    plain = look(Style(), heat_map)
    assert plain.style.outlined == 0
    assert (drawn(photo, heat_map, plain) == drawn(photo, heat_map, look(Style(), heat_map))).all()
