"""Checkpoints in the names of the authors, with their decoder.

Source: facebookresearch/mae ``models_mae.py``. (Files of the encoder alone are plain ViTs.)
"""

from __future__ import annotations

from vitviz.models.checkpoints.reader import Notes, Reader, Tensors
from vitviz.models.checkpoints.said import NOT_SAID, Said
from vitviz.models.mae.config import MAEConfig
from vitviz.models.mae.weights import shapes


def recognises(tensors: Tensors) -> bool:
    """Whether the names are the authors', the decoder's among them."""
    return {
        "decoder_blocks.0.attn.qkv.weight", "decoder_blocks.0.mlp.fc1.weight",
        "blocks.0.attn.qkv.weight", "decoder_pred.weight",
    } <= tensors.keys()  # fmt: skip


def config(tensors: Tensors, said: Said = NOT_SAID) -> tuple[MAEConfig, Notes]:
    """The network, from the shapes."""
    return shapes.infer(tensors, said)


def convert(tensors: Tensors, config: MAEConfig) -> Tensors:
    """The parameters under our names, which are these."""
    return shapes.convert(tensors, config)


READER = Reader(
    "mae", "facebookresearch/mae, with its decoder", recognises, config, convert,
    shapes.preprocessing,
)  # fmt: skip
