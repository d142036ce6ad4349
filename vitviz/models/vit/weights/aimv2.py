"""AIMv2 under the names of timm: no biases, and norms that only divide.

Source: timm ``vision_transformer.py`` (``aimv2_large_patch14_224``); apple/ml-aim ``aim-v2``.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.reader import Assumption, Notes, Reader, Tensors
from vitviz.models.checkpoints.renaming import named
from vitviz.models.checkpoints.said import NOT_SAID, Said
from vitviz.models.vit.config import ViTConfig
from vitviz.models.vit.weights.clip import CLIP_MEAN, CLIP_STD
from vitviz.models.vit.weights.parts import ONLY_FOR_TRAINING, TIMM
from vitviz.models.vit.weights.shapes import fit, infer

HEAD_DIM = 128
"""Width of each of its heads, in all sizes."""


def our_names(tensors: Tensors) -> dict[str, Tensor]:
    """The parameters under our names; the biases that it does without are zero."""
    found = named(tensors, TIMM, ONLY_FOR_TRAINING)
    for name, weight in list(found.items()):
        layer, _, kind = name.rpartition(".")
        if kind == "weight" and layer.endswith(("attn.proj", "mlp.fc1", "mlp.fc2")):
            found.setdefault(f"{layer}.bias", weight.new_zeros(len(weight)))
    return found


def recognises(tensors: Tensors) -> bool:
    """Whether the names are AIMv2's: a norm on patches, a gated MLP, and no biases."""
    there = tensors.keys()
    has = {"patch_embed.norm.weight", "pos_embed", "blocks.0.norm1.weight",
           "blocks.0.attn.qkv.weight", "blocks.0.mlp.fc1_g.weight"}  # fmt: skip
    lacks = {"patch_embed.norm.bias", "blocks.0.norm1.bias", "blocks.0.attn.qkv.bias",
             "blocks.0.attn.proj.bias", "blocks.0.mlp.fc1_g.bias", "cls_token"}  # fmt: skip
    return has <= there and not lacks & there


def config(tensors: Tensors, said: Said = NOT_SAID) -> tuple[ViTConfig, Notes]:
    """The network, from the shapes."""
    found = our_names(tensors)
    usual: dict[str, Any] = {
        "norm": "rms", "token_norm": True, "norm_eps": 1e-5, "activation": "silu", "pool": "mean",
        "heads": max(1, found["patch_embed.norm.weight"].shape[0] // HEAD_DIM),
    }  # fmt: skip
    return infer(found, said, usual)


def convert(tensors: Tensors, config: ViTConfig) -> Tensors:
    """The parameters under our names."""
    return fit(our_names(tensors), lambda name: name, config)


def preprocessing(config: ViTConfig) -> tuple[Preprocessing, Notes]:
    """As timm evaluates it: the shorter edge to the input's, bicubic, OpenAI's mean and std."""
    short = min(config.input_size)
    note = f"Preprocessing is assumed: shorter edge to {short}, bicubic, OpenAI's mean and std."
    found = Preprocessing(config.input_size, config.patch, CLIP_MEAN, CLIP_STD, edge=short)
    return found, (Assumption("preprocessing", note),)


READER = Reader("aimv2", "AIMv2 (timm)", recognises, config, convert, preprocessing)
