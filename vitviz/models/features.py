"""Where a network says which of its numbers are the features of a layer.

Feature maps (Grad-CAM) weigh what a layer's patches are to those that read them. That is what the
layer puts out, unless a step of the network says otherwise: in a Vision Transformer it is what the
attention of a block reads, after its norm. What the last block puts out is read at CLS alone, so
its patches have no gradient.

Source: Selvaraju et al., "Grad-CAM", ICCV 2017, arXiv 1610.02391; jacobgil/pytorch-grad-cam,
"How does it work with Vision Transformers" (the last ``norm1``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import Tensor

_watched: ContextVar[list[Tensor] | None] = ContextVar("watched", default=None)


def features(x: Tensor) -> Tensor:
    """Says that these are the features of the layer that is being computed; gives them back.

    Args:
        x: Laid out as a state of the network, so that ``Network.as_tokens`` makes tokens of it.
    """
    seen = _watched.get()
    if seen is not None:
        # A thing of its own, so that its gradient is that of what reads it from here, and not of
        # what else passes by: a residual, for instance.
        x = x.view_as(x)
        seen.append(x)
    return x


@contextmanager
def watching() -> Iterator[list[Tensor]]:
    """What is said to be features by networks that are run inside, on this thread."""
    seen: list[Tensor] = []
    token = _watched.set(seen)
    try:
        yield seen
    finally:
        _watched.reset(token)
