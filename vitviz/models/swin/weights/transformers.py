"""Checkpoints in the names of transformers' Swin and Swinv2, on disk and in memory since version 5.

Source: transformers ``models/swin`` and ``models/swinv2``.
"""

from __future__ import annotations

import re

from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.reader import Assumption, Notes, Reader, Tensors
from vitviz.models.checkpoints.said import NOT_SAID, Said
from vitviz.models.swin.config import SwinConfig
from vitviz.models.swin.weights import shapes
from vitviz.models.vit.weights.timm import IMAGENET_MEAN, IMAGENET_STD

PLACES = (
    (re.compile(r"^(swin|swinv2)\."), ""),
    (re.compile(r"^embeddings\.patch_embeddings\.projection\."), "patch_embed.proj."),
    (re.compile(r"^embeddings\.norm\."), "patch_embed.norm."),
    (re.compile(r"^layernorm\."), "norm."),
    (re.compile(r"^classifier\."), "head."),
    (re.compile(r"^encoder\."), ""),
    (re.compile(r"\.layernorm_before\."), ".norm1."),
    (re.compile(r"\.layernorm_after\."), ".norm2."),
    (re.compile(r"\.attention\.self\."), ".attn."),
    (re.compile(r"\.attention\.output\.dense\."), ".attn.proj."),
    (re.compile(r"\.attention\.o_proj\."), ".attn.proj."),
    (re.compile(r"\.attention\.relative_position_bias\."), ".attn."),
    (re.compile(r"\.attention\."), ".attn."),
    (re.compile(r"\.attn\.(query|q_proj)\."), ".attn.q."),
    (re.compile(r"\.attn\.(key|k_proj)\."), ".attn.k."),
    (re.compile(r"\.attn\.(value|v_proj)\."), ".attn.v."),
    (re.compile(r"\.continuous_position_bias_mlp\."), ".cpb_mlp."),
    (re.compile(r"\.intermediate\.dense\."), ".mlp.fc1."),
    (re.compile(r"\.output\.dense\."), ".mlp.fc2."),
)

NOT_NEEDED = re.compile(r"(swin\.|swinv2\.)?embeddings\.mask_token$|decoder\.")


def our_place(key: str) -> str | None:
    """Where the network has a parameter; merging is at the end of a stage here."""
    if NOT_NEEDED.match(key):
        return None
    for pattern, place in PLACES:
        key = pattern.sub(place, key)
    if match := re.match(r"layers\.(\d+)\.downsample\.(.*)", key):
        return f"stages.{int(match[1]) + 1}.merge.{match[2]}"
    return re.sub(r"^layers\.(\d+)\.", r"stages.\1.", key)


def recognises(tensors: Tensors) -> bool:
    """Whether the names are transformers'."""
    first = re.compile(
        r"(swin\.|swinv2\.)?(encoder\.)?layers\.0\.blocks\.0\.attention\.(self\.query|q_proj)\.weight$"
    )
    return any(first.match(key) for key in tensors)


def config(tensors: Tensors, said: Said = NOT_SAID) -> tuple[SwinConfig, Notes]:
    """The network, from the shapes; version 2 decides on its shifts once, version 1 each time."""
    second = any(key.endswith("logit_scale") for key in tensors)
    return shapes.infer(tensors, our_place, said, "as trained" if second else "both axes")


def convert(tensors: Tensors, config: SwinConfig) -> Tensors:
    """The parameters under our names."""
    return shapes.convert(tensors, config, our_place)


def preprocessing(config: SwinConfig) -> tuple[Preprocessing, Notes]:
    """As the published ones want it: the whole photo squashed to the input, bicubic."""
    note = (
        "Preprocessing is assumed: the whole photo squashed to the input, bicubic, ImageNet mean "
        "and std, as transformers' published Swin models want it."
    )
    edge = max(config.input_size)
    return Preprocessing(
        config.input_size, config.patch, IMAGENET_MEAN, IMAGENET_STD, "squash", edge
    ), (Assumption("preprocessing", note),)


READER = Reader(
    "transformers-swin", "transformers (Swin, Swinv2)", recognises, config, convert, preprocessing,
)  # fmt: skip
