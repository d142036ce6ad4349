"""Which neurons make outlier patches: those that are farthest from zero there.

    score of a neuron = mean over photos of (mean over the photo's outlier patches of |h|)

h is what the neuron puts out. Outliers are patches whose norm after the last layer is above a bound
(``maps.outliers``). Only layers up to the one after which half of these patches are outliers for
the first time can have made them.

Source: Jiang et al., NeurIPS 2025, arXiv 2506.08010, algorithm 1 and their program
(``find_register_neurons``), where the norm is a number chosen for each model (30 for CLIP B/16),
the last layer that is looked at is chosen by hand ("the layer at which outliers appear"), and the
photos are 500.

Difference from the source: the bound goes with the layer, and the last layer is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from vitviz.maps.outliers import outlying
from vitviz.models.network import Network, softmax_attention
from vitviz.models.neurons import changing
from vitviz.probing.ablation import Neuron
from vitviz.progress import Progress, Stage
from vitviz.shapes import Bool, Float, Float32
from vitviz.tracing.forward import move


@dataclass(eq=False)
class NeuronScores:
    """Scores of neurons, photo after photo.

    Args:
        bound: MADs above the median norm, from which on a patch is an outlier.
    """

    bound: float
    photos: int = 0
    patches: int = 0
    emerged: list[int] = field(default_factory=list)
    totals: list[Tensor | None] = field(default_factory=list)

    def add(
        self,
        network: Network,
        image: Float[Tensor, "1 3 height width"],
        norms: Sequence[Float32[np.ndarray, " tokens"]],
        progress: Progress,
    ) -> None:
        """Adds a photo; one without outliers counts for nothing.

        Args:
            network: Without registers.
            image: Its input, normalised.
            norms: Of the state of every token after each layer.
            progress: Called before every block; may raise ``Cancelled``.
        """
        prefix = len(network.outline((image.shape[2], image.shape[3])).prefix)
        patches = outlying(norms[-1], prefix, self.bound)
        if not patches.any():
            return
        scores = _on_patches(network, image, patches, prefix, progress)
        there = [int(outlying(of, prefix, self.bound)[patches].sum()) for of in norms]
        self.emerged = [a + b for a, b in zip(self.emerged or [0] * len(there), there, strict=True)]
        self.totals = [
            None if one is None else one if before is None else before + one
            for before, one in zip(self.totals or [None] * len(scores), scores, strict=True)
        ]
        self.photos += 1
        self.patches += int(patches.sum())

    @property
    def layer(self) -> int:
        """The first layer after which at least half of the outliers are there, from 0."""
        return next(i for i, there in enumerate(self.emerged) if 2 * there >= self.patches)

    def greatest(self, count: int) -> tuple[Neuron, ...]:
        """The neurons with the greatest scores up to that layer, sorted by layer and number; fewer
        where there are fewer.
        """
        found = [
            (float(score), layer, neuron)
            for layer, total in enumerate(self.totals[: self.layer + 1])
            if total is not None
            for neuron, score in enumerate(total.tolist())
        ]
        best = sorted(found, key=lambda one: (-one[0], one[1:]))[:count]
        return tuple(sorted((layer, neuron) for _, layer, neuron in best))


def _on_patches(
    network: Network,
    image: Float[Tensor, "1 3 height width"],
    patches: Bool[np.ndarray, " patches"],
    prefix: int,
    progress: Progress,
) -> list[Float[Tensor, " neurons"] | None]:
    """The mean of each neuron's absolute value over some patches, layer by layer; None where a
    layer has no neurons.
    """
    move(network, str(image.device))
    steps = network.steps((image.shape[2], image.shape[3]))
    where = torch.from_numpy(np.flatnonzero(patches) + prefix).to(image.device)
    found: list[Tensor | None] = []
    with torch.inference_mode():
        z = network.embed(image)
        for layer, step in enumerate(steps):
            progress(Stage("block", layer, len(steps)), layer / len(steps))
            seen: list[Tensor] = []

            def look(hidden: Tensor, seen: list[Tensor] = seen) -> Tensor:
                seen.append(hidden[0, where].abs().mean(0).double().cpu())
                return hidden

            with changing(look):
                z = step(z, softmax_attention)
            found.append(seen[0] if seen else None)
    return found
