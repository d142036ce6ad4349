"""A toy family: attention in two stages with grids of different sizes and heads, and no CLS.

Everything that the program needs of it is in this file. The second stage's patches are two by two
of the first's; where these are odd in number, the last ones reach past the input's edge.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.reader import Reader
from vitviz.models.config import TrainingInput
from vitviz.models.cost import Cost
from vitviz.models.family import Family
from vitviz.models.network import Attend, Network, softmax_attention
from vitviz.models.outline import LayerOutline, Outline


@dataclass(frozen=True)
class StagesConfig:
    """Two stages: one block, then two of twice the width."""

    width: int = 12
    heads: int = 2
    patch: int = 4
    input_size: tuple[int, int] = (12, 20)
    classes: int = 3


LAYERS = ((1, 1), (2, 2), (2, 2))
"""Of each layer: how many times the first's patch is its patch, and how many times its width."""


class StageBlock(nn.Module):
    """Attention alone, after the patches were merged where a stage begins."""

    def __init__(self, width: int, heads: int, *, merges: bool) -> None:
        super().__init__()
        self.heads = heads
        self.merge = nn.Linear(2 * width, width) if merges else None
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, z: Tensor, attend: Attend = softmax_attention) -> Tensor:
        if self.merge is not None:  # z: batch rows cols width / 2
            z = F.pad(z, (0, 0, 0, z.shape[2] % 2, 0, z.shape[1] % 2))
            z = self.merge(torch.cat([z[:, i::2, j::2] for i in (0, 1) for j in (0, 1)], dim=-1))
        qkv = self.qkv(self.norm(z)).flatten(1, 2).unflatten(2, (3, self.heads, -1))
        mixed = attend(*qkv.permute(2, 0, 3, 1, 4))
        return z + self.proj(mixed.transpose(1, 2).flatten(2)).view_as(z)


class Stages(Network):
    """The whole network; a state is batch x rows x columns x width."""

    def __init__(self, config: StagesConfig) -> None:
        super().__init__()
        self.config = config
        self.toy_embed = nn.Conv2d(3, config.width, config.patch, config.patch)
        self.blocks = nn.ModuleList(
            StageBlock(times * config.width, times * config.heads, merges=layer == 1)
            for layer, (_, times) in enumerate(LAYERS)
        )
        self.head = nn.Linear(2 * config.width, config.classes)

    def outline(self, input_size: tuple[int, int]) -> Outline:
        return outline(self.config, input_size)

    def cost(self, input_size: tuple[int, int]) -> Cost:
        return cost(self.config, input_size)

    def embed(self, image: Tensor) -> Tensor:
        return self.toy_embed(image).permute(0, 2, 3, 1)

    def as_tokens(self, z: Tensor) -> Tensor:
        return z.flatten(1, 2)

    def projection(self, layer: int) -> Tensor:
        return self.blocks[layer].proj.weight

    def classify(self, z: Tensor) -> Tensor:
        return self.head(z.mean((1, 2)))


def outline(config: StagesConfig, input_size: tuple[int, int]) -> Outline:
    layers = []
    for number, (times, wide) in enumerate(LAYERS):
        patch = times * config.patch
        grid = -(-input_size[0] // patch), -(-input_size[1] // patch)
        name = f"stage {min(number, 1) + 1}, block {max(number, 1)}"
        layers.append(
            LayerOutline(name, grid, patch, wide * config.heads, width=wide * config.width)
        )
    parameters = sum(p.numel() for p in build(config).parameters())
    gives = frozenset({"attention", "values", "states", "gradients", "classes"})
    return Outline(tuple(layers), (), config.classes, parameters, gives)


def cost(config: StagesConfig, input_size: tuple[int, int]) -> Cost:
    tokens = (input_size[0] // config.patch) * (input_size[1] // config.patch)
    return Cost(tokens, 1000 * tokens, 1 << 22, 1 << 22, keeps_states=True)


def build(config: StagesConfig) -> Stages:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return Stages(config)


def read(values: dict[str, Any], classes: int) -> StagesConfig:
    height, width = values.pop("input_size")
    return StagesConfig(
        values.pop("width"), values.pop("heads"), values.pop("patch"), (height, width),
        values.pop("class_count", classes),
    )  # fmt: skip


def fields(config: StagesConfig) -> dict[str, Any]:
    values = asdict(config)
    return {**values, "class_count": values.pop("classes")}


PREPROCESSING = Preprocessing((12, 20), 4, (0.5,) * 3, (0.25,) * 3, "squash", 20)

READER = Reader(
    "toy", "the toy of two stages", lambda tensors: "toy_embed.weight" in tensors,
    lambda tensors, said: (StagesConfig(**said.network), ()), lambda tensors, config: tensors,
    lambda config: (PREPROCESSING, ()),
)  # fmt: skip

STAGES = Family(
    "stages", "Two stages", read, fields, lambda c: TrainingInput(c.input_size, c.patch), outline,
    cost, build, lambda: (READER,),
)  # fmt: skip
