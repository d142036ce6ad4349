"""ConvNeXt as a family: importing this does not load torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vitviz.models.cnn import plan as cnn
from vitviz.models.cnn.convnext.config import STEP, ConvNeXtConfig, config_fields, plan, read_config
from vitviz.models.config import Size, TrainingInput
from vitviz.models.cost import Cost
from vitviz.models.family import Family
from vitviz.models.outline import Outline

if TYPE_CHECKING:
    from vitviz.models.checkpoints.reader import Reader
    from vitviz.models.network import Network


def outline(config: ConvNeXtConfig, input_size: Size) -> Outline:
    """One from outside."""
    return cnn.outline(plan(config), input_size)


def cost(config: ConvNeXtConfig, input_size: Size) -> Cost:
    """What tracing one costs."""
    return cnn.cost(plan(config), input_size)


def build(config: ConvNeXtConfig) -> Network:
    """A network with parameters yet to be loaded."""
    from vitviz.models.cnn.convnext.network import ConvNeXt

    return ConvNeXt(config)


def readers() -> tuple[Reader, ...]:
    """Of the names of transformers, timm, its authors and torchvision."""
    from vitviz.models.cnn.convnext import weights

    return weights.READERS


def specimen() -> ConvNeXtConfig:
    """A small one, and an input that no stride divides."""
    return ConvNeXtConfig((1, 2, 1, 1), (8, 12, 16, 20), class_count=5, input_size=(45, 67))


def trained(config: ConvNeXtConfig) -> TrainingInput:
    """The input it was trained on."""
    return TrainingInput(config.input_size, STEP)


CONVNEXT = Family(
    "convnext",
    "ConvNeXt",
    read_config,
    config_fields,
    trained,
    outline,
    cost,
    build,
    readers,
    specimen,
)
