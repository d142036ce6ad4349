"""Gradients of attention where tokens look at those of their own window."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vitviz.shapes import Float

if TYPE_CHECKING:
    from torch import Tensor

    from vitviz.tracing.attention import LayerAttention
    from vitviz.tracing.gradients import LayerGradient

NEVER = 1e-30
"""Attention below it is of pairs that are kept from each other within a window, by a bias of -100:
a shifted window may hold two edges of the photo. A gradient with respect to what cannot be is of no
meaning."""


def slopes_in_windows(
    attention: LayerAttention, gradient: LayerGradient
) -> Iterator[tuple[slice, Float[Tensor, "heads rows slots"]]]:
    """dy/dA of whole windows, 0 for padding and for pairs that are kept from each other.

    Args:
        attention: Of a layer with windows.
        gradient: Of the same layer.

    Yields:
        Which rows, counted in the order of the windows, and each over its own window's slots.
    """
    assert gradient.windows is not None
    slots = gradient.windows.slots
    for rows, block in attention.window_blocks():
        at = slice(rows.start // slots, rows.stop // slots)
        slopes = (gradient.mixed[:, at] @ gradient.v[:, at].mT).flatten(1, 2)
        yield rows, of_possible(slopes, block)


def of_possible(
    slopes: Float[Tensor, "heads rows keys"], block: Float[Tensor, "heads rows keys"]
) -> Float[Tensor, "heads rows keys"]:
    """dy/dA with 0 wherever tokens in windows cannot look at each other; in place.

    Args:
        slopes: dy/dA.
        block: A, of the same pairs.
    """
    return slopes.masked_fill_(block < NEVER, 0.0)
