"""How a number depends on the pixels of the input, in memory linear in tokens."""

from __future__ import annotations

import torch
from torch import Tensor

from vitviz.models.network import Network, softmax_attention
from vitviz.progress import Progress, Stage, silent
from vitviz.shapes import Float
from vitviz.tracing.aim import Aim
from vitviz.tracing.forward import going_back


def pixel_gradient(
    network: Network,
    image: Float[Tensor, "1 3 height width"],
    aim: Aim,
    progress: Progress = silent,
) -> tuple[float, Float[Tensor, "3 height width"]]:
    """A number, and its gradient with respect to the input.

    As ``run_backward``: each block runs again with a graph of its own.

    Args:
        network: Is moved to the image's device.
        image: The model's input, normalised.
        aim: Which number; the network has its classes.
        progress: Called before every block, up and down; may raise ``Cancelled``.

    Raises:
        NotEnoughMemory: Before starting, or when memory runs out in spite of the estimate.
    """
    size = (image.shape[2], image.shape[3])
    with going_back(network, image, progress) as (states, tell):
        steps = network.steps(size)
        with torch.enable_grad():
            z = states.pop().clone().requires_grad_()
            value = aim.value(network, z)
            (gradient,) = torch.autograd.grad(value, z)
            for layer in reversed(range(len(steps))):
                tell(Stage("gradient_block", layer, len(steps)), 1 - (layer + 1) / len(steps))
                z = states.pop().clone().requires_grad_()
                (gradient,) = torch.autograd.grad(steps[layer](z, softmax_attention), z, gradient)
            pixels = image.clone().requires_grad_()
            (found,) = torch.autograd.grad(network.embed(pixels), pixels, gradient)
    return float(value.detach()), found[0]
