"""Counted things in words: one of them is not several."""

from __future__ import annotations


def count_of(count: int, one: str, several: str = "") -> str:
    """ "1 head", "3 heads", "0 heads", "12,000 photos".

    Args:
        count: How many.
        one: What one of them is called.
        several: What several are called, where that is not ``one`` with an s.
    """
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"
