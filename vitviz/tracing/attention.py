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

from vitviz.models.network import Bias
from vitviz.shapes import Float32
from vitviz.tracing.fused import block_rows, log_denominators, row_slices
from vitviz.tracing.windows import Windows


@runtime_checkable
class LayerAttention(Protocol):
    """What anybody may ask of the attention of one layer; tensors are on the device of the trace.

    Row i is where token i looks, and sums to one (to less where tokens look at padding, too). Heads
    and tokens count from 0.
    """

    @property
    def heads(self) -> int: ...

    @property
    def tokens(self) -> int: ...

    @property
    def nbytes(self) -> int: ...

    @property
    def device(self) -> torch.device: ...

    @property
    def windows(self) -> Windows | None:
        """Where tokens look only at those of their own window; None where all look at all."""

    def row(self, query: int) -> Float32[Tensor, "heads tokens"]:
        """Where one token looks."""

    def column(self, key: int) -> Float32[Tensor, "heads tokens"]:
        """How much every token looks at one."""

    @property
    def block_numbers(self) -> int:
        """How many numbers the largest block has, of all rows a few at a time."""

    def room(self) -> Float32[Tensor, " numbers"]:
        """Memory that any block of ``row_blocks`` and ``window_blocks`` fits into."""

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

    def window_blocks(
        self,
        *,
        heads: slice = slice(None),
        queries: range | None = None,
        room: Float32[Tensor, " numbers"] | None = None,
    ) -> Iterator[tuple[slice, Float32[Tensor, "heads block keys"]]]:
        """All rows as ``row_blocks`` gives them, but only over the slots of each row's own window.

        Rows are counted in the order of ``windows`` and come in whole windows; padding's rows and
        columns are 0. Where there are no windows, this is ``row_blocks``.

        Args:
            heads: Which heads.
            queries: Tokens that rows are needed of; others may come too. None is all.
            room: As of ``row_blocks``.
        """


@dataclass(eq=False)
class DenseAttention:
    """Attention in which every token looks at every token.

    ``A_ij = exp(q_i . k_j + b_ij - lse_i)``, lse_i being the logarithm of row i's softmax
    denominator. q and k carry that logarithm as one more number each, -lse_i and 1, so that
    ``A = exp(q k^T + b)`` is one product.

    Args:
        q: Queries divided by sqrt(head_dim), then -lse, or 0 until it is known.
        k: Keys, then 1.
        complete: Whether lse is known.
        bias: b, made on demand; None: 0.
    """

    q: Float32[Tensor, "heads tokens extended"]
    k: Float32[Tensor, "heads tokens extended"]
    complete: bool
    bias: Bias | None = None

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

    @property
    def windows(self) -> None:
        return None

    def row(self, query: int) -> Float32[Tensor, "heads tokens"]:
        logits = (self.k @ self.q[:, query, :, None])[..., 0]
        if self.bias is not None:
            logits += self._bias(slice(query, query + 1), slice(None))[:, 0]
        return logits.softmax(-1)

    def column(self, key: int) -> Float32[Tensor, "heads tokens"]:
        self._complete()
        logits = (self.q @ self.k[:, key, :, None])[..., 0]
        if self.bias is not None:
            for rows in self._slices(range(self.tokens)):
                logits[:, rows] += self._bias(rows, slice(None))[..., key]
        return logits.exp_()

    @property
    def block_numbers(self) -> int:
        rows = min(self.tokens, block_rows(self.heads, self.tokens, self.device.type))
        return self.heads * rows * self.tokens

    def room(self) -> Float32[Tensor, " numbers"]:
        return self.q.new_empty(self.block_numbers)

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
        for rows in self._slices(wanted):
            shape = len(q), rows.stop - rows.start, self.tokens
            block = room[: math.prod(shape)].view(shape)
            if self.bias is None:
                torch.bmm(q[:, rows], k, out=block)
            else:
                torch.baddbmm(self._bias(rows, heads), q[:, rows], k, out=block)
            yield rows, block.exp_()

    window_blocks = row_blocks

    def _slices(self, rows: range) -> Iterator[slice]:
        """As many rows at a time as if there were all heads: one head's blocks fit the room too."""
        return row_slices(self.heads, self.tokens, self.device.type, rows)

    def _bias(self, rows: slice, heads: slice) -> Float32[Tensor, "heads rows tokens"]:
        assert self.bias is not None
        with torch.no_grad():
            return self.bias(rows)[heads].float().detach()

    def _complete(self) -> None:
        """Makes sure that lse is known: the kernel gave it, or it is computed now."""
        if not self.complete:
            self.q[..., -1] = -log_denominators(self.q[..., :-1], self.k[..., :-1], self.bias)
            self.complete = True


@dataclass(eq=False)
class WindowedAttention:
    """Attention in which tokens look at those of their own window.

    It is held as ``DenseAttention`` is, window by window, and brought to where the tokens lie when
    rows or columns over all tokens are asked for: what they do not look at is 0. What they look at
    in padding is left out, and missing in their sum.

    Args:
        q: Queries, as of ``DenseAttention``.
        k: Keys, as there.
        windows: Which tokens lie in which slots.
        complete: Whether lse is known.
        bias: As there, for the slots of one window or of each.
    """

    q: Float32[Tensor, "heads windows slots extended"]
    k: Float32[Tensor, "heads windows slots extended"]
    windows: Windows
    complete: bool
    bias: Bias | None = None

    @property
    def heads(self) -> int:
        return self.q.shape[0]

    @property
    def tokens(self) -> int:
        return self.windows.tokens

    @property
    def nbytes(self) -> int:
        return self.q.nbytes + self.k.nbytes

    @property
    def device(self) -> torch.device:
        return self.q.device

    def row(self, query: int) -> Float32[Tensor, "heads tokens"]:
        (window,), (slot,) = self.windows.of_rows(slice(query, query + 1))
        logits = (self.k[:, window] @ self.q[:, window, slot, :, None])[..., 0]
        logits += self._bias(slice(int(slot), int(slot) + 1), slice(None), window[None])[:, 0, 0]
        return self._over_tokens(logits.softmax(-1), window)

    def column(self, key: int) -> Float32[Tensor, "heads tokens"]:
        self._complete()
        (window,), (slot,) = self.windows.of_rows(slice(key, key + 1))
        logits = (self.q[:, window] @ self.k[:, window, slot, :, None])[..., 0]
        logits += self._bias(self._all_slots, slice(None), window[None])[:, 0, :, slot]
        return self._over_tokens(logits.exp_(), window)

    @property
    def block_numbers(self) -> int:
        rows = min(self.tokens, block_rows(self.heads, self.tokens, self.device.type))
        return self.heads * max(rows * self.tokens, self._windows_at_once * self.windows.slots**2)

    def room(self) -> Float32[Tensor, " numbers"]:
        return self.q.new_empty(self.block_numbers)

    def row_blocks(
        self,
        *,
        heads: slice = slice(None),
        queries: range | None = None,
        room: Float32[Tensor, " numbers"] | None = None,
    ) -> Iterator[tuple[slice, Float32[Tensor, "heads block tokens"]]]:
        self._complete()
        q, k = self.q[heads], self.k[heads]
        wanted = range(self.tokens) if queries is None else queries
        room = self.room() if room is None else room
        bias = self._bias(self._all_slots, heads)  # heads, once or windows, slots, slots
        for rows in self._slices(wanted):
            windows, slots = self.windows.of_rows(rows)
            logits = (k[:, windows] @ q[:, windows, slots, :, None])[..., 0]  # heads block slots
            logits += bias[:, windows if bias.shape[1] > 1 else 0, slots]
            shape = len(q), rows.stop - rows.start, self.tokens
            block = room[: math.prod(shape)].view(shape)
            yield rows, self.windows.scattered(logits.exp_().transpose(0, 1), windows, block)

    def window_blocks(
        self,
        *,
        heads: slice = slice(None),
        queries: range | None = None,
        room: Float32[Tensor, " numbers"] | None = None,
    ) -> Iterator[tuple[slice, Float32[Tensor, "heads block slots"]]]:
        self._complete()
        q, k = self.q[heads], self.k[heads].mT
        room = self.room() if room is None else room
        bias, slots = self._bias(self._all_slots, heads), self.windows.slots
        for windows in self.windows.pieces(queries, self._windows_at_once):
            shape = len(q), windows.stop - windows.start, slots, slots
            block = room[: math.prod(shape)].view(shape)
            torch.matmul(q[:, windows], k[:, windows], out=block)
            block += bias[:, windows] if bias.shape[1] > 1 else bias
            self.windows.without_padding(block.exp_(), windows)
            yield slice(windows.start * slots, windows.stop * slots), block.flatten(1, 2)

    @property
    def _all_slots(self) -> slice:
        return slice(0, self.windows.slots)

    @property
    def _windows_at_once(self) -> int:
        rows = block_rows(self.heads, self.windows.slots, self.device.type)
        return min(max(1, rows // self.windows.slots), len(self.windows.members))

    def _slices(self, rows: range) -> Iterator[slice]:
        return row_slices(self.heads, self.tokens, self.device.type, rows)

    def _bias(
        self, rows: slice, heads: slice, windows: Tensor | None = None
    ) -> Float32[Tensor, "heads once_or_windows rows slots"]:
        """The bias of some rows, for some windows; what all windows share comes once."""
        if self.bias is None:
            return self.q.new_zeros(1, 1, 1, 1).expand(
                len(self.q[heads]), 1, rows.stop - rows.start, self.windows.slots
            )
        with torch.no_grad():
            found = self.bias(rows).float().detach()
        if found.ndim == 3:
            return found[heads, None]
        return (found if windows is None else found[windows]).transpose(0, 1)[heads]

    def _over_tokens(
        self, values: Float32[Tensor, "heads slots"], window: Tensor
    ) -> Float32[Tensor, "heads tokens"]:
        out = values.new_empty(len(values), 1, self.tokens)
        return self.windows.scattered(values[None], window[None], out)[:, 0]

    def _complete(self) -> None:
        """As of ``DenseAttention``; a window is a small matrix."""
        if not self.complete:
            bias = self._bias(self._all_slots, slice(None))
            for at in self.windows.pieces(None, self._windows_at_once):
                logits = self.q[:, at, :, :-1] @ self.k[:, at, :, :-1].mT
                logits += bias[:, at] if bias.shape[1] > 1 else bias
                self.q[:, at, :, -1] = -logits.logsumexp(-1)
            self.complete = True
