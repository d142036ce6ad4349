"""A toy network with windows that shift, padding and a bias; and one with a bias alone.

Each is compared with whole matrices: ``dense`` follows the definition entry by entry.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vitviz.models.cost import Cost
from vitviz.models.network import Attend, Bias, Network, softmax_attention
from vitviz.models.outline import LayerOutline, Outline

GRID, WINDOW, HEADS, WIDTH, PATCH, CLASSES = (5, 7), (3, 2), 2, 12, 4, 4
SIZE = GRID[0] * PATCH, GRID[1] * PATCH


def cut(values: Tensor, shift: tuple[int, int]) -> Tensor:
    """Rows and columns that are multiples of the window (first), cut into windows x slots."""
    rows, cols = (-(-values.shape[i] // WINDOW[i]) * WINDOW[i] for i in (0, 1))
    assert values.shape[:2] == (rows, cols)
    rolled = values.roll((-shift[0], -shift[1]), (0, 1))
    pieces = rolled.unflatten(1, (cols // WINDOW[1], WINDOW[1]))
    pieces = pieces.unflatten(0, (rows // WINDOW[0], WINDOW[0]))
    return pieces.transpose(1, 2).flatten(0, 1).flatten(1, 2)


class Block(nn.Module):
    """Attention alone, in windows that are shifted by a row and a column, or not."""

    def __init__(self, shift: tuple[int, int]) -> None:
        super().__init__()
        self.shift = shift
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.proj = nn.Linear(WIDTH, WIDTH)
        slots = WINDOW[0] * WINDOW[1]
        self.table = nn.Parameter(torch.randn(HEADS, slots, slots))

    def members(self, grid: tuple[int, int]) -> Tensor:
        tokens = torch.arange(grid[0] * grid[1]).view(grid)
        below, right = -grid[0] % WINDOW[0], -grid[1] % WINDOW[1]
        return cut(F.pad(tokens, (0, right, 0, below), value=-1), self.shift)

    def bias(self, grid: tuple[int, int]) -> Bias:
        rows, cols = (-(-grid[i] // WINDOW[i]) * WINDOW[i] for i in (0, 1))
        # Where the roll brings together what was apart, tokens do not see each other.
        region = torch.zeros(rows, cols)
        region[: self.shift[0]] += 1
        region[:, : self.shift[1]] += 2
        of_slots = cut(region, self.shift)
        mask = torch.where(of_slots[:, None] == of_slots[:, :, None], 0.0, -100.0)
        table = self.table

        def bias(at: slice) -> Tensor:
            if self.shift == (0, 0):
                return table[:, at]
            return table[:, at] + mask[:, None, at]

        return bias

    def forward(self, z: Tensor, attend: Attend = softmax_attention) -> Tensor:
        grid = z.shape[1], z.shape[2]
        members = self.members(grid)
        padded = torch.cat([z.flatten(1, 2), z.new_zeros(len(z), 1, WIDTH)], dim=1)
        windows = padded[:, members.flatten()].unflatten(1, members.shape).flatten(0, 1)
        q, k, v = self.qkv(windows).unflatten(2, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        mixed = self.proj(
            attend(q, k, v, self.bias(grid), members).transpose(1, 2).flatten(2)
        ).unflatten(0, (len(z), -1))
        out = z.flatten(1, 2).clone()
        there = members >= 0
        return (out.index_add(1, members[there], mixed[:, there])).view_as(z)


class BiasedBlock(nn.Module):
    """Attention of all to all, with a bias."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.proj = nn.Linear(WIDTH, WIDTH)
        tokens = GRID[0] * GRID[1]
        self.table = nn.Parameter(torch.randn(HEADS, tokens, tokens))

    def forward(self, z: Tensor, attend: Attend = softmax_attention) -> Tensor:
        table = self.table
        q, k, v = self.qkv(z.flatten(1, 2)).unflatten(2, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        mixed = attend(q, k, v, lambda rows: table[:, rows])
        return z + self.proj(mixed.transpose(1, 2).flatten(2)).view_as(z)


class Toy(Network):
    """Windows, shifted windows, and all with a bias; a state is batch x rows x columns x width."""

    def __init__(self) -> None:
        super().__init__()
        self.cut = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.blocks = nn.ModuleList([Block((0, 0)), Block((1, 1)), BiasedBlock()])
        self.head = nn.Linear(WIDTH, CLASSES)

    def outline(self, input_size: tuple[int, int]) -> Outline:
        grid = input_size[0] // PATCH, input_size[1] // PATCH
        layers = tuple(
            LayerOutline(f"block {i + 1}", grid, PATCH, HEADS, window, WIDTH)
            for i, window in enumerate((WINDOW, WINDOW, None))
        )
        gives = frozenset(
            {"attention", "values", "states", "gradients", "classes", "path", "sequence"}
        )
        return Outline(layers, (), CLASSES, 0, gives)

    def cost(self, input_size: tuple[int, int]) -> Cost:
        tokens = (input_size[0] // PATCH) * (input_size[1] // PATCH)
        return Cost(tokens, 1000 * tokens, 1 << 22, 1 << 22, keeps_states=True)

    def embed(self, image: Tensor) -> Tensor:
        return self.cut(image).permute(0, 2, 3, 1)

    def as_tokens(self, z: Tensor) -> Tensor:
        return z.flatten(1, 2)

    def projection(self, layer: int) -> Tensor:
        return self.blocks[layer].proj.weight

    def classify(self, z: Tensor) -> Tensor:
        return self.head(z.mean((1, 2)))


def toy() -> Toy:
    """The same one each time, its attention far from uniform."""
    with torch.random.fork_rng():
        torch.manual_seed(4)
        network = Toy().eval()
    with torch.no_grad():
        for block in network.blocks:
            block.qkv.weight.mul_(4)
    return network


@dataclass
class WholeMatrices:
    """An ``Attend`` that keeps whole attention matrices over all tokens, in the graph.

    Attributes:
        weights: Of each layer, as the layer has them: heads x tokens x tokens, or windows x heads
            x slots x slots.
        members: Of each layer; None where all look at all.
    """

    weights: list[Tensor] = field(default_factory=list)
    members: list[Tensor | None] = field(default_factory=list)

    def __call__(
        self, q: Tensor, k: Tensor, v: Tensor, bias: Bias | None = None,
        windows: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        logits = q @ k.mT / q.shape[-1] ** 0.5
        if bias is not None:
            logits = logits + bias(slice(0, q.shape[2]))
        weights = logits.softmax(-1)
        if not weights.requires_grad:  # frozen parameters
            weights.requires_grad_()
        self.weights.append(weights)
        self.members.append(windows)
        return weights @ v

    def dense(self, layer: int, values: Tensor, tokens: int) -> np.ndarray:
        """Numbers of a layer's pairs as heads x tokens x tokens, entry by entry."""
        members = self.members[layer]
        if members is None:
            return values[0].detach().numpy()
        out = np.zeros((values.shape[1], tokens, tokens))
        for window, tokens_of in enumerate(members.tolist()):
            for i, query in enumerate(tokens_of):
                for j, key in enumerate(tokens_of):
                    if query >= 0 and key >= 0:
                        out[:, query, key] = values[window, :, i, j].detach().numpy()
        return out


@dataclass(frozen=True)
class Seen:
    """Attention, and the gradient of a logit with respect to it; layers heads tokens tokens."""

    attention: np.ndarray
    gradients: np.ndarray


def seen(network: Network, image: Tensor, target: int, tokens: int) -> Seen:
    """One forward and one backward with every matrix in the graph, in the image's precision."""
    attend = WholeMatrices()
    with torch.enable_grad():
        z = network.embed(image)
        for block in network.blocks:
            z = block(z, attend)
        found = torch.autograd.grad(network.classify(z)[0, target], attend.weights)
    layers = range(len(attend.weights))
    return Seen(
        np.array([attend.dense(i, attend.weights[i], tokens) for i in layers]),
        np.array([attend.dense(i, found[i], tokens) for i in layers]),
    )
