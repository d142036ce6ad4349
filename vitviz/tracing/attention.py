"""The attention of one layer: what grows with its tokens is held, what grows with their square is
derived on demand, a few rows or columns at once, or all rows as a stream of blocks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from vitviz.shapes import Float32
from vitviz.tracing.fused import log_denominators, row_slices


@runtime_checkable
class LayerAttention(Protocol):
    """What anybody may ask of the attention of one layer; tensors are on the device of the trace.

    Row i is where token i looks, and sums to one. Heads and tokens count from 0.
    """

    @property
    def heads(self) -> int: ...

    @property
    def tokens(self) -> int: ...

    @property
    def nbytes(self) -> int: ...

    @property
    def device(self) -> torch.device: ...

    def row(self, query: int) -> Float32[Tensor, "heads tokens"]:
        """Where one token looks."""

    def column(self, key: int) -> Float32[Tensor, "heads tokens"]:
        """How much every token looks at one."""

    def room(self) -> Float32[Tensor, " numbers"]:
        """Memory that any block of ``row_blocks`` fits into."""

    def row_blocks(
        self,
        *,
        heads: slice = slice(None),
        queries: range | None = None,
        room: Float32[Tensor, " numbers"] | None = None,
    ) -> Iterator[tuple[slice, Float32[Tensor, "heads block tokens"]]]:
        """All rows, a few at a time.

        Args:
            heads: Which heads.
            queries: Which rows, a range without steps; None is all.
            room: Memory to work in, from ``room()``; made now where there is none.

        Yields:
            Which rows, and their attention. Each block lies where the last one did: use it (in
            place, if you like) before you ask for the next.
        """


@dataclass(eq=False)
class DenseAttention:
    """Attention in which every token looks at every token.

    ``A_ij = exp(q_i . k_j - lse_i)``, lse_i being the logarithm of row i's softmax denominator. q
    and k carry that logarithm as one more number each, -lse_i and 1, so that ``A = exp(q k^T)`` is
    one product.

    Args:
        q: Queries divided by sqrt(head_dim), then -lse, or 0 until it is known.
        k: Keys, then 1.
        complete: Whether lse is known.
    """

    q: Float32[Tensor, "heads tokens extended"]
    k: Float32[Tensor, "heads tokens extended"]
    complete: bool

    @property
    def heads(self) -> int:
        return self.q.shape[0]

    @property
    def tokens(self) -> int:
        return self.q.shape[1]

    @property
    def nbytes(self) -> int:
        return self.q.nbytes + self.k.nbytes

    @property
    def device(self) -> torch.device:
        return self.q.device

    def row(self, query: int) -> Float32[Tensor, "heads tokens"]:
        return (self.k @ self.q[:, query, :, None])[..., 0].softmax(-1)

    def column(self, key: int) -> Float32[Tensor, "heads tokens"]:
        self._complete()
        return (self.q @ self.k[:, key, :, None])[..., 0].exp()

    def room(self) -> Float32[Tensor, " numbers"]:
        (largest, *_) = row_slices(self.heads, self.tokens, self.device.type, range(self.tokens))
        return self.q.new_empty(self.heads * (largest.stop - largest.start) * self.tokens)

    def row_blocks(
        self,
        *,
        heads: slice = slice(None),
        queries: range | None = None,
        room: Float32[Tensor, " numbers"] | None = None,
    ) -> Iterator[tuple[slice, Float32[Tensor, "heads block tokens"]]]:
        self._complete()
        q, k = self.q[heads], self.k[heads].mT
        wanted = range(self.tokens) if queries is None else queries
        room = self.room() if room is None else room
        # As many rows at a time as if there were all heads: one head's blocks fit the room too.
        for rows in row_slices(self.heads, self.tokens, self.device.type, wanted):
            shape = len(q), rows.stop - rows.start, self.tokens
            block = room[: math.prod(shape)].view(shape)
            yield rows, torch.bmm(q[:, rows], k, out=block).exp_()

    def _complete(self) -> None:
        """Makes sure that lse is known: the kernel gave it, or it is computed now."""
        if not self.complete:
            self.q[..., -1] = -log_denominators(self.q[..., :-1], self.k[..., :-1])
            self.complete = True
