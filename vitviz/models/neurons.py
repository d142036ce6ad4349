"""Where a network says what the neurons of a layer's MLP put out, and is told what they shall be.

A neuron is one number of the MLP's hidden layer, of every token: after the activation, the gate and
whatever norm there is, as the second linear layer reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import Tensor

Change = Callable[[Tensor], Tensor]
"""What neurons put out (batch x tokens x neurons) to what is read of them, of the same shape."""

_change: ContextVar[Change | None] = ContextVar("change", default=None)


def neurons(hidden: Tensor) -> Tensor:
    """Says that this is what a layer's neurons put out; gives what is to be read of them."""
    change = _change.get()
    return hidden if change is None else change(hidden)


@contextmanager
def changing(change: Change) -> Iterator[None]:
    """Changes what neurons put out in layers that are run inside, on this thread."""
    token = _change.set(change)
    try:
        yield
    finally:
        _change.reset(token)
