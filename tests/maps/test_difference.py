"""Differences of maps: subtracted as they are where that means something, else made comparable."""

from __future__ import annotations

import numpy as np
import pytest

from vitviz.imaging.geometry import Geometry
from vitviz.maps.difference import difference
from vitviz.maps.heat_map import HeatMap, Quantity
from vitviz.maps.ranges import value_range

WHOLE = Geometry((300, 500), (48, 80), (0, 0), (48, 80), 16)
FINER = Geometry((300, 500), (96, 160), (0, 0), (96, 160), 16)
MIDDLE = Geometry((300, 500), (48, 80), (0, 16), (48, 48), 16)


def made(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def on(values: np.ndarray, geometry: Geometry, unit: str = "attention") -> HeatMap:
    return HeatMap(values, geometry, Quantity(unit))


def test_one_unit_on_one_grid_is_plainly_subtracted() -> None:
    first, second = made((3, 5)), made((3, 5), 1)
    found = difference(on(first, WHOLE), on(second, WHOLE))
    np.testing.assert_allclose(found.heat_map.values, second - first, atol=1e-7)
    assert found.scaling == "values"
    assert found.heat_map.quantity == Quantity("attention", "signed")
    assert found.heat_map.geometry == WHOLE
    assert not found.heat_map.values.flags.writeable


def test_a_crop_of_the_same_grid_is_subtracted_where_both_saw() -> None:
    first, second = made((3, 5)), made((3, 3), 1)
    found = difference(on(first, WHOLE), on(second, MIDDLE))
    np.testing.assert_allclose(found.heat_map.values[:, 1:4], second - first[:, 1:4], atol=1e-6)
    assert np.isnan(found.heat_map.values[:, [0, 4]]).all()


def test_other_units_become_shares_of_their_sums() -> None:
    first, second = made((3, 5)), 40 * made((3, 5), 1)
    found = difference(on(first, WHOLE, "attention"), on(second, WHOLE, "rollout"))
    expected = 100 * second / second.sum() - 100 * first / first.sum()
    np.testing.assert_allclose(found.heat_map.values, expected, atol=1e-4)
    assert (found.scaling, found.heat_map.unit) == ("shares", "% of its map")
    assert float(found.heat_map.values.sum()) == pytest.approx(0, abs=1e-4)


def test_a_finer_grid_of_the_same_map_is_no_difference() -> None:
    """A quarter of the attention on patches of a quarter of the area."""
    values = made((3, 5))
    found = difference(
        on(values, WHOLE), on(np.kron(values, np.ones((2, 2), np.float32)) / 4, FINER)
    )
    assert (found.scaling, found.of_second) == ("shares", True)
    np.testing.assert_allclose(found.heat_map.values, 0, atol=1e-5)


def test_maps_with_negative_values_give_their_ranks() -> None:
    first, second = made((3, 5)) - 0.5, made((3, 5), 1)
    found = difference(on(first, WHOLE, "gradient"), on(second, WHOLE, "attention"))
    place = [values.ravel().argsort().argsort() / 14 for values in (first, second)]
    np.testing.assert_allclose(found.heat_map.values.ravel(), place[1] - place[0], atol=1e-6)
    assert (found.scaling, found.heat_map.unit) == ("ranks", "rank, 0 to 1")


def test_zero_is_in_the_middle_of_the_range() -> None:
    found = difference(on(made((3, 5)), WHOLE), on(made((3, 5), 1) * 0.1, WHOLE))
    low, high = value_range("each", found.heat_map)
    assert low == -high
    assert high == float(np.abs(found.heat_map.values).max())


def test_swapping_the_maps_turns_the_sign() -> None:
    first, second = made((3, 5)), made((6, 10), 1)
    there = difference(on(first, WHOLE), on(second, FINER))
    back = difference(on(second, FINER), on(first, WHOLE))
    np.testing.assert_allclose(there.heat_map.values, -back.heat_map.values, atol=1e-6)
    assert there.of_second != back.of_second


def test_maps_that_share_nothing_have_no_difference() -> None:
    left = Geometry((300, 500), (48, 80), (0, 0), (48, 32), 16)
    right = Geometry((300, 500), (48, 80), (0, 48), (48, 32), 16)
    found = difference(on(made((3, 2)), left), on(made((3, 2), 1), right))
    assert np.isnan(found.heat_map.values).all()
    assert value_range("each", found.heat_map) == (0.0, 0.0)
    apart = difference(on(made((3, 2)), left, "attention"), on(made((3, 2), 1), right, "rollout"))
    assert np.isnan(apart.heat_map.values).all()
