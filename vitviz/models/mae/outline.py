"""A masked autoencoder from outside: its encoder's layers, and that it has a decoder."""

from __future__ import annotations

import functools
from dataclasses import replace

from vitviz.models.mae.config import MAEConfig
from vitviz.models.outline import Outline
from vitviz.models.vit.outline import outline as outline_of_encoder


@functools.lru_cache(maxsize=64)  # asked for at every refresh of the window
def outline(config: MAEConfig, input_size: tuple[int, int]) -> Outline:
    """The outline of a network at an input of this height and width."""
    encoder = outline_of_encoder(config.encoder, input_size)
    sizes = (*encoder.sizes, ("decoder", config.decoder_width))
    return replace(
        encoder, gives=encoder.gives | {"decoder"}, parameters=config.parameters, sizes=sizes
    )
