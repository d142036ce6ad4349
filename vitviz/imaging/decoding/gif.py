"""The frames of a GIF, counted without decoding them."""

from __future__ import annotations

from typing import NamedTuple

MOST_BLOCKS = 2_000_000
"""Looked at in a file: a second's work. Longer animations are longer than is said."""


class Survey(NamedTuple):
    """What a GIF holds.

    Args:
        frames: How many pictures.
        blocks: How many pieces its data lie in, ``MOST_BLOCKS`` at most.
    """

    frames: int
    blocks: int


def survey(data: bytes) -> Survey:
    """Goes from block to block; stops where the file ends or is damaged.

    Pillow's own count reads and parses each frame: minutes for some 100,000.
    Source: GIF89a specification, sections 18 to 26.
    """
    at, frames, blocks = _behind_table(data, 10, 13), 0, 0
    try:
        while blocks < MOST_BLOCKS:
            kind = data[at]
            if kind == 0x2C:
                frames += 1
                at = _behind_table(data, at + 9, at + 10) + 1
            elif kind == 0x21:
                at += 2
            elif kind == 0x3B:
                break
            else:  # Pillow skips what it does not know, too.
                at += 1
                blocks += 1
                continue
            blocks += 1
            while (length := data[at]) and blocks < MOST_BLOCKS:
                at += 1 + length
                blocks += 1
            at += 1
    except IndexError:
        pass
    return Survey(frames, blocks)


def _behind_table(data: bytes, flags_at: int, table_at: int) -> int:
    """Where things go on behind a table of colours that flags announce, or not."""
    flags = data[flags_at] if flags_at < len(data) else 0
    return table_at + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
