"""What each head is worth: how much the logit of a class falls while it is silent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from vitviz.models.cost import WORKSPACE_BYTES
from vitviz.models.network import Attend, Bias, Network, Step, softmax_attention
from vitviz.probing.ablation import Fill
from vitviz.probing.silence import silenced
from vitviz.progress import Progress, Stage, silent
from vitviz.shapes import Float32
from vitviz.tracing.forward import move, run_forward
from vitviz.tracing.memory import refusing, require

MOST_TOGETHER = 16
"""Heads of a layer that are silenced in one forward, each in a photo of its own."""


def head_drops(
    network: Network,
    image: Float32[Tensor, "1 3 height width"],
    target: int,
    fill: Fill = "zero",
    progress: Progress = silent,
) -> tuple[float, tuple[tuple[int, Float32[np.ndarray, " heads"]], ...]]:
    """The logit of a class, and how much it falls without each head.

    What comes before a head does not change without it, so each forward begins at the head's own
    layer: all of them together cost about half as many layers as whole forwards would.

    Args:
        network: Is moved to the image's device.
        image: The model's input, normalised.
        target: Index of the class.
        fill: What a silent head puts out instead.
        progress: Told before each forward; may raise ``Cancelled``.

    Returns:
        The logit; and of each layer with heads, from 0, one number a head.

    Raises:
        NotEnoughMemory: It would not fit.

    Source: Michel, Levy and Neubig, "Are Sixteen Heads Really Better than One?", NeurIPS 2019,
    arXiv 1905.10650, section 3.2 (zero); there of a whole data set, here of one photo.
    """
    size = (image.shape[2], image.shape[3])
    cost, outline = network.cost(size), network.outline(size)
    each = max(cost.peak_bytes - WORKSPACE_BYTES, 1)
    needed, what = WORKSPACE_BYTES + MOST_TOGETHER * each, f"{cost.tokens:,} tokens without heads"
    require(needed, what, str(image.device))
    found = []
    with refusing(needed, what, str(image.device)):
        move(network, str(image.device))
        states = run_forward(network, image, silent)
        with torch.inference_mode():
            logit = float(network.classify(states[-1])[0, target])
            steps = network.steps(size)
            for layer, of in enumerate(outline.layers):
                progress(Stage("method_layer", layer, len(steps), "heads"), layer / len(steps))
                if of.heads:
                    logits = _without_each(network, steps[layer:], states[layer], of.heads, fill)
                    drops = (logit - logits[:, target].double()).float().cpu().numpy()
                    drops.flags.writeable = False
                    found.append((layer, drops))
    return logit, tuple(found)


def _without_each(
    network: Network, steps: Sequence[Step], z: Tensor, heads: int, fill: Fill
) -> Tensor:
    """The answer without each head of the first of these steps."""
    answers = []
    for start in range(0, heads, MOST_TOGETHER):
        chosen = torch.arange(start, min(start + MOST_TOGETHER, heads), device=z.device)
        own = _one_each(softmax_attention, chosen, fill)
        state = steps[0](z.expand(len(chosen), *z.shape[1:]), own)
        for step in steps[1:]:
            state = step(state, softmax_attention)
        answers.append(network.classify(state))
    return torch.cat(answers)


def _one_each(attend: Attend, chosen: Tensor, fill: Fill) -> Attend:
    """Attention in which each photo of a batch is without one head."""

    def one_each(
        q: Tensor, k: Tensor, v: Tensor, bias: Bias | None = None, windows: Tensor | None = None
    ) -> Tensor:
        mixed = attend(q, k, v, bias, windows)
        times = len(mixed) // len(chosen)  # windows of each photo
        gone = chosen.repeat_interleave(times)[:, None] == torch.arange(
            mixed.shape[1], device=mixed.device
        )
        return silenced(mixed, gone, fill, windows)

    return one_each
