"""EfficientNet and the MobileNets as a family: importing this does not load torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vitviz.models.cnn import plan as cnn
from vitviz.models.cnn.efficientnet.config import (
    BlockShape,
    EfficientNetConfig,
    config_fields,
    plan,
    read_config,
)
from vitviz.models.config import Size, TrainingInput
from vitviz.models.cost import Cost
from vitviz.models.family import Family
from vitviz.models.outline import Outline

if TYPE_CHECKING:
    from vitviz.models.checkpoints.reader import Reader
    from vitviz.models.network import Network


def outline(config: EfficientNetConfig, input_size: Size) -> Outline:
    """One from outside."""
    return cnn.outline(plan(config), input_size)


def cost(config: EfficientNetConfig, input_size: Size) -> Cost:
    """What tracing one costs."""
    return cnn.cost(plan(config), input_size)


def build(config: EfficientNetConfig) -> Network:
    """A network with parameters yet to be loaded."""
    from vitviz.models.cnn.efficientnet.network import EfficientNet

    return EfficientNet(config)


def readers() -> tuple[Reader, ...]:
    """Of timm's names, and of torchvision's."""
    from vitviz.models.cnn.efficientnet import weights

    return weights.TIMM, weights.TORCHVISION


def specimen() -> EfficientNetConfig:
    """One of each kind of block, and an input that no stride divides."""
    stages = (
        (BlockShape(8, 0, 3, 1, fused=True), BlockShape(8, 8, 3, 1, expands=False)),
        (BlockShape(12, 24, 5, 2, 4), BlockShape(12, 36, 3, 1)),
        (BlockShape(16, 36, 3, 2, fused=True),),
    )
    return EfficientNetConfig(
        stages, stem=8, last=24, hidden=20, class_count=5, input_size=(45, 67), same_padding=True
    )


def trained(config: EfficientNetConfig) -> TrainingInput:
    """The input it was trained on."""
    return TrainingInput(config.input_size, config.step)


EFFICIENTNET = Family(
    "efficientnet", "EfficientNet or MobileNet", read_config, config_fields, trained, outline,
    cost, build, readers, specimen,
)  # fmt: skip
