"""The MLPs of transformers' blocks."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vitviz.models.config import Activation
from vitviz.models.neurons import neurons
from vitviz.shapes import Float

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x),
    "silu": F.silu,
}


class MLP(nn.Module):
    """Two linear layers with an activation between them: MLP in equation 3.

    Args:
        width: Of a token.
        hidden: Of the layer between.
        activation: Between the two.
        norm_eps: Epsilon of a LayerNorm on the hidden layer (EVA-02); None where there is none.
    """

    def __init__(
        self, width: int, hidden: int, activation: Activation, norm_eps: float | None = None
    ) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.norm = nn.Identity() if norm_eps is None else nn.LayerNorm(hidden, eps=norm_eps)
        self.fc2 = nn.Linear(hidden, width)
        self.activation = ACTIVATIONS[activation]

    def forward(self, x: Float[Tensor, "batch tokens dim"]) -> Float[Tensor, "batch tokens dim"]:
        out: Tensor = self.fc2(neurons(self.norm(self.activation(self.fc1(x)))))
        return out


class GatedMLP(nn.Module):
    """SwiGLU: one half of the hidden layer gates the other (DINOv2's giant, arXiv 2002.05202)."""

    def __init__(
        self, width: int, hidden: int, activation: Activation, norm_eps: float | None = None
    ) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 2 * hidden)
        self.norm = nn.Identity() if norm_eps is None else nn.LayerNorm(hidden, eps=norm_eps)
        self.fc2 = nn.Linear(hidden, width)
        self.activation = ACTIVATIONS[activation]

    def forward(self, x: Float[Tensor, "batch tokens dim"]) -> Float[Tensor, "batch tokens dim"]:
        gate, value = self.fc1(x).chunk(2, dim=-1)
        out: Tensor = self.fc2(neurons(self.norm(self.activation(gate) * value)))
        return out
