"""One is not several."""

from __future__ import annotations

from vitviz.plurals import count_of


def test_counts() -> None:
    assert [count_of(count, "head") for count in (0, 1, 2)] == ["0 heads", "1 head", "2 heads"]
    assert count_of(1, "class", "classes") == "1 class"
    assert count_of(12_000, "class", "classes") == "12,000 classes"
