"""Attention by the fused kernel, which never stores the attention itself.

The kernel knows the logarithm of every row's softmax denominator. With it any entry of the
attention is one product away, ``A_ij = exp(q_i . k_j - lse_i)``, columns as cheap as rows. torch
gives it out only through private operators, so each is tried on a small problem first; where
none of them is there, takes what it is given, and is right, the public one does the work and
whoever needs the logarithms computes them (``log_denominators``).

Source: Dao et al., "FlashAttention", NeurIPS 2022, arXiv 2205.14135 (the logarithms are its L).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import torch
from torch import Tensor

from vitviz.models.network import Bias, bias_of, bias_rows, softmax_attention
from vitviz.shapes import Float

Kernel = Callable[..., tuple[Tensor, ...]]
"""q, k, v (batch heads tokens head_dim), where there is a bias also that (once or batch, heads,
tokens, tokens), to the mixed v, the logarithms, and whatever else."""

BLOCK_BYTES = {"cpu": 6 << 20}
"""How large a block of attention is, by device type.

Measured on two cores with 1 MB of second-level cache each: blocks of 3 to 12 MB are fastest.
"""
DEFAULT_BLOCK_BYTES = 128 << 20
FEWEST_ROWS = 32
"""Of a block: products of fewer rows keep the processor waiting for k."""


def _cpu(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> tuple[Tensor, ...]:
    found: tuple[Tensor, ...] = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        q, k, v, attn_mask=bias
    )
    return found


def _cuda_flash(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, ...]:
    found: tuple[Tensor, ...] = torch.ops.aten._scaled_dot_product_flash_attention(q, k, v)
    return found


def _cuda_efficient(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, ...]:
    found: tuple[Tensor, ...] = torch.ops.aten._scaled_dot_product_efficient_attention(
        q, k, v, None, True
    )
    return found


KERNELS: dict[str, tuple[Kernel, ...]] = {"cpu": (_cpu,), "cuda": (_cuda_flash, _cuda_efficient)}
"""Private operators that give the logarithms, by device type, the preferred one first."""

BIASED_KERNELS: dict[str, tuple[Kernel, ...]] = {"cpu": (_cpu,)}
"""Those that take a bias. (CUDA's wants it aligned and padded: there the public one does it.)"""


def attend(
    q: Float[Tensor, "batch heads tokens head_dim"],
    k: Float[Tensor, "batch heads tokens head_dim"],
    v: Float[Tensor, "batch heads tokens head_dim"],
    bias: Bias | None = None,
) -> tuple[
    Float[Tensor, "batch heads tokens head_dim"], Float[Tensor, "batch heads tokens"] | None
]:
    """Scaled dot-product attention, and the logarithm of each row's denominator if it is free.

    Args:
        q: Queries, not yet divided by sqrt(head_dim).
        k: Keys.
        v: Values.
        bias: Added before the softmax.
    """
    kernel = trusted_kernel(q.device, q.dtype, q.shape[-1], bias is not None)
    if kernel is None:
        return softmax_attention(q, k, v, bias), None
    if bias is None:
        mixed, lse = kernel(q, k, v)[:2]
        return mixed, lse[..., : q.shape[2]]  # CUDA pads rows to a multiple of 32
    pieces = [kernel(q[:, :, at], k, v, bias_of(bias, at, len(q)))[:2] for at in bias_rows(q)]
    mixes, logarithms = zip(*pieces, strict=True)
    if len(pieces) == 1:
        return mixes[0], logarithms[0]
    return torch.cat(mixes, dim=2), torch.cat(logarithms, dim=2)


@cache
def trusted_kernel(
    device: torch.device, dtype: torch.dtype, head_dim: int, biased: bool = False
) -> Kernel | None:
    """The first private operator that gives the right answer to a small problem here."""
    for kernel in (BIASED_KERNELS if biased else KERNELS).get(device.type, ()):
        if _is_right(kernel, device, dtype, head_dim, biased):
            return kernel
    return None


def _is_right(
    kernel: Kernel, device: torch.device, dtype: torch.dtype, head_dim: int, biased: bool
) -> bool:
    # Sines rather than random numbers: nobody's random state changes. Rows 5, so that padding
    # shows; laid out as the network's own q, k, v are.
    count = 3 * 2 * 5 * head_dim
    numbers = torch.arange(count, device=device, dtype=torch.float32).sin().to(dtype)
    q, k, v = numbers.view(1, 5, 3, 2, head_dim).permute(2, 0, 3, 1, 4)
    tolerance = 1e-4 if dtype == torch.float32 else 3e-2
    logits = (q.float() @ k.float().mT) * head_dim**-0.5
    more = torch.arange(50, device=device, dtype=torch.float32).cos().to(dtype).view(1, 2, 5, 5)
    bias = (3 * more,) if biased else ()
    logits += sum(bias)
    try:
        mixed, lse = kernel(q, k, v, *bias)[:2]
        right_lse = torch.allclose(lse[..., :5].float(), logits.logsumexp(-1), atol=tolerance)
        right_mix = torch.allclose(mixed.float(), logits.softmax(-1) @ v.float(), atol=tolerance)
    except (AttributeError, IndexError, NotImplementedError, RuntimeError, TypeError, ValueError):
        return False
    return right_lse and right_mix and mixed.shape == q.shape


def block_rows(heads: int, tokens: int, device_type: str) -> int:
    """How many rows of attention (heads x rows x tokens, float32) are a block."""
    block_bytes = BLOCK_BYTES.get(device_type, DEFAULT_BLOCK_BYTES)
    return max(FEWEST_ROWS, block_bytes // (4 * heads * tokens))


def row_slices(heads: int, tokens: int, device_type: str, rows: range) -> Iterator[slice]:
    """Cuts ``rows`` into pieces whose attention is a block."""
    step = block_rows(heads, tokens, device_type)
    for start in range(rows.start, rows.stop, step):
        yield slice(start, min(start + step, rows.stop))


def log_denominators(
    q: Float[Tensor, "heads tokens head_dim"],
    k: Float[Tensor, "heads tokens head_dim"],
    bias: Bias | None = None,
) -> Float[Tensor, "heads tokens"]:
    """The logarithm of each row's softmax denominator, row block by row block.

    Args:
        q: Queries, already divided by sqrt(head_dim).
        k: Keys.
        bias: Added before the softmax.
    """
    heads, tokens, _ = q.shape
    lse = q.new_empty(heads, tokens)
    for rows in row_slices(heads, tokens, q.device.type, range(tokens)):
        logits = q[:, rows] @ k.mT
        if bias is not None:
            with torch.no_grad():
                logits += bias(rows)
        lse[:, rows] = logits.logsumexp(-1)
    return lse
