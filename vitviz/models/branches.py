"""Where a network says what its layers do: what they add to its state, and what they convolve.

A layer of most networks is its state and what its parts add to it: attention and an MLP, or a
convolution. Who wants to know how much each of them wrote watches; a network that says nothing is
as good as any other, and nothing can be told of its parts. A convolution says what it was given,
so that one of its windows can be shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import torch.nn.functional as F
from torch import Tensor

from vitviz.shapes import Float


@dataclass(frozen=True, eq=False)
class Convolved:
    """One convolution and what it was given, of a batch of one.

    Args:
        given: With its margins of zeros.
        weight: Its kernels.
        stride: Steps between two of its windows.
        groups: Parts that the channels are in, which do not mix.
        out: What it put out.
    """

    given: Float[Tensor, "1 before high wide"]
    weight: Float[Tensor, "after before_in_group kernel kernel"]
    stride: int
    groups: int
    out: Float[Tensor, "1 after rows cols"]


@dataclass(frozen=True, eq=False)
class Said:
    """What layers that were watched said.

    Args:
        added: By the name of the part that did.
        convolved: One after another.
    """

    added: dict[str, Tensor] = field(default_factory=dict)
    convolved: list[Convolved] = field(default_factory=list)


_watched: ContextVar[Said | None] = ContextVar("watched", default=None)


def adds(name: str, x: Tensor) -> Tensor:
    """Says that this is added to the state; gives it back.

    Args:
        name: Of the part, for people: "attention", "MLP", "convolution".
        x: Laid out as a state of the network, so that ``Network.as_tokens`` makes tokens of it.
    """
    seen = _watched.get()
    if seen is not None:
        seen.added[name] = x
    return x


def convolves(
    x: Tensor, weight: Tensor, stride: int, groups: int, margins: tuple[int, int, int, int],
    out: Tensor,
) -> Tensor:  # fmt: skip
    """Says that this was convolved; gives back what came out.

    Args:
        x: What was.
        weight: With what.
        stride: As of ``Convolved``.
        groups: As of ``Convolved``.
        margins: Of zeros around what was: to the left and right, above and below.
        out: What came out.
    """
    seen = _watched.get()
    if seen is not None:
        seen.convolved.append(Convolved(F.pad(x, margins), weight, stride, groups, out))
    return out


@contextmanager
def watching() -> Iterator[Said]:
    """What is said by layers that are run inside, on this thread."""
    seen = Said()
    token = _watched.set(seen)
    try:
        yield seen
    finally:
        _watched.reset(token)
