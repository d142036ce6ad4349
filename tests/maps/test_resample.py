"""Maps on other grids, against a loop over patch boxes and what must be kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitviz.imaging.geometry import Geometry
from vitviz.maps.resample import (
    carried,
    edges,
    on_one_grid,
    overlaps,
    patch_area,
    resampled,
)

WHOLE = Geometry((300, 500), (48, 80), (0, 0), (48, 80), 16)
MIDDLE = Geometry((300, 500), (48, 80), (0, 16), (48, 48), 16)
ODD = Geometry((300, 500), (70, 98), (7, -9), (56, 112), 14)

sides = st.integers(1, 400)


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    patch = draw(st.sampled_from([4, 7, 16]))
    rows, cols = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    return Geometry(
        (draw(sides), draw(sides)), (draw(sides), draw(sides)),
        (draw(st.integers(-50, 50)), draw(st.integers(-50, 50))), (rows * patch, cols * patch),
        patch,
    )  # fmt: skip


def made(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def by_boxes(values: np.ndarray, geometry: Geometry, onto: Geometry) -> np.ndarray:
    """The mean under each box, box by box, on one photo."""
    result = np.full(onto.grid, np.nan)
    for row, col in np.ndindex(onto.grid):
        box, total, area = onto.patch_box(row, col), 0.0, 0.0
        for r, c in np.ndindex(geometry.grid):
            other = geometry.patch_box(r, c)
            width = min(box.right, other.right) - max(box.left, other.left)
            height = min(box.bottom, other.bottom) - max(box.top, other.top)
            if width > 1e-6 and height > 1e-6 and np.isfinite(values[r, c]):
                total += values[r, c] * width * height
                area += width * height
        if area:
            result[row, col] = total / area
    return result


@pytest.mark.parametrize(("have", "onto"), [
    (WHOLE, MIDDLE), (MIDDLE, WHOLE), (WHOLE, ODD), (ODD, WHOLE), (ODD, MIDDLE), (MIDDLE, ODD),
])  # fmt: skip
def test_it_is_the_mean_under_each_box(have: Geometry, onto: Geometry) -> None:
    values = made(have.grid)
    values[1, 1] = np.nan
    found = resampled(values, have, onto)
    np.testing.assert_allclose(found, by_boxes(values, have, onto), atol=1e-6)


def seen_share(geometry: Geometry, onto: Geometry) -> np.ndarray:
    """How much of each patch of ``onto`` another grid covers, 0..1."""
    down, across = (
        overlaps(some, have).sum(axis=1) / np.diff(some)
        for some, have in zip(edges(onto), edges(geometry), strict=True)
    )
    return np.outer(down, across)


@given(geometries(), st.integers(0, 99))
def test_on_its_own_grid_a_map_stays_as_it_is(geometry: Geometry, seed: int) -> None:
    values = made(geometry.grid, seed)
    np.testing.assert_allclose(resampled(values, geometry, geometry), values, rtol=1e-6)


@given(geometries(), geometries(), st.integers(0, 99))
def test_means_stay_between_the_least_and_the_greatest(have, onto, seed) -> None:
    values = made(have.grid, seed)
    found = resampled(values, have, onto)
    known = np.isfinite(found)
    assert (found[known] >= values.min() * (1 - 1e-6)).all()
    assert (found[known] <= values.max() * (1 + 1e-6)).all()
    np.testing.assert_array_equal(known, seen_share(have, onto) > 0)


@given(st.integers(0, 99), st.integers(1, 40), st.integers(1, 40))
def test_a_grid_that_covers_a_map_keeps_its_total(seed, rows, cols) -> None:
    """Means times the areas they are of add up to the values times theirs."""
    onto = Geometry((300, 500), (rows * 7, cols * 7), (0, 0), (rows * 7, cols * 7), 7)
    values = made(MIDDLE.grid, seed)
    found = np.nan_to_num(resampled(values, MIDDLE, onto))
    area = seen_share(MIDDLE, onto) * patch_area(onto)
    total = values.sum(dtype=np.float64) * patch_area(MIDDLE)
    assert float((found * area).sum()) == pytest.approx(total, rel=1e-5)


def test_what_was_not_seen_is_nan() -> None:
    found = resampled(made((3, 3)), MIDDLE, WHOLE)
    assert np.isnan(found[:, [0, 4]]).all()
    assert np.isfinite(found[:, 1:4]).all()


def test_another_photo_lends_its_relative_places() -> None:
    values = made((3, 5))
    larger = Geometry((1200, 500), (48, 80), (0, 0), (48, 80), 16)
    np.testing.assert_allclose(resampled(values, WHOLE, larger), values, rtol=1e-6)
    assert carried((250.0, 75.0), (300, 500), (1200, 500)) == (250.0, 300.0)
    assert carried((0.1, 0.3), (300, 500), (300, 500)) == (0.1, 0.3)


def test_the_finer_grid_holds_both() -> None:
    fine = Geometry((300, 500), (96, 160), (0, 0), (96, 160), 16)
    coarse_values, fine_values = made((3, 5)), made((6, 10), 1)
    both = on_one_grid(coarse_values, WHOLE, fine_values, fine)
    assert both.of_second
    assert both.geometry == fine
    np.testing.assert_allclose(both.first, np.kron(coarse_values, np.ones((2, 2))), rtol=1e-6)
    np.testing.assert_allclose(both.second, fine_values, rtol=1e-6)
    assert not on_one_grid(fine_values, fine, coarse_values, WHOLE).of_second
    assert not on_one_grid(coarse_values, WHOLE, coarse_values, WHOLE).of_second
