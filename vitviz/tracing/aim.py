"""The number that gradients are of: what is explained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vitviz.models.network import Network
from vitviz.shapes import Float, Float32


@dataclass(frozen=True)
class Aim:
    """The logit of a class; the difference of two; or, without a class, the features themselves.

    Without a class it is f . w, f being what the network's head reads and w_d = f_d^2 / |f|^2 held
    constant: the numbers that stand out in f count most.

    Source: of a difference, Finer-CAM (Zhang et al., CVPR 2025, arXiv 2501.11309) with one class
    and alpha = 1; without a class, DAAM (Liao, Gao and Zhang, Pattern Recognition 165, 2025, arXiv
    2503.14640), equation 13 with the photo's own features.

    Args:
        target: Index of the class; None: no class.
        contrast: Index of the class that it is set against; None: none.
    """

    target: int | None
    contrast: int | None = None

    def value(self, network: Network, z: Tensor) -> Float[Tensor, ""]:
        """The number, from the network's last state; of the first of the batch."""
        if self.target is None:
            features = network.features(z)[0]
            weights = (features / torch.linalg.vector_norm(features)).square().detach()
            found: Tensor = (features * weights).sum()
            return found
        return self.of(network.classify(z)[0])

    def of(self, logits: Float[Tensor, " classes"]) -> Float[Tensor, ""]:
        """The number, from logits."""
        if self.target is None:
            raise ValueError("without a class it is not of logits")
        target = logits[self.target]
        return target if self.contrast is None else target - logits[self.contrast]

    def of_array(self, logits: Float32[np.ndarray, " classes"]) -> float:
        """The number, from logits that are on the CPU."""
        return float(self.of(torch.from_numpy(logits.astype(np.float64))))
