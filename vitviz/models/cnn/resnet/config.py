"""The shape of a ResNet, known before its weights are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Annotated, Any

from vitviz.models.cnn.plan import Block, Conv, Plan
from vitviz.reading import Within, taken

Channels = Annotated[int, Within(1, 1 << 14)]
Side = Annotated[int, Within(1, 1 << 14)]
Count = Annotated[int, Within(1, 1000)]

STEP = 32
"""Input pixels from one patch of the last layer to the next."""


@dataclass(frozen=True)
class ResNetConfig:
    """A ResNet.

    Args:
        depths: Blocks of each of the four stages.
        hidden: Channels within the blocks of each stage.
        widths: Channels that they put out.
        bottleneck: Blocks of three convolutions, 1 x 1, 3 x 3 and 1 x 1; else of two of 3 x 3.
        groups: Of the 3 x 3 convolution of a bottleneck (ResNeXt).
        stem: Channels that the stem puts out.
        deep_stem: Channels of the first two of three 3 x 3 convolutions in the stem, in the place
            of one of 7 x 7 (ResNet-C and D); empty where it is one.
        averages_beside: The way past a block with a stride takes means of 2 x 2 first (ResNet-D).
        class_count: Outputs of the head; 0 where there is no head.
        input_size: Height and width trained on, in pixels.
        norm_eps: Epsilon of every batch normalisation.
    """

    depths: tuple[Count, Count, Count, Count]
    hidden: tuple[Channels, Channels, Channels, Channels]
    widths: tuple[Channels, Channels, Channels, Channels]
    bottleneck: bool = True
    groups: Annotated[int, Within(1, 1 << 14)] = 1
    stem: Channels = 64
    deep_stem: Annotated[tuple[Channels, ...], Within(0, 2)] = ()
    averages_beside: bool = False
    class_count: Annotated[int, Within(0, 1 << 20)] = 1000
    input_size: tuple[Side, Side] = (224, 224)
    norm_eps: Annotated[float, Within(1e-15, 0.1)] = 1e-5

    def __post_init__(self) -> None:
        if min(*self.depths, *self.hidden, *self.widths, self.stem, *self.input_size) < 1:
            raise ValueError("every size of a network is at least 1")
        if len(self.deep_stem) not in (0, 2):
            raise ValueError("a stem is one convolution or three")
        if any(hidden % self.groups for hidden in self.hidden):
            raise ValueError(f"hidden channels are not a multiple of {self.groups} groups")
        if not self.bottleneck and (self.hidden != self.widths or self.groups > 1):
            raise ValueError("blocks of two convolutions are as wide within, and have no groups")


@dataclass(frozen=True)
class BlockShape:
    """One block: its stage and number from 0, channels before, within and after, and stride."""

    stage: int
    number: int
    before: int
    hidden: int
    width: int
    stride: int

    @property
    def projects(self) -> bool:
        """The way past it has a convolution, since it changes the shape."""
        return self.stride > 1 or self.before != self.width


def block_shapes(config: ResNetConfig) -> Iterator[BlockShape]:
    """Every block, from the first."""
    before = config.stem
    for stage, depth in enumerate(config.depths):
        for number in range(depth):
            stride = 2 if stage and not number else 1
            width = config.widths[stage]
            yield BlockShape(stage, number, before, config.hidden[stage], width, stride)
            before = width


def read_config(values: dict[str, Any], classes: int) -> ResNetConfig:
    """The network that a model card describes; raises ``ValueError`` where it describes none."""
    values.setdefault("class_count", classes)
    return taken(ResNetConfig, values)


def config_fields(config: ResNetConfig) -> dict[str, Any]:
    """A network's fields of a model card: ``read_config`` gives the same network back."""
    return asdict(config)


def _conv(before: int, after: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> Conv:
    """With its norm."""
    return Conv(before, after, kernel, stride, kernel // 2, groups, 2 * after)


@lru_cache(maxsize=64)
def plan(config: ResNetConfig) -> Plan:
    """Its convolutions."""
    if config.deep_stem:
        first, second = config.deep_stem
        stem = [_conv(3, first, 3, 2), _conv(first, second, 3), _conv(second, config.stem, 3)]
    else:
        stem = [_conv(3, config.stem, 7, 2)]
    pooled = Conv(config.stem, config.stem, 3, 2, 1, pools=True)
    blocks = tuple(
        Block(f"stage {shape.stage + 1}, block {shape.number + 1}", _convs(config, shape),
              _beside(config, shape))
        for shape in block_shapes(config)
    )  # fmt: skip
    head = (config.widths[-1] + 1) * config.class_count
    return Plan(Block("stem", (*stem, pooled)), blocks, head, config.class_count)


def _convs(config: ResNetConfig, shape: BlockShape) -> tuple[Conv, ...]:
    before, hidden, width, stride = shape.before, shape.hidden, shape.width, shape.stride
    if not config.bottleneck:
        return _conv(before, width, 3, stride), _conv(width, width, 3)
    return (
        _conv(before, hidden), _conv(hidden, hidden, 3, stride, config.groups),
        _conv(hidden, width),
    )  # fmt: skip


def _beside(config: ResNetConfig, shape: BlockShape) -> tuple[Conv, ...]:
    if not shape.projects:
        return ()
    before, width, stride = shape.before, shape.width, shape.stride
    if config.averages_beside and stride > 1:
        return Conv(before, before, 2, 2, 0, pools=True), _conv(before, width)
    return (_conv(before, width, 1, stride),)
