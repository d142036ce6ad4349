"""Statistics of maps against closed forms and naive versions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitviz.imaging.geometry import Geometry
from vitviz.maps.statistics import map_statistics

WHOLE = Geometry((60, 100), (12, 20), (0, 0), (12, 20), 4)
"""3 x 5 patches of 20 x 20 photo pixels."""

CROPPED = Geometry((80, 140), (16, 28), (2, 4), (12, 20), 4)
"""The same patches, 20 photo pixels from the left and 10 from the top."""


def one_patch(row: int, col: int, value: float = 0.25) -> np.ndarray:
    values = np.zeros((3, 5), np.float32)
    values[row, col] = value
    return values


def test_a_uniform_map() -> None:
    known = map_statistics(np.full((3, 5), 0.03, np.float32), WHOLE)
    value = float(np.float32(0.03))
    assert (known.least, known.greatest) == (value, value)
    assert known.mean == pytest.approx(value)
    assert known.entropy == pytest.approx(1)
    assert known.greatest_at == (10, 10)
    assert known.centre == pytest.approx((50, 30))
    assert known.top_tenth == pytest.approx(2 / 15)  # ceil(1.5) patches of 15


def test_all_on_one_patch() -> None:
    known = map_statistics(one_patch(2, 1), WHOLE)
    assert (known.least, known.greatest, known.mean) == (0, 0.25, pytest.approx(0.25 / 15))
    assert known.entropy == 0
    assert known.greatest_at == known.centre == (30, 50)
    assert known.top_tenth == 1


def test_two_equal_patches_have_the_entropy_of_a_coin() -> None:
    values = one_patch(0, 0) + one_patch(2, 4)
    known = map_statistics(values, WHOLE)
    assert known.entropy == pytest.approx(math.log(2) / math.log(15))
    assert known.centre == pytest.approx((50, 30))
    assert known.greatest_at == (10, 10)
    assert known.top_tenth == pytest.approx(1)


def test_places_are_on_the_photo_not_on_the_crop() -> None:
    known = map_statistics(one_patch(1, 3), CROPPED)
    assert known.greatest_at == pytest.approx(CROPPED.patch_box(1, 3).centre)
    assert known.centre == pytest.approx((20 + 70, 10 + 30))


@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf])
def test_shares_of_no_whole_are_not_numbers(bad: float) -> None:
    values = np.full((3, 5), 0.5, np.float32)
    values[1, 1] = bad
    values[2, 3] = 0.75
    known = map_statistics(values, WHOLE)
    assert math.isnan(known.entropy)
    assert math.isnan(known.top_tenth)
    assert all(map(math.isnan, known.centre))
    assert known.greatest == 0.75
    assert known.greatest_at == (70, 50)
    assert known.least == (pytest.approx(-0.1) if bad == -0.1 else 0.5)


def test_nothing_at_all() -> None:
    zero = map_statistics(np.zeros((3, 5), np.float32), WHOLE)
    assert (zero.least, zero.greatest, zero.mean) == (0, 0, 0)
    assert math.isnan(zero.entropy)
    missing = map_statistics(np.full((3, 5), np.nan, np.float32), WHOLE)
    assert math.isnan(missing.greatest)
    assert all(map(math.isnan, missing.greatest_at))
    single = map_statistics(
        np.ones((1, 1), np.float32), Geometry((4, 4), (4, 4), (0, 0), (4, 4), 4)
    )
    assert math.isnan(single.entropy)
    assert single.top_tenth == 1


@given(st.lists(st.floats(0, 1, width=32), min_size=15, max_size=15).filter(any))
def test_against_loops(numbers: list[float]) -> None:
    values = np.array(numbers, np.float32).reshape(3, 5)
    known = map_statistics(values, CROPPED)
    total = math.fsum(numbers)
    weights = [number / total for number in numbers]
    entropy = -math.fsum(w * math.log(w) for w in weights if w > 0) / math.log(15)
    assert known.entropy == pytest.approx(entropy, abs=1e-12)
    assert known.top_tenth == pytest.approx(sum(sorted(weights)[-2:]))
    assert known.mean == pytest.approx(total / 15)
    centres = [CROPPED.patch_box(row, col).centre for row in range(3) for col in range(5)]
    for axis in (0, 1):
        mean = math.fsum(w * c[axis] for w, c in zip(weights, centres, strict=True))
        assert known.centre[axis] == pytest.approx(mean)
    assert values[CROPPED.patch_at(*known.greatest_at)] == values.max()
