"""What a network did with one photo: enough to answer any question about attention.

A trace holds what grows with the number of tokens (q, k and one number a row), and derives what
grows with its square on demand: a few rows or columns at once, or all rows as a stream of blocks
in bounded memory. An array of layers x heads x tokens x tokens never exists.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from vitviz.imaging.geometry import Geometry
from vitviz.tracing.fused import log_denominators, row_slices
from vitviz.tracing.layout import TokenLayout


@dataclass(frozen=True, eq=False)
class Trace:
    """One forward pass, remembered.

    Attention of layer l and head h is ``A_ij = exp(q_i . k_j - lse_i)``: row i is where token i
    looks, and sums to one. Layers, heads and tokens count from 0, and not from the end.

    Args:
        layout: Which token is which.
        geometry: Where the patches lie on the photo.
        logits: The network's answer, read-only, on the CPU; None where it has no head.
        q: Queries, already divided by sqrt(head_dim), on the device.
        k: Keys, on the device.
        lse: Of each layer, the logarithm of each row's softmax denominator (heads x tokens); None
            until it is known. ``log_denominators`` fills it.
        forward_s: How long the network took, in seconds.
    """

    layout: TokenLayout
    geometry: Geometry
    logits: Float32[np.ndarray, " classes"] | None
    q: Float[Tensor, "layers heads tokens head_dim"]
    k: Float[Tensor, "layers heads tokens head_dim"]
    lse: list[Tensor | None] = field(repr=False)
    forward_s: float = 0.0

    @property
    def depth(self) -> int:
        return self.q.shape[0]

    @property
    def heads(self) -> int:
        return self.q.shape[1]

    @property
    def tokens(self) -> int:
        return self.q.shape[2]

    @property
    def device(self) -> torch.device:
        return self.q.device

    @property
    def nbytes(self) -> int:
        """What it holds on to, in bytes."""
        held = [self.q, self.k, *(lse for lse in self.lse if lse is not None)]
        logits = 0 if self.logits is None else self.logits.nbytes
        return sum(tensor.nbytes for tensor in held) + logits

    def rows(
        self, layer: int, queries: Sequence[int]
    ) -> Float32[np.ndarray, "heads queries tokens"]:
        """Where some tokens look, in one layer."""
        q = self.q[layer][:, list(queries)]
        return _on_cpu((q @ self.k[layer].mT).softmax(-1))

    def columns(self, layer: int, keys: Sequence[int]) -> Float32[np.ndarray, "heads tokens keys"]:
        """How much every token looks at some, in one layer."""
        k = self.k[layer][:, list(keys)]
        logits = self.q[layer] @ k.mT
        return _on_cpu((logits - self.log_denominators(layer).unsqueeze(-1)).exp())

    def all_rows(self, query: int) -> Float32[np.ndarray, "layers heads tokens"]:
        """Where one token looks, in every layer and head."""
        logits = self.k @ self.q[:, :, query].unsqueeze(-1)  # layers heads tokens 1
        return _on_cpu(logits.squeeze(-1).softmax(-1))

    def all_columns(self, key: int) -> Float32[np.ndarray, "layers heads tokens"]:
        """How much every token looks at one, in every layer and head."""
        logits = self.q @ self.k[:, :, key].unsqueeze(-1)  # layers heads tokens 1
        lse = torch.stack([self.log_denominators(layer) for layer in range(self.depth)])
        return _on_cpu((logits.squeeze(-1) - lse).exp())

    def log_denominators(self, layer: int) -> Float[Tensor, "heads tokens"]:
        """The logarithm of each row's softmax denominator; computed once where not yet known."""
        known = self.lse[layer]
        if known is None:
            known = log_denominators(self.q[layer], self.k[layer])
            self.lse[layer] = known
        return known

    def row_blocks(
        self, layer: int, *, heads: slice = slice(None), queries: range | None = None
    ) -> Iterator[tuple[slice, Float[Tensor, "heads block tokens"]]]:
        """All rows of one layer, a few at a time.

        Args:
            layer: From 0.
            heads: Which heads.
            queries: Which rows, a range without steps; None is all.

        Yields:
            Which rows, and their attention, on the device. Each block lies where the last one
            did: use it (in place, if you like) before you ask for the next.
        """
        # exp(q.k - lse) as one product: q gets one more number, -lse, and every k a 1 to meet it.
        lse = self.log_denominators(layer)[heads].unsqueeze(-1)
        q = torch.cat([self.q[layer, heads], -lse], dim=-1)
        keys = self.k[layer, heads]
        k = torch.cat([keys, torch.ones_like(lse)], dim=-1).mT
        buffer = q.new_empty(0)
        slices = row_slices(len(q), self.tokens, q.device.type, queries or range(self.tokens))
        for rows in slices:
            block = rows.stop - rows.start
            if buffer.shape[1:2] != (block,):
                buffer = q.new_empty(len(q), block, self.tokens)
            yield rows, torch.bmm(q[:, rows], k, out=buffer).exp_()


def _on_cpu(values: Tensor) -> Float32[np.ndarray, "..."]:
    array: Float32[np.ndarray, "..."] = values.float().cpu().numpy()
    array.flags.writeable = False
    return array
