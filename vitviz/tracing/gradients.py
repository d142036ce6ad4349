"""How one class's logit depends on every layer's attention, in memory linear in tokens.

With ``O = A V``, a head's output, the gradient of the logit y with respect to its attention is
``dy/dA = dy/dO V^T``: as q and k give any rows of A, dy/dO and v give any rows of its gradient.

A forward keeps each block's input; going back, each block runs again with a graph of its own,
which is gone before the next. So no more than one block's graph exists at a time.

Source: Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016, arXiv 1604.06174.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from vitviz.models.network import Network, Step
from vitviz.progress import Progress, Stage, part, silent
from vitviz.shapes import Float
from vitviz.tracing.memory import refusing, require


class LayerGradient(NamedTuple):
    """What rows of one layer's dy/dA are made from.

    Args:
        v: The values that its heads mix.
        mixed: The gradient of y with respect to what its heads put out, before their projection.
    """

    v: Float[Tensor, "heads tokens head_dim"]
    mixed: Float[Tensor, "heads tokens head_dim"]


@dataclass(frozen=True, eq=False)
class Gradients:
    """What rows of dy/dA are made from, y being the logit of one class.

    Args:
        target: Index of the class.
        layers: Of each layer; None of one without attention.
    """

    target: int
    layers: tuple[LayerGradient | None, ...]

    @property
    def nbytes(self) -> int:
        found = [layer for layer in self.layers if layer is not None]
        return sum(tensor.nbytes for layer in found for tensor in layer)

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
        found = self.layers[layer]
        if found is None:
            raise ValueError(f"layer {layer} has no attention")
        mixed, v = found.mixed[heads, queries], found.v[heads].mT
        if room is None:
            return torch.bmm(mixed, v)
        shape = *mixed.shape[:2], v.shape[-1]
        return torch.bmm(mixed, v, out=room[: shape[0] * shape[1] * shape[2]].view(shape))


def move(network: Network, device: str) -> None:
    """Brings a network to a device, if it is not there: looking takes 3 ms of a ViT-B's 300."""
    if next(network.parameters()).device != torch.device(device):
        network.to(device)


def run_backward(
    network: Network,
    image: Float[Tensor, "1 3 height width"],
    target: int,
    progress: Progress = silent,
    states: Sequence[Tensor] = (),
) -> Gradients:
    """The gradients of one class's logit.

    Args:
        network: Is moved to the image's device.
        image: The model's input, normalised.
        target: Index of the class; the network has it.
        progress: Called before every block, up and down; may raise ``Cancelled``.
        states: What each block is given, and what the last one puts out, where that is known; else
            the network runs once more, and they are let go on the way back.

    Raises:
        NotEnoughMemory: Before starting, or when memory runs out in spite of the estimate.
    """
    device, cost = str(image.device), network.cost((image.shape[2], image.shape[3]))
    needed, what = cost.backward_bytes, f"gradients of {cost.tokens:,} tokens"
    require(needed, what, device)
    with refusing(needed, what, device):
        move(network, device)
        steps = network.steps((image.shape[2], image.shape[3]))
        if states:
            return _backward(network, steps, list(states), target, progress)
        found = run_forward(network, image, part(progress, 0, 0.5))
        return _backward(network, steps, found, target, part(progress, 0.5, 1))


def run_forward(
    network: Network, image: Float[Tensor, "1 3 height width"], progress: Progress
) -> list[Tensor]:
    """What each block is given, and what the last one puts out."""
    steps = network.steps((image.shape[2], image.shape[3]))
    with torch.inference_mode():
        states = [network.embed(image)]
        for layer, step in enumerate(steps):
            progress(Stage("block", layer, len(steps)), layer / len(steps))
            states.append(step(states[-1], F.scaled_dot_product_attention))
    return states


def _backward(
    network: Network, steps: Sequence[Step], states: list[Tensor], target: int, progress: Progress
) -> Gradients:
    """From the logit down to the first block; uses up ``states`` on the way."""
    depth = len(steps)
    with torch.enable_grad():
        z = states.pop().clone().requires_grad_()
        (gradient,) = torch.autograd.grad(network.classify(z)[0, target], z)
    found: list[LayerGradient | None] = []
    for layer in reversed(range(depth)):
        progress(Stage("gradient_block", layer, depth), 1 - (layer + 1) / depth)
        gradient, of_layer = _through(steps[layer], states.pop(), gradient)
        found.insert(0, of_layer)
    return Gradients(target, tuple(found))


def _through(step: Step, z: Tensor, gradient: Tensor) -> tuple[Tensor, LayerGradient | None]:
    """One block backward.

    Args:
        step: Runs once more, now with a graph.
        z: What it was given.
        gradient: With respect to what it put out.

    Returns:
        The gradient with respect to ``z``; and with respect to the attention.
    """
    seen: list[Tensor] = []

    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        seen.extend((v, F.scaled_dot_product_attention(q, k, v)))
        return seen[1]

    with torch.enable_grad():
        z = z.clone().requires_grad_()  # what inference mode made cannot take part in a graph
        out = step(z, attend)
        if not seen:
            (before,) = torch.autograd.grad(out, z, gradient)
            return before, None
        v, mixed = seen
        before, by_mixed = torch.autograd.grad(out, (z, mixed), gradient)
    # Copies: v is a part of what q and k lie in too.
    own = v[0].detach().clone(memory_format=torch.contiguous_format)
    return before, LayerGradient(own, by_mixed[0])
