"""Checkpoints in the names of transformers' ``ViTMAEForPreTraining``: on disk, in memory since
version 5, and on disk as versions 5.23 and 5.24 write them (``decoder_encoder.layer``, which is a
slip: their own ``decoder_layers`` had its inner names turned back with the encoder's).

Source: transformers ``models/vit_mae``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.reader import Notes, Reader, Tensors
from vitviz.models.checkpoints.said import NOT_SAID, Said
from vitviz.models.mae.config import MAEConfig
from vitviz.models.mae.weights import shapes

PLACES = (
    (re.compile(r"^vit\.embeddings\.patch_embeddings\.projection\."), "patch_embed.proj."),
    (re.compile(r"^vit\.embeddings\.position_embeddings$"), "pos_embed"),
    (re.compile(r"^vit\.embeddings\.cls_token$"), "cls_token"),
    (re.compile(r"^vit\.layernorm\."), "norm."),
    (re.compile(r"^vit\.(?:encoder\.layer|layers)\.(\d+)\."), r"blocks.\1."),
    (re.compile(r"^decoder\.(?:decoder_encoder\.layer|decoder_layers)\.(\d+)\."),
     r"decoder_blocks.\1."),
    (re.compile(r"^decoder\."), ""),
    (re.compile(r"\.layernorm_before\."), ".norm1."),
    (re.compile(r"\.layernorm_after\."), ".norm2."),
    (re.compile(r"\.attention\.(?:output\.dense|o_proj)\."), ".attn.proj."),
    (re.compile(r"\.attention\.(?:attention\.query|q_proj)\."), ".attn.q."),
    (re.compile(r"\.attention\.(?:attention\.key|k_proj)\."), ".attn.k."),
    (re.compile(r"\.attention\.(?:attention\.value|v_proj)\."), ".attn.v."),
    (re.compile(r"\.intermediate\.dense\."), ".mlp.fc1."),
    (re.compile(r"(?<=\d)\.output\.dense\."), ".mlp.fc2."),
)  # fmt: skip

PART = re.compile(r"(.*\.attn\.)([qkv])\.(weight|bias)$")


def our_name(key: str) -> str:
    """Our name for a key; of q, k and v, which are joined, one apart."""
    for pattern, place in PLACES:
        key = pattern.sub(place, key)
    return key


def recognises(tensors: Tensors) -> bool:
    """Whether the names are transformers', the decoder's among them."""
    return {"vit.embeddings.cls_token", "decoder.decoder_pred.weight"} <= tensors.keys()


def joined(tensors: Tensors) -> Mapping[str, Tensor]:
    """The parameters under our names; q, k and v as one.

    Raises:
        CheckpointError: One of the three is missing.
    """
    found: dict[str, Tensor] = {}
    parts: dict[tuple[str, str], dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        name = our_name(key)
        if match := PART.match(name):
            parts.setdefault((match[1], match[3]), {})[match[2]] = tensor
        elif name in found:
            raise CheckpointError(f'The checkpoint holds the same parameter twice: "{key}".')
        else:
            found[name] = tensor
    for (attention, what), by in parts.items():
        if sorted(by) != ["k", "q", "v"]:
            raise CheckpointError(f"The checkpoint lacks some of q, k and v of {attention[:-1]}.")
        found[f"{attention}qkv.{what}"] = torch.cat([by["q"], by["k"], by["v"]])
    return found


def config(tensors: Tensors, said: Said = NOT_SAID) -> tuple[MAEConfig, Notes]:
    """The network, from the shapes."""
    return shapes.infer(joined(tensors), said)


def convert(tensors: Tensors, config: MAEConfig) -> Tensors:
    """The parameters under our names."""
    return shapes.convert(joined(tensors), config)


READER = Reader(
    "transformers-mae", "transformers (ViTMAEForPreTraining)", recognises, config, convert,
    shapes.preprocessing,
)  # fmt: skip
