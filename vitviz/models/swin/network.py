"""The Swin Transformer, written out from the papers.

Sources: Liu et al., "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows", ICCV
2021, arXiv 2103.14030 (version 1; equation and section numbers below are its own, unless they say
"v2"); Liu et al., "Swin Transformer V2: Scaling Up Capacity and Resolution", CVPR 2022, arXiv
2111.09883 (version 2).

Where an input's patches do not fill the windows, they are padded below and right with zeros, which
take part in attention: so do the authors (for detection), torchvision, timm and transformers. What
of it these do differently are fields of ``SwinConfig`` (``shifts``, ``shift_first``).

Axes: batch; rows cols of a stage's grid; windows; slots = side * side of a window; dim; heads, each
head_dim wide. A state is batch rows cols dim.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vitviz.models.anatomy import Filters, Places, Reader
from vitviz.models.branches import adds
from vitviz.models.cost import Cost
from vitviz.models.features import features
from vitviz.models.network import Attend, Bias, Network, softmax_attention
from vitviz.models.outline import Outline
from vitviz.models.swin.config import CPB_WIDTH, SwinConfig
from vitviz.models.swin.cost import cost
from vitviz.models.swin.outline import outline
from vitviz.shapes import Float, Int

APART = -100.0
"""Added between tokens of one window that lie apart on the photo. Source: the authors' code."""

LARGEST_SCALE = math.log(100)
"""Of cosine attention. Source: v2 section 3.3, "larger than 0.01" being its inverse tau."""


class PatchEmbedding(nn.Module):
    """Patch partition and linear embedding, figure 3, with the LayerNorm of the authors' code."""

    def __init__(self, config: SwinConfig) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, config.width, kernel_size=config.patch, stride=config.patch)
        self.norm = nn.LayerNorm(config.width, eps=config.norm_eps)

    def forward(
        self, image: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch rows cols dim"]:
        out: Tensor = self.norm(self.proj(image).permute(0, 2, 3, 1))
        return out


class PatchMerging(nn.Module):
    """Two by two patches become one of twice the width: section 3.1; v2 norms afterwards."""

    def __init__(self, width: int, config: SwinConfig) -> None:
        super().__init__()
        self.norm_last = config.version == 2
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)
        self.norm = nn.LayerNorm(2 * width if self.norm_last else 4 * width, eps=config.norm_eps)

    def forward(
        self, z: Float[Tensor, "batch rows cols dim"]
    ) -> Float[Tensor, "batch half_rows half_cols twice_dim"]:
        z = F.pad(z, (0, 0, 0, z.shape[2] % 2, 0, z.shape[1] % 2))
        four = torch.cat([z[:, row::2, col::2] for col in (0, 1) for row in (0, 1)], dim=-1)
        out: Tensor = (
            self.norm(self.reduction(four)) if self.norm_last else self.reduction(self.norm(four))
        )
        return out


@dataclass(frozen=True, eq=False)
class Partition:
    """How a grid is cut into windows: section 3.2.

    Args:
        grid: Rows and columns.
        window: Side of a window.
        shift: By how many rows and columns the windows are shifted.
        shift_first: Whether the grid is shifted before it is padded to whole windows.
    """

    grid: tuple[int, int]
    window: int
    shift: tuple[int, int]
    shift_first: bool

    @property
    def padded(self) -> tuple[int, int]:
        """Rows and columns of whole windows."""
        rows, cols = (-(-side // self.window) * self.window for side in self.grid)
        return rows, cols

    @property
    def shifted(self) -> bool:
        return self.shift != (0, 0)

    def cut(
        self, x: Float[Tensor, "batch rows cols dim"], padding: float = 0.0
    ) -> Float[Tensor, "batch_windows slots dim"]:
        """The windows of a grid, row by row."""
        margin = 0, 0, 0, self.padded[1] - self.grid[1], 0, self.padded[0] - self.grid[0]
        x = x if self.shift_first else F.pad(x, margin, value=padding)
        if self.shifted:
            x = x.roll((-self.shift[0], -self.shift[1]), (1, 2))
        x = F.pad(x, margin, value=padding) if self.shift_first else x
        side, dim = self.window, x.shape[-1]
        x = x.view(len(x), x.shape[1] // side, side, x.shape[2] // side, side, dim)
        return x.transpose(2, 3).reshape(-1, side * side, dim)

    def joined(
        self, windows: Float[Tensor, "batch_windows slots dim"]
    ) -> Float[Tensor, "batch rows cols dim"]:
        """The grid of windows: ``cut`` undone."""
        (rows, cols), side, dim = self.padded, self.window, windows.shape[-1]
        x = windows.view(-1, rows // side, cols // side, side, side, dim)
        x = x.transpose(2, 3).reshape(-1, rows, cols, dim)
        inner = slice(None), slice(self.grid[0]), slice(self.grid[1])
        x = x[inner] if self.shift_first else x
        if self.shifted:
            x = x.roll(self.shift, (1, 2))
        return x[inner]


class Placement:
    """What is the same for all photos of one size: which token is where in which window.

    Attributes:
        partition: How the grid is cut.
        members: Which token lies in each slot; -1 is padding.
        regions: Of each slot; those of one window that differ do not see each other.
    """

    members: Int[Tensor, "windows slots"]
    regions: Int[Tensor, "windows slots"]

    def __init__(self, partition: Partition, device: torch.device) -> None:
        rows, cols = partition.grid
        tokens = torch.arange(rows * cols, dtype=torch.float64).view(1, rows, cols, 1)
        self.partition = partition
        self.members = partition.cut(tokens, padding=-1)[..., 0].long().to(device)
        # Of padding, too: regions are of what is padded and shifted.
        (high, wide), side, (down, right) = partition.padded, partition.window, partition.shift
        of_rows = _regions(high, side, down)[:, None]
        whole = Partition((high, wide), side, (0, 0), False)
        region = (3 * of_rows + _regions(wide, side, right)).view(1, high, wide, 1)
        self.regions = whole.cut(region)[..., 0].long().to(device)

    def with_mask(self, bias: Bias) -> Bias:
        """A bias of one window, with what keeps regions apart: of each window."""
        if not self.partition.shifted:
            return bias
        regions = self.regions

        def masked(rows: slice) -> Float[Tensor, "windows heads rows slots"]:
            apart = regions[:, rows, None] != regions[:, None]
            return bias(rows) + torch.where(apart, APART, 0.0)[:, None]

        return masked


def _regions(side: int, window: int, shift: int) -> Float[Tensor, " side"]:
    """Of each row or column: three slices, as the authors' ``calculate_mask`` has them."""
    at = torch.arange(side, dtype=torch.float64)
    return (at >= side - window).double() + (at >= side - shift).double()


@functools.lru_cache(maxsize=64)
def placement(
    grid: tuple[int, int], window: int, shift: tuple[int, int], shift_first: bool,
    device: torch.device,
) -> Placement:  # fmt: skip
    """The placement of a grid's windows, made once."""
    with torch.inference_mode(mode=False):  # others will use it in a graph
        return Placement(Partition(grid, window, shift, shift_first), device)


@functools.lru_cache(maxsize=64)
def relative_positions(window: int, device: torch.device) -> Int[Tensor, "slots slots"]:
    """For each pair of a window's slots the row of the table that has their relative position."""
    with torch.inference_mode(mode=False):
        at = torch.arange(window)
        row, col = at.repeat_interleave(window), at.repeat(window)
        down, right = (c[:, None] - c[None] + window - 1 for c in (row, col))
        return (down * (2 * window - 1) + right).to(device)


def log_positions(window: int, measure: int) -> Float[Tensor, "table 2"]:
    """Relative positions of a window's table on a logarithmic scale: v2 equation 4.

    Args:
        window: Side of the windows.
        measure: Side of the windows in training, to which positions are relative.
    """
    at = torch.arange(-(window - 1), window, dtype=torch.float32)
    pairs = torch.stack(torch.meshgrid(at, at, indexing="ij"), dim=-1).view(-1, 2)
    pairs = pairs / max(measure - 1, 1) * 8
    return pairs.sign() * (pairs.abs() + 1).log2() / math.log2(8)


class WindowAttention(nn.Module):
    """Attention within windows, with a learned bias for each relative position: equation 4; v2:
    cosine attention and a continuous bias, equations 2 and 3 there.
    """

    def __init__(self, config: SwinConfig, stage: int) -> None:
        super().__init__()
        width = config.width_of(stage)
        self.heads, self.window = config.heads[stage], config.windows[stage]
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        if config.version == 1:
            table = torch.empty((2 * self.window - 1) ** 2, self.heads)
            self.table = nn.Parameter(nn.init.trunc_normal_(table, std=0.02))
        else:
            measures = config.trained_windows or config.windows
            self.measure = measures[stage] or self.window
            self.logit_scale = nn.Parameter(torch.full((self.heads, 1, 1), math.log(10)))
            self.cpb_mlp = nn.Sequential(
                nn.Linear(2, CPB_WIDTH), nn.ReLU(), nn.Linear(CPB_WIDTH, self.heads, bias=False)
            )

    def forward(
        self, x: Float[Tensor, "batch rows cols dim"], attend: Attend, place: Placement
    ) -> Float[Tensor, "batch rows cols dim"]:
        windows = place.partition.cut(x)
        count, slots, dim = windows.shape
        qkv = self.qkv(windows).view(count, slots, 3, self.heads, dim // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        if self.version == 2:
            q, k = self._cosine(q, k)
        mixed = attend(q, k, v, place.with_mask(self.bias()), place.members)
        out: Tensor = self.proj(mixed.transpose(1, 2).reshape(count, slots, dim))
        return place.partition.joined(out)

    @property
    def version(self) -> int:
        return 1 if hasattr(self, "table") else 2

    def _cosine(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Queries and keys whose scaled product is the cosine by a learned factor."""
        scale = self.logit_scale.clamp(max=LARGEST_SCALE).exp() * math.sqrt(q.shape[-1])
        return F.normalize(q, dim=-1) * scale, F.normalize(k, dim=-1)

    def bias(self) -> Bias:
        """B in equation 4, the same for every window."""
        index = relative_positions(self.window, self.qkv.weight.device)
        table = self.table if self.version == 1 else self._continuous_table()

        def bias(rows: slice) -> Float[Tensor, "heads rows slots"]:
            return table[index[rows]].permute(2, 0, 1)

        return bias

    def _continuous_table(self) -> Float[Tensor, "table heads"]:
        """Of v2, made by an MLP of the relative position; at most 16 (the authors' code)."""
        weight = self.qkv.weight
        positions = log_positions(self.window, self.measure).to(weight.device, weight.dtype)
        return 16 * torch.sigmoid(self.cpb_mlp(positions))


class MLP(nn.Module):
    """Two linear layers with a GELU between them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(
        self, x: Float[Tensor, "batch rows cols dim"]
    ) -> Float[Tensor, "batch rows cols dim"]:
        out: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return out


class Block(nn.Module):
    """Two of these are figure 3 (b): equation 3. The first of a stage merges patches first, so that
    a layer's state is what its attention saw. v2 norms after each branch (figure 1 there).
    """

    def __init__(self, config: SwinConfig, stage: int, number: int) -> None:
        super().__init__()
        width = config.width_of(stage)
        self.config, self.stage, self.number = config, stage, number
        merges = stage > 0 and number == 0
        self.merge = PatchMerging(width // 2, config) if merges else nn.Identity()
        self.norm1 = nn.LayerNorm(width, eps=config.norm_eps)
        self.attn = WindowAttention(config, stage)
        self.norm2 = nn.LayerNorm(width, eps=config.norm_eps)
        self.mlp = MLP(width, config.hidden_of(stage))

    def forward(
        self, z: Float[Tensor, "batch rows cols dim"], attend: Attend = softmax_attention
    ) -> Float[Tensor, "batch new_rows new_cols new_dim"]:
        z = self.merge(z)
        place = self.place((z.shape[1], z.shape[2]), z.device)
        if self.config.version == 1:
            z = z + adds("attention", self.attn(self.norm1(z), attend, place))
            out: Tensor = z + adds("MLP", self.mlp(self.norm2(z)))
        else:
            z = z + adds("attention", self.norm1(self.attn(z, attend, place)))
            out = z + adds("MLP", self.norm2(self.mlp(z)))
        return out

    def place(self, grid: tuple[int, int], device: torch.device) -> Placement:
        """Where the tokens of its windows lie."""
        config, stage = self.config, self.stage
        shift = config.shift_of(stage, self.number, grid)
        return placement(grid, config.windows[stage], shift, config.shift_first, device)


class SwinTransformer(Network):
    """The whole network: figure 3 (a), and a linear head on the mean of the last patches."""

    def __init__(self, config: SwinConfig) -> None:
        super().__init__()
        width = config.width_of(config.stages - 1)
        self.config = config
        self.patch_embed = PatchEmbedding(config)
        self.blocks = nn.ModuleList(Block(config, *at) for at in config.blocks())
        self.norm = nn.LayerNorm(width, eps=config.norm_eps)
        self.head = nn.Linear(width, config.classes) if config.classes else nn.Identity()

    def outline(self, input_size: tuple[int, int]) -> Outline:
        return outline(self.config, input_size)

    def cost(self, input_size: tuple[int, int]) -> Cost:
        return cost(self.config, input_size)

    def embed(
        self, image: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch rows cols dim"]:
        """Patches of the first stage.

        Raises:
            ValueError: Height or width is not a multiple of the patch; the convolution would
                leave the rest out without a word.
        """
        patch, (height, width) = self.config.patch, image.shape[2:]
        if height % patch or width % patch:
            raise ValueError(f"input {height} x {width} is not a multiple of patch {patch}")
        z: Tensor = self.patch_embed(image)
        return z

    def filters(self, input_size: tuple[int, int]) -> Filters:  # noqa: ARG002
        proj = self.patch_embed.proj
        return Filters(proj.weight, proj.bias, self.config.patch, after=("LayerNorm",))

    def projection(self, layer: int) -> Float[Tensor, "width width"]:
        block = self.blocks[layer]
        assert isinstance(block, Block)
        weight: Tensor = block.attn.proj.weight
        return weight

    def placing(self, input_size: tuple[int, int]) -> Places:  # noqa: ARG002
        return Places(within=("relative positions, which are added to q·k in each window",))

    def readers(self, z: Float[Tensor, "batch rows cols dim"]) -> tuple[Reader, ...]:
        if not isinstance(self.head, nn.Linear):
            return ()
        mean = self.norm(z).mean((1, 2))[0]
        return (Reader("the mean of all patches", mean, self.head.weight, self.head.bias),)

    def as_tokens(
        self, z: Float[Tensor, "batch rows cols dim"]
    ) -> Float[Tensor, "batch tokens dim"]:
        return z.flatten(1, 2)

    def normed(self, z: Float[Tensor, "batch rows cols dim"]) -> Float[Tensor, "batch tokens dim"]:
        """Of the last stage; the norm has no room for the widths of the others."""
        fits = z.shape[-1:] == self.norm.normalized_shape
        return self.as_tokens(self.norm(z) if fits else z)

    def classify(self, z: Float[Tensor, "batch rows cols dim"]) -> Float[Tensor, "batch classes"]:
        """The head on the mean; the mean itself where there is no head."""
        logits: Tensor = self.head(features(self.norm(z)).mean((1, 2)))
        return logits
