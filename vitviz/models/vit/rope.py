"""Rotary positions: q and k are turned by angles that tell where their patch is.

The product of a turned q and a turned k depends on the way between their patches, not on where
they are. Prefix tokens are not turned.

Sources: Su et al., "RoFormer", arXiv 2104.09864; in two dimensions Fang et al., "EVA-02", arXiv
2303.11331, Heo et al., "Rotary Position Embedding for Vision Transformer", arXiv 2403.13298
(axial and mixed), Siméoni et al., "DINOv3", arXiv 2508.10104.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vitviz.models.vit.config import Rope, ViTConfig
from vitviz.shapes import Float, Int


@dataclass(frozen=True, eq=False)
class Rotation:
    """Turns q or k of one layer.

    Args:
        cos: Of every token's angles.
        sin: Likewise; prefix tokens have angle 0.
        halves: A pair is one number of each half of a head's width, not two beside each other.
    """

    cos: Float[Tensor, "heads tokens head_dim"]
    sin: Float[Tensor, "heads tokens head_dim"]
    halves: bool

    def __call__(
        self, x: Float[Tensor, "batch heads tokens head_dim"]
    ) -> Float[Tensor, "batch heads tokens head_dim"]:
        if self.halves:
            first, second = x.chunk(2, dim=-1)
            quarter_turn = torch.cat([-second, first], dim=-1)
        else:
            quarter_turn = torch.stack([-x[..., 1::2], x[..., ::2]], dim=-1).flatten(-2)
        return x * self.cos + quarter_turn * self.sin


class RotaryPositions(nn.Module):
    """The angles of every token, for any grid.

    Where frequencies are not learned they are kept as periods, a buffer: DINOv3's files hold them
    rounded to bfloat16, and the network was trained with those.
    """

    periods: Tensor

    def __init__(self, config: ViTConfig, rope: Rope) -> None:
        super().__init__()
        self.rope = rope
        self.prefix = len(config.prefix)
        if rope.learned:
            start = torch.empty(2, config.depth, config.heads, config.head_dim // 2)
            self.freqs = nn.Parameter(nn.init.trunc_normal_(start, std=0.02))
        else:
            self.register_buffer("periods", periods(rope, config.head_dim))

    def rotations(
        self, grid: tuple[int, int], kept: Int[Tensor, " tokens"] | None = None
    ) -> list[Rotation]:
        """The rotation of each layer; a single one where all layers turn alike.

        Args:
            grid: Rows and columns of the patches.
            kept: The tokens that are still there; -1: one that was added, and is nowhere. None:
                all.
        """
        angles = F.pad(self.angles(grid), (0, 0, self.prefix, 1))
        angles = angles[:, :, :-1] if kept is None else angles[:, :, kept]
        halves = self.rope.pairs == "halves"
        angles = torch.cat([angles, angles], -1) if halves else angles.repeat_interleave(2, -1)
        return [Rotation(layer.cos(), layer.sin(), halves) for layer in angles]

    @property
    def still(self) -> Rotation:
        """A rotation that turns nothing."""
        some = next(iter(self.state_dict().values()))
        return Rotation(
            some.new_ones(1, 1, 1), some.new_zeros(1, 1, 1), self.rope.pairs == "halves"
        )

    def angles(self, grid: tuple[int, int]) -> Float[Tensor, "layers heads patches pairs"]:
        """Of every pair of every patch; one layer and one head where they are all alike."""
        places = self._places(grid)
        if self.rope.learned:  # how far along each axis, times how fast
            return places[:, 0, None] * self.freqs[0, :, :, None] + (
                places[:, 1, None] * self.freqs[1, :, :, None]
            )
        return (places[:, :, None] / self.periods).flatten(1)[None, None]

    def _places(self, grid: tuple[int, int]) -> Float[Tensor, "patches 2"]:
        device = next(iter(self.state_dict().values())).device
        rope, reference = self.rope, self.rope.reference or grid
        along = []
        for count, trained in zip(grid, reference, strict=True):
            place = torch.arange(count, device=device, dtype=torch.float32)
            if rope.unit == "turn":
                place = 2 * math.pi * (2 * ((place + 0.5) / count) - 1)
            else:
                place = (
                    (place + rope.offset) / count * trained
                    if rope.reference
                    else (place + rope.offset)
                )
            along.append(place)
        rows, cols = torch.meshgrid(*along, indexing="ij")
        axes = [rows, cols] if rope.axes == "yx" else [cols, rows]
        return torch.stack([axis.flatten() for axis in axes], dim=1)


def periods(rope: Rope, head_dim: int) -> Float[Tensor, " frequencies"]:
    """In units of position per radian, of each frequency of an axis."""
    count = head_dim // 4
    # The exponents as the sources round them.
    return rope.base ** (torch.arange(count, dtype=torch.float32) / count)
