"""Amounts and times for people."""

from __future__ import annotations

import pytest

from vitviz.wording.numbers import amount, byte_size, duration, measured_time


@pytest.mark.parametrize(
    ("count", "words"), [(86_567_656, "86.6 M"), (7, "7"), (4_097, "4.1 k"), (3e9, "3.0 G")]
)
def test_amounts(count: float, words: str) -> None:
    assert amount(count) == words


def test_sizes_are_decimal() -> None:
    assert byte_size(1_234_000_000) == "1.2 GB"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.0004, "0.4 ms"), (0.0414, "41 ms"), (3.21, "3.2 s")]
)
def test_measured_times(seconds: float, words: str) -> None:
    assert measured_time(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (59.4, "59 s"), (60, "1 min 0 s"), (3599, "59 min 59 s"), (3600, "1 h 0 min"),
     (86400, "24 h 0 min"), (400_000, "5 days")],
)  # fmt: skip
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words
