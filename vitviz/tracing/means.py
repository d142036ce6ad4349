"""Where some tokens look together, and how much is looked at them: means of rows and columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from vitviz.models.network import Bias, Network, softmax_attention
from vitviz.models.tokens import runs
from vitviz.shapes import Float32, Int
from vitviz.tracing.attention import LayerAttention


def mean_row(
    attention: LayerAttention, queries: tuple[int, ...]
) -> Float32[Tensor, "heads tokens"]:
    """Where some tokens look: the mean of their rows, in row blocks.

    Args:
        attention: Of a layer.
        queries: Ascending; at least one.
    """
    if len(queries) == 1:
        return attention.row(queries[0])
    if attention.windows is not None:
        return _mean_in_windows(attention, queries, rows=True)
    room = attention.room()
    total = room.new_zeros(attention.heads, attention.tokens)
    for run in runs(queries):
        for _, block in attention.row_blocks(queries=run, room=room):
            total += block.sum(1)
    return total / len(queries)


def mean_column(
    attention: LayerAttention,
    keys: tuple[int, ...],
    weights: Float32[Tensor, "heads tokens"] | None = None,
) -> Float32[Tensor, "heads tokens"]:
    """How much every token looks at some: the mean of their columns.

    Args:
        attention: Of a layer.
        keys: At least one.
        weights: What each token's column is multiplied by; None: nothing.
    """
    if len(keys) == 1 and weights is None:
        return attention.column(keys[0])
    if attention.windows is not None:
        return _mean_in_windows(attention, keys, rows=False, weights=weights)
    wanted = torch.tensor(keys, device=attention.device)
    factors = 1.0 if weights is None else weights[:, None, wanted]
    return torch.cat(
        [(block[..., wanted] * factors).mean(-1) for _, block in attention.row_blocks()], 1
    )


def _mean_in_windows(
    attention: LayerAttention,
    tokens: tuple[int, ...],
    *,
    rows: bool,
    weights: Float32[Tensor, "heads tokens"] | None = None,
) -> Float32[Tensor, "heads tokens"]:
    """The mean of some rows, or columns, each window by itself.

    Args:
        attention: In windows.
        tokens: Whose rows or columns.
        rows: Rows, not columns.
        weights: What each of these is multiplied by; None: nothing.
    """
    windows, heads = attention.windows, attention.heads
    assert windows is not None
    share = torch.zeros(heads, attention.tokens, device=attention.device)
    share[:, list(tokens)] = 1 / len(tokens)
    share = windows.into(share if weights is None else share * weights)
    total = share.new_zeros(heads, windows.positions)
    for at, block in attention.window_blocks():
        each = block.view(heads, -1, windows.slots, windows.slots)
        own = share[:, at].view(heads, -1, windows.slots)
        weighted = own[..., None] * each if rows else own[:, :, None] * each
        total[:, at] = weighted.sum(2 if rows else 3).flatten(1)
    return windows.out_of(total)


def mean_rows_of_kept(
    network: Network,
    image: Float32[Tensor, "1 3 height width"],
    kept: Int[Tensor, " kept"],
    query: Sequence[int],
) -> list[Float32[np.ndarray, "heads kept"]]:
    """Where some tokens look in each layer when only some tokens are there.

    Args:
        network: One that can do without tokens.
        image: The model's input, normalised.
        kept: Tokens that are there.
        query: Which rows, counted among them.
    """
    rows = _MeanRows(tuple(query))
    with torch.inference_mode():
        z = network.keep(network.embed(image), kept)
        for step in network.steps((image.shape[2], image.shape[3]), kept):
            z = step(z, rows)
    return rows.found


@dataclass
class _MeanRows:
    """An ``Attend`` that keeps where some tokens look: the mean of their rows."""

    query: tuple[int, ...]
    found: list[Float32[np.ndarray, "heads tokens"]] = field(default_factory=list)

    def __call__(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        bias: Bias | None = None,
        windows: Tensor | None = None,
    ) -> Tensor:
        logits = q[0][:, list(self.query)] @ k[0].mT * q.shape[-1] ** -0.5
        if bias is not None:
            logits = logits + torch.cat([bias(slice(row, row + 1)) for row in self.query], dim=1)
        self.found.append(logits.softmax(-1).mean(1).float().cpu().numpy())
        return softmax_attention(q, k, v, bias, windows)
