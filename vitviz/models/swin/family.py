"""The Swin Transformer as a family: importing this does not load torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vitviz.models.config import TrainingInput
from vitviz.models.family import Family
from vitviz.models.swin.config import SwinConfig, config_fields, read_config
from vitviz.models.swin.cost import cost
from vitviz.models.swin.outline import outline

if TYPE_CHECKING:
    from vitviz.models.checkpoints.reader import Reader
    from vitviz.models.network import Network


def build(config: SwinConfig) -> Network:
    """A network with parameters yet to be loaded."""
    from vitviz.models.swin.network import SwinTransformer

    return SwinTransformer(config)


def readers() -> tuple[Reader, ...]:
    """Of the names of torchvision, of timm, of the authors and of transformers."""
    from vitviz.models.swin.weights import timm, torchvision, transformers

    return torchvision.READER, timm.MICROSOFT, timm.READER, transformers.READER


def specimen() -> SwinConfig:
    """Windows that shift and do not divide the grids."""
    return SwinConfig(
        width=12, depths=(2, 2), heads=(2, 3), windows=(3, 3), input_size=(40, 56), classes=5,
    )  # fmt: skip


def trained(config: SwinConfig) -> TrainingInput:
    """The input it was trained on."""
    return TrainingInput(config.input_size, config.patch)


SWIN = Family(
    "swin", "Swin Transformer", read_config, config_fields, trained, outline, cost, build, readers,
    specimen,
)  # fmt: skip
