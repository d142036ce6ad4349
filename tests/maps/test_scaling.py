"""Root and logarithmic scales: closed forms, and ticks where they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vitviz.imaging.geometry import Geometry
from vitviz.maps.interpolation import steps
from vitviz.maps.overlay import composite
from vitviz.maps.scaling import LOG_SPAN, Scaling, place, scale_name
from vitviz.maps.style import Style
from vitviz.maps.ticks import ticks

SCALINGS: tuple[Scaling, ...] = ("linear", "root", "log")
VALUES = st.floats(0, 1e3, allow_subnormal=False).filter(lambda x: x == 0 or x > 1e-9)


def by_hand(value: float, lo: float, hi: float, scaling: Scaling) -> float:
    """Where a value lies, as a textbook has it."""
    if scaling == "root":
        low, at, high = (math.copysign(math.sqrt(abs(v)), v) for v in (lo, value, hi))
    elif scaling == "log":
        floor = max(lo, hi / LOG_SPAN)
        low, at, high = (math.log(max(v, floor)) for v in (floor, value, hi))
    else:
        low, at, high = lo, value, hi
    return (at - low) / (high - low)


@pytest.mark.parametrize("scaling", SCALINGS)
@given(st.lists(VALUES, min_size=3, max_size=3).map(sorted))
def test_a_place_is_what_a_textbook_says(scaling: Scaling, three: list[float]) -> None:
    lo, value, hi = three
    assume(hi > 1.01 * lo + 1e-6)
    at = place(value, lo, hi, scaling)
    assert at == pytest.approx(by_hand(value, lo, hi, scaling), abs=1e-9)


def test_a_scale_that_is_no_logarithm_says_nothing_of_one() -> None:
    assert scale_name(1.0, "log") == "log scale"
    assert scale_name(-1.0, "log") == ""
    assert place(-1.5, -2.0, -1.0, "log") == pytest.approx(0.5)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_steps_are_the_places_of_the_values(scaling: Scaling) -> None:
    rng = np.random.default_rng(3)
    values = rng.gamma(0.4, 1.0, (3, 5)).astype(np.float32)
    at = (np.arange(3) + 0.5, np.arange(5) + 0.5)
    found = steps(values, 0.0, 2.0, *at, False, scaling)
    for (row, col), value in np.ndenumerate(values):
        told = 255 * by_hand(float(value), 0.0, 2.0, scaling)
        assert abs(found[row, col] - min(max(told, 0), 255)) <= 0.51


def test_quiet_maps_are_seen_beside_loud_ones() -> None:
    values = np.full((2, 3), 0.01, np.float32)
    at = (np.arange(2) + 0.5, np.arange(3) + 0.5)
    linear, root, log = (steps(values, 0.0, 1.0, *at, True, s)[0, 0] for s in SCALINGS)
    assert (linear, root, log) == (3, 26, 85)


def test_the_overlay_takes_the_scale_of_its_style() -> None:
    photo = np.zeros((20, 30, 3), np.uint8)
    geometry = Geometry((20, 30), (20, 30), (0, 0), (20, 30), 10)
    values = np.array([[0, 0.01, 0.04], [0.09, 0.16, 1.0]], np.float32)
    root = composite(photo, values, geometry, Style(smooth=False, scaling="root"), 0.0, 1.0)
    same = composite(photo, np.sqrt(values), geometry, Style(smooth=False), 0.0, 1.0)
    # Roots of 32 bits and of 64 may round to neighbouring steps.
    assert np.abs(root.astype(int) - same).max() <= 3


@pytest.mark.parametrize(
    ("lo", "hi", "scaling", "labels", "factor"),
    [
        (0, 0.0342, "root", ("0", "0.001", "0.005", "0.01", "0.02", "0.0342"), ""),
        (0, 0.0342, "log", ("≤ 0.00342", "0.01", "0.1", "1", "3.42"), "× 10⁻²"),
        (0.1, 100, "log", ("0.1", "1", "10", "100"), ""),
        (-0.3, 0.3, "root", ("−0.3", "−0.1", "0", "0.1", "0.3"), ""),
        (1e-9, 7.73, "root", ("0", "0.2", "1", "5", "7.73"), ""),
    ],
)
def test_ticks(
    lo: float, hi: float, scaling: Scaling, labels: tuple[str, ...], factor: str
) -> None:
    marks = ticks(lo, hi, 5, scaling)
    assert marks.labels == labels
    assert marks.factor == factor
    for value, at in zip(marks.values, marks.places, strict=True):
        assert at == pytest.approx(place(value, lo, hi, scaling))


@given(VALUES, VALUES, st.sampled_from(SCALINGS), st.integers(2, 6))
def test_ticks_keep_clear_of_each_other(a: float, b: float, scaling: Scaling, n: int) -> None:
    lo, hi = min(a, b), max(a, b)
    assume(hi > 1.01 * lo + 1e-6)
    marks = ticks(lo, hi, n, scaling)
    assert marks.places[0] == pytest.approx(0)
    assert marks.places[-1] == pytest.approx(1)
    gaps = np.diff(marks.places)
    assert (gaps >= 0.59 / (n - 1) * 0.5).all()
    assert len(set(marks.labels)) == len(marks.labels)
