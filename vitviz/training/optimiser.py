"""How weights follow gradients: Muon for the matrices of the blocks, AdamW for all else.

Written out here rather than taken from ``torch.optim``: its state is plain tensors by name, which
a checkpoint read with ``weights_only`` can hold, and the rest of torch that it imports stays away.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from vitviz.shapes import Float

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic. Source: Jordan et al., https://kellerjordan.github.io/posts/muon/"""

MATCH_ADAM = 0.2
"""Root mean square of an AdamW update. Source: Liu et al., arXiv 2502.16982, section 2.2."""


@dataclass(frozen=True)
class Rates:
    """The settings of one parameter.

    Args:
        scale: Its learning rate, as a multiple of the run's.
        later: The same once the run's rate is no longer boosted; None: as before.
        decay: Weight decay, per unit of learning rate.
        orthogonal: Whether Muon moves it, not AdamW.
    """

    scale: float = 1.0
    decay: float = 0.05
    orthogonal: bool = False
    later: float | None = None

    def at(self, *, boosted: bool) -> float:
        """The learning rate, as a multiple of the run's."""
        return self.scale if boosted or self.later is None else self.later


def orthogonalised(
    matrix: Float[Tensor, "rows cols"], rounds: int = 5
) -> Float[Tensor, "rows cols"]:
    """The matrix with its singular values brought near 1 (0.7..1.2), its directions kept.

    Source: Newton and Schulz's iteration with the coefficients ``NEWTON_SCHULZ``.
    """
    a, b, c = NEWTON_SCHULZ
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = wide / wide.norm().clamp(min=1e-7)
    for _ in range(rounds):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    result: Tensor = x if matrix.shape[0] <= matrix.shape[1] else x.T
    return result


class Optimiser:
    """Moves parameters in place.

    Source: Muon, see ``NEWTON_SCHULZ`` (momentum 0.95, Nesterov); AdamW, Loshchilov and Hutter,
    arXiv 1711.05101. q, k and v are three matrices in one and are orthogonalised apart; the
    patch embedding, a convolution, is one matrix.

    Args:
        parameters: By name; not moved as long as their rate is 0.
        rates: For each of them.
        betas: AdamW's.
    """

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        rates: Mapping[str, Rates],
        betas: tuple[float, float] = (0.9, 0.98),
    ) -> None:
        self._parameters = dict(parameters)
        self._rates = dict(rates)
        self._betas = betas
        self.first = {name: torch.zeros_like(p) for name, p in parameters.items()}
        self.second = {
            name: torch.zeros_like(p)
            for name, p in parameters.items()
            if not rates[name].orthogonal
        }

    @torch.no_grad()
    def step(
        self, name: str, gradient: Tensor, rate: float, number: int, *, boosted: bool = False
    ) -> None:
        """Moves one parameter; several may be moved at the same time.

        Args:
            name: Its.
            gradient: Its.
            rate: The run's learning rate now.
            number: Of this step, from 1.
            boosted: Whether the run's rate is boosted.
        """
        parameter, rates = self._parameters[name], self._rates[name]
        move = self._muon if rates.orthogonal else self._adam
        update = move(name, gradient, number)
        rate *= rates.at(boosted=boosted)
        parameter.mul_(1 - rate * rates.decay)
        parameter.add_(update, alpha=-rate)

    def _adam(self, name: str, gradient: Tensor, number: int) -> Tensor:
        slow, slower = self._betas
        first = self.first[name].lerp_(gradient, 1 - slow)
        second = self.second[name].lerp_(gradient.square(), 1 - slower)
        root = (second / (1 - slower**number)).sqrt_().add_(1e-8)
        return first / (1 - slow**number) / root

    def _muon(self, name: str, gradient: Tensor, number: int) -> Tensor:  # noqa: ARG002
        first = self.first[name].mul_(0.95).add_(gradient)
        nesterov = (gradient + 0.95 * first).flatten(1)
        rows, cols = nesterov.shape
        parts = nesterov.chunk(3) if rows == 3 * cols else (nesterov,)
        scale = MATCH_ADAM * math.sqrt(max(parts[0].shape))
        update = torch.cat([orthogonalised(part) for part in parts]) * scale
        return update.view_as(gradient)

    def state(self) -> dict[str, dict[str, Tensor]]:
        """What must be saved."""
        return {"first": self.first, "second": self.second}

    @torch.no_grad()
    def restore(self, state: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Takes over what ``state`` gave."""
        for own, saved in ((self.first, state["first"]), (self.second, state["second"])):
            for name, tensor in own.items():
                tensor.copy_(saved[name])


def clip(gradients: Mapping[str, Tensor], most: float) -> float:
    """Shortens gradients in place, so that their norm together is at most this; returns the norm.

    Source: Pascanu et al., arXiv 1211.5063.
    """
    norm = math.sqrt(sum(float(g.square().sum()) for g in gradients.values()))
    if norm > most:
        for gradient in gradients.values():
            gradient.mul_(most / norm)
    return norm


def learning_rate(step: int, steps: int, warm_up: int, cool_down: int) -> float:
    """The part of the peak learning rate at a step: up, level, and down to 0 in a straight line.

    Unlike a cosine, its level part does not depend on where the run ends, so that a run can be
    made longer or shorter while it is on.

    Source: Haegele et al., "Scaling Laws and Compute-Optimal Training Beyond Fixed Training
    Durations", arXiv 2405.18392.

    Args:
        step: From 0.
        steps: Of the whole run.
        warm_up: Steps of the way up.
        cool_down: Steps of the way down.
    """
    return min(1.0, (step + 1) / max(1, warm_up), (steps - step) / max(1, cool_down))
