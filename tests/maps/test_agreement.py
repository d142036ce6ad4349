"""Ranks, correlations and overlaps against closed forms and naive ways to count."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from vitviz.imaging.geometry import Geometry
from vitviz.maps.agreement import agreement, ranks, spearman, top, top_overlap

WHOLE = Geometry((300, 500), (48, 80), (0, 0), (48, 80), 16)
FINER = Geometry((300, 500), (96, 160), (0, 0), (96, 160), 16)
MIDDLE = Geometry((300, 500), (48, 80), (0, 16), (48, 48), 16)


def made(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def counted_ranks(values: np.ndarray) -> list[float]:
    """A rank is one more than what is less, and half of what else is equal."""
    return [
        1
        + sum(other < value for other in values)
        + (sum(other == value for other in values) - 1) / 2
        for value in values
    ]


@pytest.mark.parametrize("seed", range(5))
def test_ranks_are_what_counting_gives(seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 6, 17).astype(np.float64)
    assert ranks(values).tolist() == counted_ranks(values)


def test_without_ties_rho_is_spearmans_own_formula() -> None:
    """1 - 6 sum(d^2) / (n (n^2 - 1)), with d the differences of ranks."""
    for order in itertools.permutations(range(5)):
        d = np.arange(5) - np.array(order)
        expected = 1 - 6 * int((d**2).sum()) / (5 * 24)
        found = spearman(np.arange(5.0), np.array(order, float))
        assert found == pytest.approx(expected, abs=1e-12)


def test_with_ties_rho_is_pearsons_of_the_ranks() -> None:
    first = np.array([1.0, 2.0, 2.0, 3.0, 7.0, 7.0])
    second = np.array([2.0, 2.0, 1.0, 5.0, 5.0, 9.0])
    expected = np.corrcoef(counted_ranks(first), counted_ranks(second))[0, 1]
    assert spearman(first, second) == pytest.approx(expected, abs=1e-12)


def test_rho_sees_only_order() -> None:
    values = made((3, 5)).ravel().astype(np.float64)
    assert spearman(values, np.exp(9 * values)) == pytest.approx(1)
    assert spearman(values, -(values**3)) == pytest.approx(-1)


def test_a_constant_map_has_no_rho_and_no_top() -> None:
    flat, other = np.full(15, 0.25), made((3, 5)).ravel()
    assert spearman(flat, other.astype(np.float64)) is None
    assert top_overlap(flat.astype(np.float32), other, 0.2) is None


def test_top_takes_the_greatest_and_of_equal_ones_the_first() -> None:
    values = np.array([3.0, 9.0, 3.0, 3.0, 1.0, 8.0])
    assert np.flatnonzero(top(values, 0.5)).tolist() == [0, 1, 5]
    assert np.flatnonzero(top(values, 0.01)).tolist() == [1]
    assert top(values, 1.0).all()


@pytest.mark.parametrize("seed", range(5))
def test_overlap_is_that_of_sets(seed: int) -> None:
    random = np.random.default_rng(seed)
    first, second = random.random(40), random.random(40)
    one, other = (set(sorted(range(40), key=lambda i, v=v: -v[i])[:8]) for v in (first, second))
    assert top_overlap(first, second, 0.2) == len(one & other) / len(one | other)


def test_a_map_agrees_with_itself_on_a_finer_grid() -> None:
    values = made((3, 5))
    both = agreement(values, WHOLE, np.repeat(np.repeat(values, 2, 0), 2, 1) / 4, FINER)
    assert both.rho == pytest.approx(1)
    assert both.top == 1
    assert both.patches == 60


def test_only_what_both_saw_counts() -> None:
    whole, middle = made((3, 5)), made((3, 3), 1)
    both = agreement(whole, WHOLE, middle, MIDDLE)
    expected = spearman(whole[:, 1:4].ravel(), middle.ravel())
    assert both.patches == 9
    assert both.rho == pytest.approx(expected, abs=1e-9)


def test_the_order_of_the_maps_does_not_matter() -> None:
    first, second = made((3, 5)), made((6, 10), 1)
    there = agreement(first, WHOLE, second, FINER)
    assert there == agreement(second, FINER, first, WHOLE)


def test_maps_that_share_nothing() -> None:
    left = Geometry((300, 500), (48, 80), (0, 0), (48, 32), 16)
    right = Geometry((300, 500), (48, 80), (0, 48), (48, 32), 16)
    both = agreement(made((3, 2)), left, made((3, 2), 1), right)
    assert (both.rho, both.top, both.patches) == (None, None, 0)
