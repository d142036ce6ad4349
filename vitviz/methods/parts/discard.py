"""The smallest entries of a matrix set to zero, exactly so many, without ever holding it whole.

The matrix comes in row blocks, as often as asked. Its n-th smallest entry is found digit by
digit: non-negative floats sort as their bits do, so one count of the upper 16 bits and one of the
lower 16 bits among those that share the right upper ones tell it exactly, in memory that does not
grow with the matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

RowBlocks = Iterator[tuple[slice, "Tensor"]]
"""Which rows, and the rows themselves (block x tokens, float32, non-negative)."""

KEPT_BYTES = 256 << 20
"""A matrix up to this size is kept while it is searched; a larger one is made again each time."""


class Cut(NamedTuple):
    """Which entries go.

    Args:
        bits: Of the n-th smallest entry, as an integer. Everything below goes.
        ties: How many entries equal to it go, in row-major order.
    """

    bits: int
    ties: int


def discard_smallest(blocks: Callable[[], RowBlocks], count: int, nbytes: int) -> RowBlocks:
    """The same matrix with its ``count`` smallest entries set to zero.

    Args:
        blocks: Makes the matrix's row blocks, in order; the same ones each time, and never in the
            place of earlier ones.
        count: Of equal entries the first, in row-major order, go first.
        nbytes: Size of the whole matrix, in bytes.
    """
    if count == 0:
        yield from blocks()
        return
    if nbytes <= KEPT_BYTES:
        blocks = list(blocks()).__iter__
    cut = find_cut(blocks, count)
    ties = cut.ties
    for rows, block in blocks():
        bits = _bits(block)
        equal = (bits == cut.bits).flatten().nonzero().squeeze(1)[:ties] if ties else None
        block.masked_fill_(bits < cut.bits, 0.0)
        if equal is not None:
            block.view(-1)[equal] = 0.0
            ties -= len(equal)
        yield rows, block


def find_cut(blocks: Callable[[], RowBlocks], count: int) -> Cut:
    """Where the ``count`` smallest entries end; ``count`` is at least 1."""
    upper, below = _bin_of((_bits(block) >> 16 for _, block in blocks()), count)
    alike = (_bits(block) for _, block in blocks())
    lower, less = _bin_of((bits[bits >> 16 == upper] & 0xFFFF for bits in alike), count - below)
    return Cut((upper << 16) + lower, count - below - less)


def _bin_of(digits: Iterator[Tensor], count: int) -> tuple[int, int]:
    """The digit of the ``count``-th smallest entry, and how many entries have smaller ones."""
    counts = reduce(add, (digit.flatten().bincount(minlength=1 << 16) for digit in digits))
    totals = counts.cumsum(0)
    index = int((totals < count).sum())
    return index, int(totals[index] - counts[index])


def _bits(block: Tensor) -> Tensor:
    import torch

    return block.view(torch.int32)
