"""The shape of a masked autoencoder, known before its weights are; does not load torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from vitviz.models.vit.card_fields import config_fields as encoder_fields
from vitviz.models.vit.card_fields import read_config as read_encoder
from vitviz.models.vit.config import ViTConfig
from vitviz.models.vit.parameters import parameters
from vitviz.reading import Within, taken


@dataclass(frozen=True)
class MAEConfig:
    """A masked autoencoder's shape.

    Args:
        encoder: The Vision Transformer that sees the patches that are not hidden.
        decoder_width: Length of a token in the decoder.
        decoder_depth: Number of its blocks.
        decoder_heads: Attention heads of each; divides ``decoder_width``.
        decoder_mlp_width: Hidden width of its MLPs.
        normalised: It was trained to predict each patch's pixels less their mean, by their spread.
    """

    encoder: ViTConfig
    decoder_width: int = 512
    decoder_depth: int = 8
    decoder_heads: int = 16
    decoder_mlp_width: int = 2048
    normalised: bool = True

    def __post_init__(self) -> None:
        if self.encoder.prefix != ("cls",) or self.encoder.classes:
            raise ValueError("a masked autoencoder has CLS and no classes")
        _ = self.decoder  # refuses what is no network

    @property
    def decoder(self) -> ViTConfig:
        """The decoder's blocks, as those of a Vision Transformer."""
        return ViTConfig(
            patch=self.encoder.patch,
            width=self.decoder_width,
            depth=self.decoder_depth,
            heads=self.decoder_heads,
            mlp_width=self.decoder_mlp_width,
            input_size=self.encoder.input_size,
            classes=0,
            norm_eps=self.encoder.norm_eps,
        )

    @property
    def parameters(self) -> int:
        """How many numbers the network has learned, those of fixed positions among them."""
        width, pixels = self.decoder_width, 3 * self.encoder.patch**2
        embedding = (pixels + 1) * width  # which a decoder has none of
        ends = (self.encoder.width + 1) * width + (width + 1) * pixels
        # The decoder's CLS token is the mask token.
        return parameters(self.encoder) + parameters(self.decoder) - embedding + ends


@dataclass(frozen=True)
class _Fields:
    """What a card has of a decoder; the encoder's fields, which come on top, are a ViT's."""

    decoder_width: Annotated[int, Within(1, 1 << 16)] = 512
    decoder_depth: Annotated[int, Within(1, 1 << 10)] = 8
    decoder_heads: Annotated[int, Within(1, 1 << 10)] = 16
    decoder_mlp_width: Annotated[int, Within(1, 1 << 20)] = 2048
    normalised_pixels: bool = True


def read_config(values: dict[str, Any], classes: int) -> MAEConfig:
    """The network that a model card describes; arguments and refusals as of a ViT's."""
    given = taken(_Fields, values)
    try:
        return MAEConfig(
            read_encoder(values, classes), given.decoder_width, given.decoder_depth,
            given.decoder_heads, given.decoder_mlp_width, given.normalised_pixels,
        )  # fmt: skip
    except ValueError as error:
        raise ValueError(f"it does not describe a network ({error})") from error


def config_fields(config: MAEConfig) -> dict[str, Any]:
    """A network's fields of a model card: ``read_config`` gives the same network back."""
    return {
        **encoder_fields(config.encoder),
        "decoder_width": config.decoder_width,
        "decoder_depth": config.decoder_depth,
        "decoder_heads": config.decoder_heads,
        "decoder_mlp_width": config.decoder_mlp_width,
        "normalised_pixels": config.normalised,
    }
