"""What a masked autoencoder takes: as its encoder, which is all that a trace goes through."""

from __future__ import annotations

from vitviz.models.cost import Cost
from vitviz.models.mae.config import MAEConfig
from vitviz.models.vit.cost import cost as cost_of_encoder


def cost(config: MAEConfig, input_size: tuple[int, int]) -> Cost:
    """The cost of tracing one photo.

    Args:
        config: The network.
        input_size: Height and width of the input that it will be given, in pixels.
    """
    return cost_of_encoder(config.encoder, input_size)
