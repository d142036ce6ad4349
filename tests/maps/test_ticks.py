"""Ticks: round, in order, told apart, and true."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitviz.maps.ticks import number, ticks

ENDS = st.floats(-1e6, 1e6, allow_subnormal=False).filter(lambda x: x == 0 or abs(x) > 1e-12)


@pytest.mark.parametrize(
    ("lo", "hi", "labels", "factor"),
    [
        (0.0, 1.0, ("0", "0.2", "0.4", "0.6", "0.8", "1.0"), ""),
        (0.0, 0.0213, ("0", "0.0050", "0.0100", "0.0150", "0.0213"), ""),
        (-3.2, 8.0, ("−3.2", "−2.0", "0", "2.0", "4.0", "6.0", "8.0"), ""),
        (0.5001, 0.5003, ("0.50010", "0.50015", "0.50020", "0.50025", "0.50030"), ""),
        (1e-6, 2.3e-5, ("0.1", "0.5", "1.0", "1.5", "2.0", "2.3"), "× 10⁻⁵"),
        (0.0, 0.0, ("0",), ""),
        (0.0187, 0.0187, ("0.0187",), ""),
    ],
)
def test_examples(lo: float, hi: float, labels: tuple[str, ...], factor: str) -> None:
    marks = ticks(lo, hi)
    assert marks.labels == labels
    assert marks.factor == factor


@given(ENDS, ENDS, st.integers(2, 8))
def test_ticks_ascend_from_end_to_end_and_labels_say_the_values(a: float, b: float, n: int) -> None:
    lo, hi = min(a, b), max(a, b)
    if hi - lo < 1e-9 * max(abs(lo), abs(hi)):
        hi = lo
    marks = ticks(lo, hi, n)
    assert marks.values[0] == lo
    assert marks.values[-1] == hi
    assert list(marks.values) == sorted(set(marks.values))
    assert len(marks.values) <= 2 * n + 3
    for value, label in zip(marks.values, marks.labels, strict=True):
        told = float(label.replace("−", "-")) * 10.0**marks.exponent
        off = 0.08 * (hi - lo) / (n - 1) if hi > lo else abs(lo) / 20
        assert told == pytest.approx(value, abs=off + 1e-300)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0187, "0.0187"),
        (0.0, "0"),
        (-12.345, "−12.3"),
        (1234.0, "1234"),
        (0.99999, "1.00"),
        (1.2e-05, "1.20 × 10⁻⁵"),
        (float("nan"), "–"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text
