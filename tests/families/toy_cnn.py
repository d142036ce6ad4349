"""A toy family: a convolutional network of three layers, without any attention.

Everything that the program needs of it is in this file.
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
from vitviz.models.network import Attend, Network
from vitviz.models.outline import LayerOutline, Outline


@dataclass(frozen=True)
class CNNConfig:
    """Widths of the layers, each with a stride of two after a stem with a stride of two."""

    widths: tuple[int, int, int] = (6, 10, 14)
    input_size: tuple[int, int] = (24, 40)
    classes: int = 4


class Convolution(nn.Module):
    """One layer; the attention it is offered it does not use."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3, stride=2, padding=1)

    def forward(self, z: Tensor, attend: Attend | None = None) -> Tensor:
        return F.relu(self.conv(z))


class CNN(Network):
    """The whole network; a state is batch x width x rows x columns."""

    def __init__(self, config: CNNConfig) -> None:
        super().__init__()
        self.config = config
        first, *_ = config.widths
        self.toy_stem = nn.Conv2d(3, first, 3, stride=2, padding=1)
        befores = (first, *config.widths[:-1])
        self.blocks = nn.ModuleList(map(Convolution, befores, config.widths))
        self.head = nn.Linear(config.widths[-1], config.classes)

    def outline(self, input_size: tuple[int, int]) -> Outline:
        return outline(self.config, input_size)

    def cost(self, input_size: tuple[int, int]) -> Cost:
        return cost(self.config, input_size)

    def embed(self, image: Tensor) -> Tensor:
        return self.toy_stem(image)

    def as_tokens(self, z: Tensor) -> Tensor:
        return z.flatten(2).transpose(1, 2)

    def classify(self, z: Tensor) -> Tensor:
        return self.head(z.mean((2, 3)))


def outline(config: CNNConfig, input_size: tuple[int, int]) -> Outline:
    layers = []
    for number, width in enumerate(config.widths):
        patch = 4 << number
        grid = -(-input_size[0] // patch), -(-input_size[1] // patch)
        layers.append(LayerOutline(f"convolution {number + 1}", grid, patch, width=width))
    parameters = sum(p.numel() for p in build(config).parameters())
    gives = frozenset({"states", "classes"})
    return Outline(tuple(layers), (), config.classes, parameters, gives)


def cost(config: CNNConfig, input_size: tuple[int, int]) -> Cost:
    pixels = input_size[0] * input_size[1]
    return Cost(pixels // 16, 100 * pixels, 1 << 22, 1 << 22, keeps_states=False)


def build(config: CNNConfig) -> CNN:
    with torch.random.fork_rng():
        torch.manual_seed(6)
        return CNN(config)


def read(values: dict[str, Any], classes: int) -> CNNConfig:
    height, width = values.pop("input_size")
    return CNNConfig(
        tuple(values.pop("widths")), (height, width), values.pop("class_count", classes)
    )


def fields(config: CNNConfig) -> dict[str, Any]:
    values = asdict(config)
    return {**values, "class_count": values.pop("classes")}


PREPROCESSING = Preprocessing((24, 40), 8, (0.5,) * 3, (0.25,) * 3, "squash", 40)

READER = Reader(
    "toy-cnn", "the toy of convolutions", lambda tensors: "toy_stem.weight" in tensors,
    lambda tensors, said: (CNNConfig(**said.network), ()), lambda tensors, config: tensors,
    lambda config: (PREPROCESSING, ()),
)  # fmt: skip

TOY_CNN = Family(
    "toy-cnn", "Convolutions", read, fields, lambda c: TrainingInput(c.input_size, 8), outline,
    cost, build, lambda: (READER,),
)  # fmt: skip
