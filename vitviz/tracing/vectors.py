"""The vector of each token in each layer: what it puts out, or what its heads compare and mix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from vitviz.models.network import Bias, Network, Step, softmax_attention
from vitviz.progress import Progress, Stage, part
from vitviz.shapes import Float
from vitviz.tracing.forward import move, run_forward
from vitviz.tracing.windows import Windows

VectorKind = Literal["normed", "tokens", "queries", "keys", "values"]
"""The state after a layer as the network's last norm makes it, what that was trained for, or as it
is; or what the layer's heads compare and mix, all heads one after another."""

VECTOR_KINDS: tuple[VectorKind, ...] = get_args(VectorKind)


def run_vectors(
    network: Network,
    image: Float[Tensor, "1 3 height width"],
    kind: VectorKind,
    progress: Progress,
    states: Sequence[Tensor] = (),
) -> Iterator[tuple[int, Float[Tensor, "tokens width"]]]:
    """The vectors of every layer that has them, with its number from 0.

    Args:
        network: Is moved to the image's device.
        image: The model's input, normalised.
        kind: Which vectors. Queries, keys and values are as attention compares and mixes them
            (after norms of their own and rotary positions, before the scale); a layer without
            attention has none.
        progress: Called before every block; may raise ``Cancelled``.
        states: What each block is given, and what the last one puts out, where that is known; else
            the network runs once more.
    """
    move(network, str(image.device))
    of_heads = kind in ("queries", "keys", "values")
    end = 0.5 if of_heads else 1.0
    known = list(states) or run_forward(network, image, part(progress, 0, end))
    tell = part(progress, 0 if states else end, 1)
    steps = network.steps((image.shape[2], image.shape[3]))
    for layer, step in enumerate(steps):
        tell(Stage("block", layer, len(steps)), layer / len(steps))
        with torch.inference_mode():
            if of_heads:
                found = _of_heads(step, known[layer], kind)
            else:
                z = known[layer + 1]
                found = (network.normed(z) if kind == "normed" else network.as_tokens(z))[0]
        if found is not None:
            yield layer, found.float()


def _of_heads(
    step: Step, z: Tensor, kind: VectorKind
) -> Float[Tensor, "tokens heads_times_dim"] | None:
    """What the heads of a step are given of a state; None where it has no attention."""
    seen: list[Tensor] = []

    def attend(
        q: Tensor, k: Tensor, v: Tensor, bias: Bias | None = None, windows: Tensor | None = None
    ) -> Tensor:
        given = {"queries": q, "keys": k, "values": v}[kind]
        # (windows heads slots dim) to a row a position; one sequence is a window that holds all.
        rows = given.transpose(1, 2).flatten(2).flatten(0, 1)
        seen.append(rows if windows is None else rows[Windows(windows).places])
        return softmax_attention(q, k, v, bias, windows)

    step(z, attend)
    return seen[0] if seen else None
