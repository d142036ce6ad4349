"""What the heads of each layer mix, and what becomes of it: computed again, a layer at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from vitviz.models.branches import watching
from vitviz.models.network import Bias, Network, softmax_attention
from vitviz.progress import Progress, Stage
from vitviz.shapes import Float
from vitviz.tracing.forward import known_states
from vitviz.tracing.windows import Windows


class LayerValues(NamedTuple):
    """One layer's values.

    Args:
        layer: From 0.
        v: What its heads mix, of each of its tokens, whichever window they are in.
        projection: What the heads' outputs, one head after another, are multiplied by.
        state: What its attention is added to: what it was given, after its patches were merged.
    """

    layer: int
    v: Float[Tensor, "heads tokens head_dim"]
    projection: Float[Tensor, "width heads_times_dim"]
    state: Float[Tensor, "tokens width"]

    def lengths(self) -> Float[Tensor, "heads tokens"]:
        """How long what each head would add to a token is, if it looked at nothing but one."""
        found: Tensor = torch.linalg.vector_norm(self._added(), dim=-1)
        return found

    def products(self) -> Float[Tensor, "tokens heads heads"]:
        """The inner products of what two heads would add."""
        added = self._added().transpose(0, 1)
        found: Tensor = added @ added.mT
        return found

    def _added(self) -> Float[Tensor, "heads tokens width"]:
        width = len(self.projection)
        by_head = self.projection.reshape(width, len(self.v), -1).permute(1, 2, 0)
        found: Tensor = self.v @ by_head
        return found


def run_values(
    network: Network,
    image: Float[Tensor, "1 3 height width"],
    layers: range,
    progress: Progress,
    states: Sequence[Tensor] = (),
) -> Iterator[LayerValues]:
    """The values of some layers, in their order.

    Args:
        network: One whose outline gives "values"; is moved to the image's device. Where layers
            merge their patches, they say what they add (``models.branches``).
        image: The model's input, normalised.
        layers: Which; those without attention are left out.
        progress: Called before every block; may raise ``Cancelled``.
        states: What each block is given, where that is known; else the network runs once more.
    """
    known, tell = known_states(network, image, progress, states)
    steps = network.steps((image.shape[2], image.shape[3]))
    for place, layer in enumerate(layers):
        tell(Stage("block", layer, len(steps)), place / len(layers))
        seen: list[Tensor] = []

        def attend(
            q: Tensor, k: Tensor, v: Tensor, bias: Bias | None = None,
            windows: Tensor | None = None, seen: list[Tensor] = seen,
        ) -> Tensor:  # fmt: skip
            apart = v.transpose(0, 1).flatten(1, 2)  # heads, then every position of every window
            seen.append(v[0] if windows is None else apart[:, Windows(windows).places])
            return softmax_attention(q, k, v, bias, windows)

        with torch.inference_mode():
            with watching() as said:
                out = network.as_tokens(steps[layer](known[layer], attend))
            if seen:
                state = network.as_tokens(known[layer])
                if state.shape != out.shape:  # patches were merged before attention
                    state = out - sum(network.as_tokens(part) for part in said.added.values())
                yield LayerValues(layer, seen[0], network.projection(layer), state[0])
