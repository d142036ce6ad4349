"""The shape of a network of inverted residual blocks, known before its weights are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Any, Literal

from vitviz.models.cnn.plan import Block, Conv, Plan
from vitviz.reading import Within, taken

Activation = Literal["relu", "relu6", "silu", "hard_swish"]
Gate = Literal["sigmoid", "hard_sigmoid"]

Channels = Annotated[int, Within(1, 1 << 14)]
Side = Annotated[int, Within(1, 1 << 14)]


@dataclass(frozen=True)
class BlockShape:
    """One block.

    Args:
        width: Channels that it puts out.
        hidden: Channels between its first and its last convolution; 0: it has one convolution only.
        kernel: Side of what its spatial convolution looks at.
        stride: Of that convolution.
        squeeze: Channels in the middle of its squeeze-and-excitation; 0 where it has none.
        fused: The spatial convolution mixes channels and widens at once (Fused-MBConv).
        expands: A 1 x 1 convolution widens before it; of a block that is not fused.
        activation: Within the block.
    """

    width: Channels
    hidden: Annotated[int, Within(0, 1 << 16)]
    kernel: Annotated[int, Within(1, 31)] = 3
    stride: Annotated[int, Within(1, 4)] = 1
    squeeze: Annotated[int, Within(0, 1 << 14)] = 0
    fused: bool = False
    expands: bool = True
    activation: Activation = "relu6"


@dataclass(frozen=True)
class EfficientNetConfig:
    """A network: a stem, blocks, a last convolution, and a head.

    Args:
        stages: Of blocks; each begins with its stride.
        stem: Channels that the first convolution puts out, at a stride of two.
        last: Channels of the last convolution, which has a kernel of 1.
        hidden: Of the head's hidden layer, which MobileNet v3 has; 0 where it has none.
        class_count: Outputs of the head; 0 where there is no head.
        input_size: Height and width trained on, in pixels.
        activation: Of the stem, the last convolution and the head.
        gate: Of squeeze-and-excitation.
        gate_activation: In the middle of it.
        same_padding: As TensorFlow pads; else evenly.
        norm_eps: Epsilon of every batch normalisation.
    """

    stages: Annotated[tuple[Annotated[tuple[BlockShape, ...], Within(1, 100)], ...], Within(1, 20)]
    stem: Channels
    last: Annotated[int, Within(1, 1 << 16)]
    hidden: Annotated[int, Within(0, 1 << 16)] = 0
    class_count: Annotated[int, Within(0, 1 << 20)] = 1000
    input_size: tuple[Side, Side] = (224, 224)
    activation: Activation = "relu6"
    gate: Gate = "sigmoid"
    gate_activation: Activation = "silu"
    same_padding: bool = False
    norm_eps: Annotated[float, Within(1e-15, 0.1)] = 1e-5

    def __post_init__(self) -> None:
        least = (self.stem, self.last, *self.input_size, *map(len, self.stages))
        if min(least) < 1 or not self.stages:
            raise ValueError("every size of a network is at least 1")
        before = self.stem
        for block in self.blocks:
            if not block.fused and block.hidden != (block.hidden if block.expands else before):
                raise ValueError(f"a block that does not widen has {before} channels throughout")
            if not (block.fused or block.hidden):
                raise ValueError("a block of two or three convolutions has hidden channels")
            before = block.width

    @property
    def blocks(self) -> tuple[BlockShape, ...]:
        """All blocks, one stage after another."""
        return tuple(block for stage in self.stages for block in stage)

    @property
    def step(self) -> int:
        """Input pixels from one patch of the last layer to the next."""
        step = 2
        for block in self.blocks:
            step *= block.stride
        return step

    def padding(self, kernel: int) -> int | None:
        """Of a convolution; None as TensorFlow's."""
        return None if self.same_padding else kernel // 2


def read_config(values: dict[str, Any], classes: int) -> EfficientNetConfig:
    """The network that a model card describes; raises ``ValueError`` where it describes none."""
    values.setdefault("class_count", classes)
    return taken(EfficientNetConfig, values)


def config_fields(config: EfficientNetConfig) -> dict[str, Any]:
    """A network's fields of a model card: ``read_config`` gives the same network back."""
    return asdict(config)


def _names(config: EfficientNetConfig) -> Iterator[str]:
    for number, stage in enumerate(config.stages, start=1):
        for block in range(1, len(stage) + 1):
            yield f"stage {number}, block {block}"
    yield "last convolution"


@lru_cache(maxsize=64)
def plan(config: EfficientNetConfig) -> Plan:
    """Its convolutions."""
    stem = Conv(3, config.stem, 3, 2, config.padding(3), learned=2 * config.stem)
    widths = (config.stem, *(block.width for block in config.blocks))
    layers = [
        ((*_convs(config, block, before),), _squeeze_parameters(block, before))
        for block, before in zip(config.blocks, widths, strict=False)
    ]
    layers.append(((Conv(widths[-1], config.last, learned=2 * config.last),), 0))
    blocks = tuple(
        Block(name, convs, learned=learned, sees_all=learned > 0)
        for name, (convs, learned) in zip(_names(config), layers, strict=True)
    )
    ends = [size for size in (config.last, config.hidden, config.class_count) if size]
    head = sum((a + 1) * b for a, b in pairwise(ends)) if config.class_count else 0
    return Plan(Block("stem", (stem,)), blocks, head, config.class_count)


def _convs(config: EfficientNetConfig, block: BlockShape, before: int) -> Iterator[Conv]:
    width, hidden, padding = block.width, block.hidden, config.padding(block.kernel)
    if block.fused:
        wide = hidden or width
        yield Conv(before, wide, block.kernel, block.stride, padding, learned=2 * wide)
    else:
        if block.expands:
            yield Conv(before, hidden, learned=2 * hidden)
        yield Conv(hidden, hidden, block.kernel, block.stride, padding, hidden, 2 * hidden)
    if hidden:
        yield Conv(hidden, width, learned=2 * width)


def _squeeze_parameters(block: BlockShape, before: int) -> int:
    hidden = block.hidden or before
    return (2 * hidden + 1) * block.squeeze + hidden if block.squeeze else 0
