"""How a number depends on every layer's attention, in memory linear in tokens.

The number y is a class's logit, or another ``Aim``. With ``O = A V``, a head's output, its gradient
with respect to the attention is ``dy/dA = dy/dO V^T``: as q and k give any rows of A, dy/dO and v
give any rows of its gradient.

A forward keeps each block's input; going back, each block runs again with a graph of its own,
which is gone before the next. So no more than one block's graph exists at a time.

Source: Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016, arXiv 1604.06174.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from vitviz.models.network import Bias, Network, Step, softmax_attention
from vitviz.progress import Progress, Stage, silent
from vitviz.shapes import Float
from vitviz.tracing.aim import Aim
from vitviz.tracing.forward import going_back
from vitviz.tracing.windows import Windows


class LayerGradient(NamedTuple):
    """What rows of one layer's dy/dA are made from.

    Args:
        v: The values that its heads mix; window by window where there are windows.
        mixed: The gradient of y with respect to what its heads put out, before their projection.
        windows: Which tokens lie in which windows; None where all look at all.
    """

    v: Float[Tensor, "heads *windows tokens head_dim"]
    mixed: Float[Tensor, "heads *windows tokens head_dim"]
    windows: Windows | None = None

    @property
    def nbytes(self) -> int:
        """What it holds on to, in bytes."""
        return self.v.nbytes + self.mixed.nbytes


@dataclass(frozen=True, eq=False)
class Gradients:
    """What rows of dy/dA are made from.

    Args:
        aim: What y is.
        layers: Of each layer; None of one without attention.
    """

    aim: Aim
    layers: tuple[LayerGradient | None, ...]

    @property
    def nbytes(self) -> int:
        return sum(layer.nbytes for layer in self.layers if layer is not None)

    @cached_property
    def positive(self) -> Gradients:
        """With only what is positive of the gradients of what heads put out; rows of it are
        ``(dy/dO)+ V^T``.
        """
        layers = (
            None if layer is None else layer._replace(mixed=layer.mixed.clamp(min=0))
            for layer in self.layers
        )
        return Gradients(self.aim, tuple(layers))

    def rows(
        self,
        layer: int,
        heads: slice,
        queries: slice,
        room: Float[Tensor, " numbers"] | None = None,
    ) -> Float[Tensor, "heads queries tokens"]:
        """dy/dA of some rows of one layer.

        Args:
            layer: From 0.
            heads: Which heads.
            queries: Which rows.
            room: Memory to work in, from ``Trace.room()``; made now where there is none.
        """
        found = self._of(layer)
        if found.windows is None:
            return _product(found.mixed[heads, queries], found.v[heads].mT, room)
        windows, slots = found.windows.of_rows(queries)
        mixed, v = found.mixed[heads, windows, slots, :, None], found.v[heads, windows]
        rows = (v @ mixed)[..., 0].transpose(0, 1)
        shape = rows.shape[1], len(rows), found.windows.tokens
        out = rows.new_empty(shape) if room is None else room[: math.prod(shape)].view(shape)
        return found.windows.scattered(rows, windows, out)

    def window_rows(
        self,
        layer: int,
        heads: slice,
        rows: slice,
        room: Float[Tensor, " numbers"] | None = None,
    ) -> Float[Tensor, "heads rows keys"]:
        """dy/dA of some rows over their own windows, as ``LayerAttention.window_blocks`` has A;
        padding's are of no meaning.

        Args:
            layer: From 0.
            heads: Which heads.
            rows: Which rows, counted in the order of the windows: whole windows.
            room: As of ``rows``.
        """
        found = self._of(layer)
        if found.windows is None:
            return self.rows(layer, heads, rows, room)
        slots = found.windows.slots
        windows = slice(rows.start // slots, rows.stop // slots)
        return _product(found.mixed[heads, windows], found.v[heads, windows].mT, room).flatten(1, 2)

    def _of(self, layer: int) -> LayerGradient:
        found = self.layers[layer]
        if found is None:
            raise ValueError(f"layer {layer} has no attention")
        return found


def _product(
    mixed: Float[Tensor, "heads *windows rows head_dim"],
    v: Float[Tensor, "heads *windows head_dim keys"],
    room: Float[Tensor, " numbers"] | None,
) -> Float[Tensor, "heads *windows rows keys"]:
    if room is None:
        return mixed @ v
    shape = *mixed.shape[:-1], v.shape[-1]
    return torch.matmul(mixed, v, out=room[: math.prod(shape)].view(shape))


def run_backward(
    network: Network,
    image: Float[Tensor, "1 3 height width"],
    aim: Aim,
    progress: Progress = silent,
    states: Sequence[Tensor] = (),
) -> Gradients:
    """The gradients of one number.

    Args:
        network: Is moved to the image's device.
        image: The model's input, normalised.
        aim: Which number; the network has its classes.
        progress: Called before every block, up and down; may raise ``Cancelled``.
        states: What each block is given, and what the last one puts out, where that is known; else
            the network runs once more, and they are let go on the way back.

    Raises:
        NotEnoughMemory: Before starting, or when memory runs out in spite of the estimate.
    """
    with going_back(network, image, progress, states) as (left, tell):
        steps = network.steps((image.shape[2], image.shape[3]))
        return _backward(network, steps, left, aim, tell)


def _backward(
    network: Network, steps: Sequence[Step], states: list[Tensor], aim: Aim, progress: Progress
) -> Gradients:
    """From the number down to the first block; uses up ``states`` on the way."""
    depth = len(steps)
    with torch.enable_grad():
        z = states.pop().clone().requires_grad_()
        (gradient,) = torch.autograd.grad(aim.value(network, z), z)
    found: list[LayerGradient | None] = []
    for layer in reversed(range(depth)):
        progress(Stage("gradient_block", layer, depth), 1 - (layer + 1) / depth)
        gradient, of_layer = _through(steps[layer], states.pop(), gradient)
        found.insert(0, of_layer)
    return Gradients(aim, tuple(found))


def run_readouts(
    network: Network,
    image: Float[Tensor, "1 3 height width"],
    read: Callable[[Tensor], Float[Tensor, ""]],
    layers: range,
    progress: Progress = silent,
    states: Sequence[Tensor] = (),
) -> Iterator[tuple[int, LayerGradient | None]]:
    """The gradients of what is read from each of some layers, each with respect to the attention of
    that layer alone.

    Args:
        network: As of ``run_backward``.
        image: As of ``run_backward``.
        read: A number from what a layer puts out.
        layers: Which.
        progress: Called before every block; may raise ``Cancelled``.
        states: As of ``run_backward``.

    Raises:
        NotEnoughMemory: Before starting, or when memory runs out in spite of the estimate.
    """
    with going_back(network, image, progress, states) as (known, tell):
        steps = network.steps((image.shape[2], image.shape[3]))
        for place, layer in enumerate(layers):
            tell(Stage("gradient_block", layer, len(steps)), place / len(layers))
            with torch.enable_grad():
                out = known[layer + 1].clone().requires_grad_()
                (gradient,) = torch.autograd.grad(read(out), out)
            yield layer, _through(steps[layer], known[layer], gradient, passing=False)[1]


def _through(
    step: Step, z: Tensor, gradient: Tensor, *, passing: bool = True
) -> tuple[Tensor, LayerGradient | None]:
    """One block backward.

    Args:
        step: Runs once more, now with a graph.
        z: What it was given.
        gradient: With respect to what it put out.
        passing: Goes on to what it was given; else only to the attention.

    Returns:
        The gradient with respect to ``z``, where it is wanted; and with respect to the attention.
    """
    seen: list[Tensor] = []
    members: list[Tensor] = []

    def attend(
        q: Tensor,
        k: Tensor,
        v: Tensor,
        bias: Bias | None = None,
        windows: Tensor | None = None,
    ) -> Tensor:
        seen.extend((v, softmax_attention(q, k, v, bias, windows)))
        members.extend([] if windows is None else [windows])
        return seen[1]

    with torch.enable_grad():
        z = z.clone().requires_grad_()  # what inference mode made cannot take part in a graph
        out = step(z, attend)
        if not seen:
            (before,) = torch.autograd.grad(out, z, gradient)
            return before, None
        v, mixed = seen
        wanted = (z, mixed) if passing else (mixed, mixed)
        before, by_mixed = torch.autograd.grad(out, wanted, gradient)
    # Copies: v is a part of what q and k lie in too.
    own = v.detach().clone(memory_format=torch.contiguous_format)
    if not members:
        return before, LayerGradient(own[0], by_mixed[0])
    windows = Windows(members[0])
    return before, LayerGradient(own.transpose(0, 1), by_mixed.transpose(0, 1), windows)
