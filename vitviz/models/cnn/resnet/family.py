"""ResNet as a family: importing this does not load torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vitviz.models.cnn import plan as cnn
from vitviz.models.cnn.resnet.config import STEP, ResNetConfig, config_fields, plan, read_config
from vitviz.models.config import Size, TrainingInput
from vitviz.models.cost import Cost
from vitviz.models.family import Family
from vitviz.models.outline import Outline

if TYPE_CHECKING:
    from vitviz.models.checkpoints.reader import Reader
    from vitviz.models.network import Network


def outline(config: ResNetConfig, input_size: Size) -> Outline:
    """One from outside."""
    return cnn.outline(plan(config), input_size)


def cost(config: ResNetConfig, input_size: Size) -> Cost:
    """What tracing one costs."""
    return cnn.cost(plan(config), input_size)


def build(config: ResNetConfig) -> Network:
    """A network with parameters yet to be loaded."""
    from vitviz.models.cnn.resnet.network import ResNet

    return ResNet(config)


def readers() -> tuple[Reader, ...]:
    """Of the names that torchvision and timm share, and of transformers'."""
    from vitviz.models.cnn.resnet import weights

    return weights.READER, weights.TRANSFORMERS


def specimen() -> ResNetConfig:
    """One of groups, with a deep stem, and an input that no stride divides."""
    return ResNetConfig(
        (1, 2, 1, 1), (8, 8, 12, 12), (16, 20, 24, 28), groups=4, stem=10, deep_stem=(6, 8),
        averages_beside=True, class_count=5, input_size=(45, 67),
    )  # fmt: skip


def trained(config: ResNetConfig) -> TrainingInput:
    """The input it was trained on."""
    return TrainingInput(config.input_size, STEP)


RESNET = Family(
    "resnet", "ResNet", read_config, config_fields, trained, outline, cost, build, readers, specimen
)
