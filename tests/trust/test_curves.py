"""Curves, gains, SaCo and ranks where the answer is a sum, and so everything is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from vitviz.errors import VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.maps.heat_map import HeatMap, Quantity
from vitviz.progress import Progress
from vitviz.trust.curves import curve
from vitviz.trust.judgement import Judgement, judge, require_judgeable
from vitviz.trust.many import mean_of
from vitviz.trust.orders import order_of, random_orders, removed_along, step_counts
from vitviz.trust.references import References, references
from vitviz.trust.saco import saco, salience_coefficient

GRID = (3, 5)
GEOMETRY = Geometry((12, 20), (12, 20), (0, 0), (12, 20), 4)
WORTH = np.random.default_rng(8).dirichlet(np.ones(15))
"""What each patch adds to the answer; all of them together 1."""

PIXELS = np.random.default_rng(3).integers(0, 256, (12, 20, 3), np.uint8)


def ask(removed: np.ndarray, progress: Progress) -> np.ndarray:
    """A network that adds up what is left."""
    return (~removed) @ WORTH


def known(orders: int = 100) -> References:
    return references(ask, GEOMETRY, PIXELS, orders=orders, seed=1)


def gain_of(order: np.ndarray, counts: np.ndarray) -> float:
    """The definition, in words: what is left without the last, minus what is without the first."""
    left = [WORTH[order[: len(order) - k]].sum() - WORTH[order[k:]].sum() for k in counts]
    return float(np.mean(left))


def test_steps_are_the_middles_of_equal_parts() -> None:
    assert step_counts(196, 6).tolist() == [16, 49, 82, 114, 147, 180]
    assert step_counts(3, 6).tolist() == [1, 2]
    assert step_counts(2).tolist() == [1]
    assert step_counts(1).tolist() == []


def test_a_curve_against_its_definition() -> None:
    order = np.random.default_rng(2).permutation(15)
    counts = step_counts(15, 4)
    along = curve(ask, order, counts)
    for first, last, count in zip(along.first, along.last, counts, strict=True):
        assert first == pytest.approx(1 - WORTH[order[:count]].sum())
        assert last == pytest.approx(1 - WORTH[order[-count:]].sum())
    assert along.gain == pytest.approx(gain_of(order, counts))
    assert along.reversed.gain == pytest.approx(-along.gain)
    assert curve(ask, order[::-1], counts).gain == pytest.approx(-along.gain)


def test_orders_at_random_have_no_gain_on_average() -> None:
    known_ = known()
    assert known_.random_gains.mean() == pytest.approx(0, abs=1e-12)
    drawn = random_orders(15, 100, np.random.default_rng(1))
    expected = [gain_of(order, known_.counts) for order in drawn]
    np.testing.assert_allclose(known_.random_gains, expected)
    with pytest.raises(ValueError, match="pairs"):
        random_orders(15, 3, np.random.default_rng(1))


def test_the_band_holds_nine_of_ten() -> None:
    found = known(1000)
    low, high = found.band
    assert low < 0 < high
    within = (found.random_gains >= low) & (found.random_gains <= high)
    assert within.mean() == pytest.approx(0.9, abs=0.01)


def test_the_true_map_reaches_what_leave_one_out_does() -> None:
    found = judge(ask, WORTH.reshape(GRID), known())
    assert found.verdict == "better"
    assert found.beaten == 100
    assert found.rank == pytest.approx(1)
    assert found.saco == pytest.approx(1)
    assert found.normalised_gain == pytest.approx(1)
    # No order has a greater gain: of all that swap two patches of the best one, none does.
    best = order_of(WORTH, np.random.default_rng(0))
    for i, j in itertools.combinations(range(15), 2):
        other = best.copy()
        other[[i, j]] = other[[j, i]]
        assert gain_of(other, found.references.counts) <= found.gain + 1e-12


def test_its_opposite_is_worse_than_chance() -> None:
    found = judge(ask, -WORTH.reshape(GRID), known())
    assert (found.verdict, found.beaten) == ("worse", 0)
    assert found.rank == pytest.approx(-1)
    assert found.saco == pytest.approx(-1)
    assert found.normalised_gain == pytest.approx(-1)


def test_maps_at_random_are_chance_nine_times_of_ten() -> None:
    known_, rng = known(), np.random.default_rng(12)
    found = [judge(ask, rng.normal(size=GRID), known_) for _ in range(300)]
    chance = np.mean([one.verdict == "chance" for one in found])
    assert chance == pytest.approx(0.9, abs=0.07)
    # Beaten orders of a map at random are spread evenly over 0..100.
    beaten = np.array([one.beaten for one in found])
    assert beaten.mean() == pytest.approx(50, abs=6)
    assert np.mean([one.saco for one in found]) == pytest.approx(0, abs=0.1)


def test_where_leave_one_out_is_chance_nothing_is_reached() -> None:
    def flat(removed: np.ndarray, progress: Progress) -> np.ndarray:
        return np.full(len(removed), 0.25)

    found = references(flat, GEOMETRY, PIXELS, orders=20)
    judged = judge(flat, WORTH.reshape(GRID), found)
    assert (judged.normalised_gain, judged.verdict, judged.rank) == (None, "chance", None)


def test_saco_against_its_formula() -> None:
    salience, worth = np.array([9.0, 4, 4, 1]), np.array([2.0, 3, 1, 1])
    total, signed = 0.0, 0.0
    for i in range(4):
        for j in range(i + 1, 4):
            weight = salience[i] - salience[j]
            total += abs(weight)
            signed += weight if worth[i] >= worth[j] else -weight
    assert salience_coefficient(salience, worth) == pytest.approx(signed / total)
    assert salience_coefficient(np.ones(4), worth) is None
    assert saco(ask, np.ones(1), np.zeros(1, int)) is None


def test_equal_values_come_in_an_order_of_their_own() -> None:
    """Not in reading order, which would prefer the sky; but the same each time."""
    values = np.array([0.0] * 10 + [1.0] * 5)
    orders = [order_of(values, np.random.default_rng(seed)) for seed in range(200)]
    assert all(set(order[:5]) == set(range(10, 15)) for order in orders)
    last = np.array([order[-1] for order in orders])
    assert set(last) == set(range(10))
    np.testing.assert_array_equal(orders[7], order_of(values, np.random.default_rng(7)))


def test_what_is_gone_after_each_step() -> None:
    gone = removed_along(np.array([3, 1, 0, 2]), np.array([1, 3]))
    assert gone.tolist() == [[False, False, False, True], [True, True, False, True]]


def test_ranks_are_of_the_blocks_that_were_left_out() -> None:
    """15 x 13 patches are left out in blocks of 2 x 2, cut off at the edges."""
    worth = np.random.default_rng(1).random((15, 13))

    def of_many(removed: np.ndarray, progress: Progress) -> np.ndarray:
        return (~removed) @ worth.ravel()

    geometry = Geometry((60, 52), (60, 52), (0, 0), (60, 52), 4)
    pixels = np.zeros((60, 52, 3), np.uint8)
    found = references(of_many, geometry, pixels, orders=2)
    assert found.block == 2
    judged = judge(of_many, worth, found)
    assert judged.rank == pytest.approx(1)
    assert judged.normalised_gain > 0.8
    plain = [[worth[r : r + 2, c : c + 2].sum() for c in range(0, 13, 2)] for r in range(0, 15, 2)]
    np.testing.assert_allclose(found.leave_one_out[::2, ::2], plain)
    np.testing.assert_allclose(found.leave_one_out[1::2, 1::2], np.array(plain)[:7, :6])


def test_the_cost_that_is_told_is_what_was_asked() -> None:
    asked = 0

    def counting(removed: np.ndarray, progress: Progress) -> np.ndarray:
        nonlocal asked
        asked += len(removed)
        return ask(removed, progress)

    found = references(counting, GEOMETRY, PIXELS, orders=20)
    assert found.forwards == asked
    asked = 0
    judged: Judgement = judge(counting, WORTH.reshape(GRID), found)
    assert judged.forwards == asked


def test_the_same_seed_gives_the_same_numbers() -> None:
    first, second = known(), known()
    np.testing.assert_array_equal(first.random, second.random)
    other = references(ask, GEOMETRY, PIXELS, seed=2)
    assert (other.random != first.random).any()


@pytest.mark.parametrize(
    ("values", "kind", "words"),
    [
        (np.ones((3, 5)), "amount", "same everywhere"),
        (np.full((3, 5), np.nan), "amount", "no numbers"),
        (np.ones((3, 5, 3)), "colours", "colours"),
        (np.ones((1, 1)), "amount", "same everywhere"),
    ],
)
def test_maps_without_an_order_are_refused(values: np.ndarray, kind: str, words: str) -> None:
    heat_map = HeatMap(values.astype(np.float32), GEOMETRY, Quantity("x", kind))  # type: ignore[arg-type]
    with pytest.raises(VitvizError, match=words):
        require_judgeable(heat_map)


def test_a_mean_over_photos() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(0.3, 0.2, 400).tolist()
    found = mean_of(values)
    error = 1.96 * np.std(values) / 20
    assert found.value == pytest.approx(np.mean(values))
    assert found.low == pytest.approx(found.value - error, abs=0.1 * error + 1e-3)
    assert found.high == pytest.approx(found.value + error, abs=0.1 * error + 1e-3)
    assert np.isnan(mean_of([]).value)
