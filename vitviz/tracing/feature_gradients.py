"""How a number depends on the features of each layer, in memory linear in tokens.

As ``vitviz.tracing.gradients`` does: from the states between the layers each of them runs again
with a graph of its own, from the last one down. What a layer's features are, the network says
(``vitviz.models.features``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from vitviz.models.features import watching
from vitviz.models.network import Network, Step, softmax_attention
from vitviz.progress import Progress, Stage
from vitviz.shapes import Float
from vitviz.tracing.aim import Aim
from vitviz.tracing.forward import going_back


class LayerFeatures(NamedTuple):
    """One layer's features and what the logit makes of them.

    Args:
        layer: From 0.
        features: Token by token, prefix first.
        gradients: Of the logit with respect to them.
    """

    layer: int
    features: Float[Tensor, "tokens width"]
    gradients: Float[Tensor, "tokens width"]


def feature_gradients(
    network: Network,
    image: Float[Tensor, "1 3 height width"],
    aim: Aim,
    progress: Progress,
    states: Sequence[Tensor] = (),
) -> Iterator[LayerFeatures]:
    """The features of every layer with their gradients, from the last layer to the first.

    Args:
        network: Is moved to the image's device.
        image: The model's input, normalised.
        aim: Which number; the network has its classes.
        progress: Called before every block, up and down; may raise ``Cancelled``.
        states: What each block is given, and what the last one puts out, where that is known; else
            the network runs once more.

    Raises:
        NotEnoughMemory: Before starting, or when memory runs out in spite of the estimate.
    """
    size = image.shape[2], image.shape[3]
    with going_back(network, image, progress, states) as (left, tell):
        yield from _down(network, size, left, aim, tell)


def _down(
    network: Network, size: tuple[int, int], states: list[Tensor], aim: Aim, progress: Progress
) -> Iterator[LayerFeatures]:
    """Uses up ``states`` on the way."""
    steps = network.steps(size)
    depth = len(steps)
    out = states.pop()
    ((of_head, by_head), gradient) = _backward(lambda z: aim.value(network, z), out, None)
    for layer in reversed(range(depth)):
        progress(Stage("gradient_block", layer, depth), 1 - (layer + 1) / depth)
        step, after, by_after = steps[layer], out, gradient
        out = states.pop()
        (of_step, by_step), gradient = _backward(partial(_with_attention, step), out, by_after)
        if layer == depth - 1 and of_head is not None and by_head is not None:
            found = of_head, by_head
        elif of_step is not None and by_step is not None:
            found = of_step, by_step
        else:
            found = after, by_after
        of, by = (network.as_tokens(z)[0].detach().float() for z in found)
        yield LayerFeatures(layer, of, by)


def _with_attention(step: Step, z: Tensor) -> Tensor:
    return step(z, softmax_attention)


Said = tuple[Tensor | None, Tensor | None]
"""What a step said to be features, with its gradient; None where it said nothing."""


def _backward(
    forward: Callable[[Tensor], Tensor], z: Tensor, gradient: Tensor | None
) -> tuple[Said, Tensor]:
    """One part of the network backward: what it said to be features, and the gradient of what it
    was given.
    """
    with torch.enable_grad(), watching() as seen:
        z = z.clone().requires_grad_()  # what inference mode made cannot take part in a graph
        out = forward(z)
        if not seen:
            (before,) = torch.autograd.grad(out, z, gradient)
            return (None, None), before
        before, by_features = torch.autograd.grad(out, (z, seen[-1]), gradient)
    return (seen[-1], by_features), before
