"""The states between the layers, and what every way back through them begins with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from vitviz.models.network import Network, softmax_attention
from vitviz.progress import Progress, Stage, part
from vitviz.shapes import Float
from vitviz.tracing.memory import refusing, require


def move(network: Network, device: str) -> None:
    """Brings a network to a device, if it is not there: looking takes 3 ms of a ViT-B's 300."""
    if next(network.parameters()).device != torch.device(device):
        network.to(device)


def run_forward(
    network: Network, image: Float[Tensor, "1 3 height width"], progress: Progress
) -> list[Tensor]:
    """What each block is given, and what the last one puts out."""
    steps = network.steps((image.shape[2], image.shape[3]))
    with torch.inference_mode():
        states = [network.embed(image)]
        for layer, step in enumerate(steps):
            progress(Stage("block", layer, len(steps)), layer / len(steps))
            states.append(step(states[-1], softmax_attention))
    return states


def known_states(
    network: Network,
    image: Float[Tensor, "1 3 height width"],
    progress: Progress,
    states: Sequence[Tensor] = (),
) -> tuple[list[Tensor], Progress]:
    """The states between the layers.

    Args:
        network: Is moved to the image's device.
        image: The model's input, normalised.
        progress: Called before every block; may raise ``Cancelled``.
        states: They, where they are known; else the network runs once more.

    Returns:
        A list of its own, and what tells the progress of what comes then: all of it, or the second
        half.
    """
    move(network, str(image.device))
    start = 0.0 if states else 0.5
    found = list(states) or run_forward(network, image, part(progress, 0, start))
    return found, part(progress, start, 1)


@contextmanager
def going_back(
    network: Network,
    image: Float[Tensor, "1 3 height width"],
    progress: Progress,
    states: Sequence[Tensor] = (),
) -> Iterator[tuple[list[Tensor], Progress]]:
    """Holds while something goes back through the network; takes and gives what ``known_states``
    does.

    Raises:
        NotEnoughMemory: Before starting, or when memory runs out in spite of the estimate.
    """
    device, cost = str(image.device), network.cost((image.shape[2], image.shape[3]))
    needed, what = cost.backward_bytes, f"gradients of {cost.tokens:,} tokens"
    require(needed, what, device)
    with refusing(needed, what, device):
        yield known_states(network, image, progress, states)
