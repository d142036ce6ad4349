"""The logit lens: what the network's own head would answer at each depth.

Sources: nostalgebraist, "interpreting GPT: the logit lens", 2020; of Vision Transformers, Vilas,
Schaumloeffel and Roig, "Analyzing Vision Transformers for Image Classification in Class Embedding
Space", NeurIPS 2023, arXiv 2310.18969: the final norm and the class vectors are applied to the
states in between, of CLS and of each patch. The head was trained on the last state alone: what it
reads before is how far the answer is there already, and no answer of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vitviz.models.cost import FLOAT_BYTES
from vitviz.models.network import Network
from vitviz.progress import Progress, Stage, silent
from vitviz.shapes import Float, Float32, Int
from vitviz.tracing.forward import move, run_forward

TOGETHER_BYTES = 32 << 20
"""Of the logits of patches that are read at the same time."""


class PatchReadings(NamedTuple):
    """What the head says of each patch at one depth, as if the patch were all that it reads.

    Args:
        best: Index of the most probable class.
        share: Its probability.
        target: The probability of the class that was asked about.
    """

    best: Int[np.ndarray, " patches"]
    share: Float32[np.ndarray, " patches"]
    target: Float32[np.ndarray, " patches"]


def depth_states(
    network: Network,
    image: Float[Tensor, "1 3 height width"],
    progress: Progress = silent,
    states: Sequence[Tensor] = (),
) -> Sequence[Tensor]:
    """What the first layer is given and what each layer puts out: depth + 1 states.

    Args:
        network: Is moved to the image's device.
        image: The model's input, normalised.
        progress: Called before every block; may raise ``Cancelled``.
        states: These, where they are known; else the network runs once more.
    """
    move(network, str(image.device))
    return states or run_forward(network, image, progress)


def class_race(network: Network, states: Sequence[Tensor]) -> Float32[np.ndarray, "depths classes"]:
    """The logits that the head reads from each state; those of the last one are the answer.

    Args:
        network: Whose outline ``reads_all_depths``.
        states: From ``depth_states``.
    """
    with torch.inference_mode():
        logits = torch.stack([network.classify(z)[0].float() for z in states])
    return _frozen(logits)


def has_patch_lens(states: Sequence[Tensor]) -> bool:
    """Whether a state is a sequence of tokens, so that one can be read without the others."""
    return all(z.ndim == 3 for z in states)


def patch_race(
    network: Network, states: Sequence[Tensor], prefix: int, target: int, progress: Progress
) -> Iterator[PatchReadings]:
    """What the head reads from each patch, at each depth.

    Args:
        network: As of ``class_race``.
        states: From ``depth_states``; ``has_patch_lens`` is true of them.
        prefix: How many tokens stand before the patches.
        target: Index of a class.
        progress: Called before every depth; may raise ``Cancelled``.
    """
    for depth, z in enumerate(states):
        progress(Stage("block", depth, len(states)), depth / len(states))
        with torch.inference_mode():
            tokens = network.as_tokens(z)[0, prefix:]
            yield _read(network, tokens, prefix, target)


def _read(
    network: Network, tokens: Float[Tensor, "patches width"], prefix: int, target: int
) -> PatchReadings:
    """Each patch in the place of every token that a head may read: of the prefix, and of one
    patch, so that it does not matter which of them the head does read.
    """
    found: list[tuple[Tensor, Tensor, Tensor]] = []
    classes = network.classify(tokens[None, :1].expand(1, prefix + 1, -1)).shape[-1]
    step = max(1, TOGETHER_BYTES // (FLOAT_BYTES * max(classes, (prefix + 1) * tokens.shape[1])))
    for start in range(0, len(tokens), step):
        some = tokens[start : start + step]
        shares = network.classify(some[:, None].expand(-1, prefix + 1, -1)).float().softmax(-1)
        share, best = shares.max(-1)
        found.append((best, share, shares[:, target]))
    best, share, of_target = (torch.cat(part) for part in zip(*found, strict=True))
    return PatchReadings(_frozen(best), _frozen(share), _frozen(of_target))


def decided_at(logits: Float32[np.ndarray, "depths classes"]) -> int:
    """The first depth from which on the class that wins in the end is always the first: 0 before
    the first layer, 1 after it.
    """
    first = logits.argmax(axis=1)
    other = np.flatnonzero(first != first[-1])
    return int(other[-1]) + 1 if len(other) else 0


def _frozen(values: Tensor) -> np.ndarray:
    array: np.ndarray = values.cpu().numpy()
    array.flags.writeable = False
    return array
