"""What a silent head puts out."""

from __future__ import annotations

import torch
from torch import Tensor

from vitviz.probing.ablation import Fill
from vitviz.shapes import Bool, Float, Int


def silenced(
    mixed: Float[Tensor, "batch heads tokens head_dim"],
    gone: Bool[Tensor, "#batch heads"],
    fill: Fill,
    windows: Int[Tensor, "windows slots"] | None = None,
) -> Float[Tensor, "batch heads tokens head_dim"]:
    """What heads put out before their projection, some of them being silent.

    Args:
        mixed: What they put out.
        gone: Which of them are silent.
        fill: What stands there instead.
        windows: As of ``Attend``.
    """
    instead = torch.zeros_like(mixed) if fill == "zero" else mean_over(mixed, windows)
    return torch.where(gone[..., None, None], instead, mixed)


def mean_over(
    mixed: Float[Tensor, "batch heads tokens head_dim"],
    windows: Int[Tensor, "windows slots"] | None = None,
) -> Float[Tensor, "batch heads tokens head_dim"]:
    """Each head's mean over the tokens of a photo, at every one of them; padding does not count."""
    if windows is None:
        return mixed.mean(2, keepdim=True).expand_as(mixed)
    there = (windows >= 0).to(mixed.dtype)[None, :, None, :, None]
    apart = mixed.reshape(-1, len(windows), *mixed.shape[1:])  # images windows heads slots head_dim
    mean = (apart * there).sum((1, 3), keepdim=True) / there.sum()
    found: Tensor = mean.expand_as(apart).flatten(0, 1)
    return found
