"""Relative positions: a number added to q·k for the way from one patch to another.

Sources: Bao et al., "BEiT", arXiv 2106.08254, whose table has three more entries for CLS; timm
``vision_transformer_relpos.py``, where a small MLP gives the numbers from the logarithms of the
way.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vitviz.models.vit.config import ViTConfig
from vitviz.shapes import Float, Int

Grid = tuple[int, int]


@dataclass(frozen=True, eq=False)
class RelativeBias:
    """What one layer adds to q·k, made for some rows at a time.

    Args:
        numbers: Of each way between two patches: rows down and columns right, from the most
            negative; then from a prefix token to any, from a patch to a prefix token, between
            prefix tokens.
        row: Of each token's patch; -1 of a prefix token.
        col: Likewise.
        grid: Rows and columns of all patches.
    """

    numbers: Float[Tensor, "heads ways"]
    row: Int[Tensor, " tokens"]
    col: Int[Tensor, " tokens"]
    grid: Grid

    def __call__(self, rows: slice) -> Float[Tensor, "heads rows tokens"]:
        height, width = self.grid
        down = self.row[rows, None] - self.row + height - 1
        right = self.col[rows, None] - self.col + width - 1
        way = down * (2 * width - 1) + right
        last = self.numbers.shape[1]
        asks, answers = self.row[rows, None] < 0, self.row < 0
        way = torch.where(asks, last - 3, way)
        way = torch.where(answers, torch.where(asks, last - 1, last - 2), way)
        return self.numbers[:, way]


def token_places(
    grid: Grid, prefix: int, kept: Int[Tensor, " tokens"] | None, device: torch.device
) -> tuple[Int[Tensor, " tokens"], Int[Tensor, " tokens"]]:
    """Row and column of every token's patch; -1 for prefix tokens."""
    patch = torch.arange(grid[0] * grid[1], device=device)
    row = F.pad(patch // grid[1], (prefix, 0), value=-1)
    col = F.pad(patch % grid[1], (prefix, 0), value=-1)
    return (row, col) if kept is None else (row[kept], col[kept])


class RelativeTable(nn.Module):
    """A learned number for each way between two patches of the trained grid."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.grid, self.prefix = config.grid, len(config.prefix)
        self.linear = config.position_resizing == "linear"
        start = torch.empty(config.relative_entries, config.heads)
        self.relative_position_bias_table = nn.Parameter(nn.init.trunc_normal_(start, std=0.02))

    def numbers(self, grid: Grid) -> Float[Tensor, "heads ways"]:
        """Of a grid of any shape; off the trained one they are read between the table's.

        Source: timm ``resize_rel_pos_bias_table``, after unilm ``run_class_finetuning.py`` (which
        reads between them by cubic splines, timm linearly); transformers ``modeling_beit.py``
        stretches the table as an image.
        """
        table = self.relative_position_bias_table.T
        if grid == self.grid:
            return table if self.prefix else F.pad(table, (0, 3))
        rows, cols = self.grid
        ways = (2 * rows - 1) * (2 * cols - 1)
        image = table[:, :ways].reshape(-1, 2 * rows - 1, 2 * cols - 1)
        if self.linear:
            size = 2 * grid[0] - 1, 2 * grid[1] - 1
            resized = F.interpolate(image[None], size=size, mode="bilinear")[0].flatten(1)
        else:
            down, right = _between(rows, grid[0]).to(table), _between(cols, grid[1]).to(table)
            resized = (down @ image @ right.mT).flatten(1)
        prefix = table[:, ways:] if self.prefix else table.new_zeros(len(table), 3)
        return torch.cat([resized, prefix], dim=1)


class RelativeMLP(nn.Module):
    """A small MLP that gives a number for any way between two patches; 0 for prefix tokens."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.mlp = nn.ModuleDict({
            "fc1": nn.Linear(2, config.relative_width),
            "fc2": nn.Linear(config.relative_width, config.heads),
        })  # fmt: skip

    def numbers(self, grid: Grid) -> Float[Tensor, "heads ways"]:
        """Of a grid of any shape.

        Source: timm ``gen_relative_log_coords``, mode "cr".
        """
        weight = self.mlp.get_parameter("fc1.weight")
        along = [torch.arange(1 - n, n, device=weight.device, dtype=weight.dtype) for n in grid]
        way = torch.stack(torch.meshgrid(*along, indexing="ij"), dim=-1).flatten(0, 1)
        hidden = F.relu(self.mlp["fc1"](way.sign() * torch.log1p(way.abs())))
        return F.pad(self.mlp["fc2"](hidden).T, (0, 3))


def _between(trained: int, wanted: int) -> Float[Tensor, "wanted_ways trained_ways"]:
    """Weights that read a table of one axis at the ways of another number of patches.

    The trained entries are spread over the wanted ways, densely around 0 and ever further apart
    beyond, by a geometric progression.
    """
    target = torch.arange(1 - wanted, wanted, dtype=torch.float32)
    if trained == wanted or trained == 1:
        entries = torch.arange(1 - trained, trained, dtype=torch.float32)
    else:
        entries = _spread(trained - 1, wanted - 1)
    right = torch.bucketize(target, entries).clamp(max=len(entries) - 1)
    left = (right - 1).clamp(min=0)
    to_left = (target - entries[left]).clamp(min=0)
    to_right = (entries[right] - target).clamp(min=0)
    both = (to_left + to_right) == 0
    to_left, to_right = to_left + both, to_right + both
    weights = torch.zeros(len(target), len(entries))
    at = torch.arange(len(target))
    weights[at, left] += to_right / (to_left + to_right)
    weights[at, right] += to_left / (to_left + to_right)
    return weights


def _spread(steps: int, reach: int) -> Float[Tensor, " entries"]:
    """``steps`` places on each side of 0, so that the sum of their distances just passes ``reach``.

    Source: unilm ``run_class_finetuning.py``: the ratio between 1.01 and 1.5, by halving.
    """
    low, high, ratio = 1.01, 1.5, 1.0
    while high - low > 1e-6:
        ratio = (low + high) / 2
        total = (1 - ratio**steps) / (1 - ratio)
        low, high = (low, ratio) if total > reach else (ratio, high)
    distances, here = [], 1.0
    for i in range(steps):
        distances.append(here)
        here += ratio ** (i + 1)
    return torch.tensor([-d for d in reversed(distances)] + [0.0] + distances)
