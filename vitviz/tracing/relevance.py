"""What each token between the layers adds to a number, by repaired gradients; linear in tokens.

As ``vitviz.tracing.gradients`` does: from the states between the layers each of them runs again
with a graph of its own, from the last one down, under the rules of ``vitviz.tracing.repair``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vitviz.models.network import Network, softmax_attention
from vitviz.progress import Progress, Stage, silent
from vitviz.shapes import Float, Float32
from vitviz.tracing.aim import Aim
from vitviz.tracing.forward import going_back
from vitviz.tracing.repair import Repair


@dataclass(frozen=True, eq=False)
class Relevance:
    """What the states between the layers add to a number.

    Args:
        whole: The number.
        states: Of what each layer was given and, last, of what the last one put out: a number each
            token, on the CPU.
        biases: What the biases of each layer add and, last, those of the head.
    """

    whole: float
    states: tuple[Float32[Tensor, " _"], ...]
    biases: tuple[float, ...]


def run_repaired(
    network: Network,
    image: Float[Tensor, "1 3 height width"],
    aim: Aim,
    progress: Progress = silent,
    states: Sequence[Tensor] = (),
) -> Relevance:
    """What every token between any two layers adds to a number.

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
    size = (image.shape[2], image.shape[3])
    with going_back(network, image, progress, states) as (left, tell):
        return _down(network, size, left, aim, tell)


def _down(
    network: Network, size: tuple[int, int], states: list[Tensor], aim: Aim, progress: Progress
) -> Relevance:
    """From the number down to the first state; uses up ``states`` on the way."""
    steps = network.steps(size)
    z = states.pop()
    value, gradient, bias = repaired(lambda z: aim.value(network, z), z, None)
    found, biases = [_of_tokens(network, z, gradient)], [bias]
    for layer in reversed(range(len(steps))):
        progress(Stage("gradient_block", layer, len(steps)), 1 - (layer + 1) / len(steps))
        z, step = states.pop(), steps[layer]
        _, gradient, bias = repaired(lambda z: step(z, softmax_attention), z, gradient)  # noqa: B023
        found.insert(0, _of_tokens(network, z, gradient))
        biases.insert(0, bias)
    return Relevance(float(value), tuple(found), tuple(biases))


def repaired(
    forward: Callable[[Tensor], Tensor], z: Tensor, gradient: Tensor | None
) -> tuple[Tensor, Tensor, float]:
    """A part of a network, forward and backward under the rules.

    Args:
        forward: The part.
        z: What it is given.
        gradient: With respect to what it puts out; None: that is the number itself.

    Returns:
        What it puts out, the gradient with respect to ``z``, and what its biases add.
    """
    with torch.enable_grad():
        z = z.clone().requires_grad_()  # what inference mode made cannot take part in a graph
        rules = Repair(torch.ones((), dtype=z.dtype, device=z.device, requires_grad=True))
        with rules:
            out = forward(z)
        before, bias = torch.autograd.grad(
            out, (z, rules.one), gradient, allow_unused=True, materialize_grads=True
        )
    return out.detach(), before, float(bias)


def _of_tokens(network: Network, z: Tensor, gradient: Tensor) -> Float32[Tensor, " tokens"]:
    # The product's sum over a token does not depend on how a state lays its tokens out.
    products = network.as_tokens(z * gradient)[0]
    return products.double().sum(-1).float().cpu()
