"""What the shapes of a masked autoencoder's parameters tell, under the network's own names."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace

import torch

from vitviz.errors import CheckpointError
from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.fitting import fitted, shape_of
from vitviz.models.checkpoints.reader import Assumption, Notes, Tensors
from vitviz.models.checkpoints.said import Said
from vitviz.models.mae.config import MAEConfig
from vitviz.models.mae.network import MaskedAutoencoder
from vitviz.models.vit.weights import shapes as of_encoder
from vitviz.models.vit.weights.heard import heard
from vitviz.models.vit.weights.timm import IMAGENET_MEAN, IMAGENET_STD

USUAL_HEADS = 16
"""Of the decoder, 512 wide. Source: the authors' ``mae_vit_*_patch*_dec512d8b``."""


def infer(named: Tensors, said: Said) -> tuple[MAEConfig, Notes]:
    """The network that these parameters belong to.

    Args:
        named: Parameters under the network's names.
        said: What shapes do not tell: heads of both, whether pixels were normalised.

    Raises:
        CheckpointError: A parameter that tells a size is missing or misshapen, or no network of
            such sizes exists.
    """
    of_card = said.network.get("encoder")
    if is_dataclass(of_card) and not isinstance(of_card, type):
        inner = {field.name: getattr(of_card, field.name) for field in fields(of_card)}
        said = replace(said, network={**said.network, **inner})
    said = heard(said)
    encoder, notes = of_encoder.infer(
        {name: t for name, t in named.items() if not name.startswith(("decoder_", "mask_token"))},
        said,
    )
    # That there is no head is no lack here.
    notes = tuple(note for note in notes if isinstance(note, Assumption))
    width, _ = shape_of(named, "decoder_embed.weight", 2)
    hidden, _ = shape_of(named, "decoder_blocks.0.mlp.fc1.weight", 2)
    found = map(re.compile(r"decoder_blocks\.(\d{1,3})\.").match, named)
    depth = 1 + max(int(match[1]) for match in found if match)
    heads = said.get("decoder_heads", int) or _number(said, "decoder_num_attention_heads")
    if heads is None:
        heads = USUAL_HEADS if width % USUAL_HEADS == 0 else 1
        note = f"{heads} heads of {width // heads} are assumed in the decoder."
        notes += (Assumption("decoder_heads", note),)
    normalised, more = _normalised(said)
    try:
        config = MAEConfig(encoder, width, depth, heads, hidden, normalised)
    except ValueError as error:
        raise CheckpointError(f"The shapes are of no masked autoencoder: {error}.") from error
    return config, notes + more


def _number(said: Said, name: str) -> int | None:
    value = said.arguments.get(name)
    return value if type(value) is int and value > 0 else None


def _normalised(said: Said) -> tuple[bool, Notes]:
    """Whether it predicts normalised pixels: a card, a config.json or a script's options say so."""
    for value in (
        said.get("normalised_pixels", bool),
        said.get("normalised", bool),
        said.arguments.get("norm_pix_loss"),
    ):
        if isinstance(value, bool):
            return value, ()
    note = (
        "The decoder is assumed to predict normalised pixels, as the authors trained most; if what "
        "it makes looks flat and grey, or glaring, it does not."
    )
    return True, (Assumption("normalised_pixels", note),)


def convert(named: Tensors, config: MAEConfig, keys: dict[str, str] | None = None) -> Tensors:
    """The parameters, exactly those that the network has.

    Raises:
        CheckpointError: Something is unexpected, missing, of another shape or not a number.
    """
    with torch.device("meta"):
        network = MaskedAutoencoder(config)
    encoder = config.encoder
    what = f"a masked autoencoder of {encoder.depth} and {config.decoder_depth} blocks"
    return fitted(named, network, what, keys)


def preprocessing(config: MAEConfig) -> tuple[Preprocessing, Notes]:
    """As the authors evaluate: the shorter edge is 8/7 of the crop, bicubic."""
    size = config.encoder.input_size
    edge = min(size) * 256 // 224
    note = (
        f"Preprocessing is assumed: shorter edge to {edge}, bicubic, ImageNet mean and std, as MAE "
        "was trained."
    )
    return Preprocessing(size, config.encoder.patch, IMAGENET_MEAN, IMAGENET_STD, edge=edge), (
        Assumption("preprocessing", note),
    )
