"""Masked autoencoders as a family: importing this does not load torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vitviz.models.config import TrainingInput
from vitviz.models.family import Family
from vitviz.models.mae.config import MAEConfig, config_fields, read_config
from vitviz.models.mae.cost import cost
from vitviz.models.mae.outline import outline
from vitviz.models.vit.config import ViTConfig

if TYPE_CHECKING:
    from vitviz.models.checkpoints.reader import Reader
    from vitviz.models.network import Network


def build(config: MAEConfig) -> Network:
    """A network with parameters yet to be loaded."""
    from vitviz.models.mae.network import MaskedAutoencoder

    return MaskedAutoencoder(config)


def readers() -> tuple[Reader, ...]:
    """Of the names of the authors, and of transformers."""
    from vitviz.models.mae.weights import authors, transformers

    return authors.READER, transformers.READER


def specimen() -> MAEConfig:
    """A decoder narrower than its encoder, over a grid that is not square."""
    encoder = ViTConfig(
        patch=8, width=24, depth=2, heads=3, mlp_width=48, input_size=(40, 56), classes=0,
    )  # fmt: skip
    return MAEConfig(encoder, 16, 1, 2, 32)


def trained(config: MAEConfig) -> TrainingInput:
    """The input it was trained on."""
    return TrainingInput(config.encoder.input_size, config.encoder.patch)


MAE = Family(
    "mae", "Masked autoencoder", read_config, config_fields, trained, outline, cost, build, readers,
    specimen,
)  # fmt: skip
