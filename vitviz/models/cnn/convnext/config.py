"""The shape of a ConvNeXt, known before its weights are."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Annotated, Any

from vitviz.models.cnn.plan import Block, Conv, Plan
from vitviz.reading import Within, taken

Channels = Annotated[int, Within(1, 1 << 14)]
Side = Annotated[int, Within(1, 1 << 14)]
Count = Annotated[int, Within(1, 1000)]

STEM = 4
"""Side of the patches that the stem cuts the input into."""

STEP = 32
"""Input pixels from one patch of the last layer to the next."""

KERNEL = 7
"""Of the spatial convolutions."""

WIDER = 4
"""How many times wider a block is within."""


@dataclass(frozen=True)
class ConvNeXtConfig:
    """A ConvNeXt.

    Args:
        depths: Blocks of each of the four stages.
        widths: Channels of each stage.
        layer_scale: Blocks have a learned factor for each channel (version 1).
        response_norm: Blocks have a global response normalisation (version 2).
        class_count: Outputs of the head; 0 where there is no head.
        head_norm: A last norm comes after the mean over all places.
        input_size: Height and width trained on, in pixels.
        norm_eps: Epsilon of every LayerNorm.
    """

    depths: tuple[Count, Count, Count, Count]
    widths: tuple[Channels, Channels, Channels, Channels]
    layer_scale: bool = True
    response_norm: bool = False
    class_count: Annotated[int, Within(0, 1 << 20)] = 1000
    head_norm: bool = True
    input_size: tuple[Side, Side] = (224, 224)
    norm_eps: Annotated[float, Within(1e-15, 0.1)] = 1e-6

    def __post_init__(self) -> None:
        if min(*self.depths, *self.widths, *self.input_size) < 1:
            raise ValueError("every size of a network is at least 1")


def read_config(values: dict[str, Any], classes: int) -> ConvNeXtConfig:
    """The network that a model card describes; raises ``ValueError`` where it describes none."""
    values.setdefault("class_count", classes)
    return taken(ConvNeXtConfig, values)


def config_fields(config: ConvNeXtConfig) -> dict[str, Any]:
    """A network's fields of a model card: ``read_config`` gives the same network back."""
    return asdict(config)


@lru_cache(maxsize=64)
def plan(config: ConvNeXtConfig) -> Plan:
    """Its convolutions; those of kernel 1 are linear layers."""
    first, *_ = config.widths
    stem = Block("stem", (Conv(3, first, STEM, STEM, learned=3 * first),))
    blocks, before = [], first
    for stage, (depth, width) in enumerate(zip(config.depths, config.widths, strict=True), start=1):
        for number in range(1, depth + 1):
            down = stage > 1 and number == 1
            convs = _block(width)
            if down:
                convs = (Conv(before, width, 2, 2, learned=width), *convs)
            learned = 2 * width + (width if config.layer_scale else 0)
            learned += 2 * before if down else 0
            learned += 2 * WIDER * width if config.response_norm else 0
            name = f"stage {stage}, block {number}"
            blocks.append(Block(name, convs, learned=learned, sees_all=config.response_norm))
        before = width
    head = (before + 1) * config.class_count + (2 * before if config.head_norm else 0)
    return Plan(stem, tuple(blocks), head, config.class_count)


def _block(width: int) -> tuple[Conv, ...]:
    wide = WIDER * width
    return (
        Conv(width, width, KERNEL, 1, KERNEL // 2, width, width),
        Conv(width, wide, learned=wide), Conv(wide, width, learned=width),
    )  # fmt: skip
