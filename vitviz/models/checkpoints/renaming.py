"""Parameters under other names: a table of patterns, and layers that come in pieces."""

from __future__ import annotations

import re

import torch
from torch import Tensor

from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.reader import Tensors

PIECES = {
    "attn.qkv": ("attn.q", "attn.k", "attn.v"),
    "mlp.fc1": ("mlp.gate", "mlp.value"),
}
"""What is one linear layer here, and the layers that it comes as in files; each of their rows."""

PIECE = re.compile(r"^(blocks\.\d+)\.(attn\.[qkv]|mlp\.gate|mlp\.value)\.(?:weight|bias)$")

Names = tuple[tuple[str, str], ...]
"""Patterns of a file's keys and our names for them, applied one after the other."""


def named(tensors: Tensors, names: Names, not_needed: str = r"(?!)") -> dict[str, Tensor]:
    """The parameters of a file under our names, put together from their pieces.

    Args:
        tensors: As the file has them.
        names: What to make of its keys.
        not_needed: Pattern of keys that are known, and no part of what a photo passes through.

    Raises:
        CheckpointError: Two keys stand for the same parameter, or a piece is missing.
    """
    rules = [(re.compile(pattern), ours) for pattern, ours in names]
    skipped = re.compile(not_needed)
    found: dict[str, Tensor] = {}
    keys: dict[str, str] = {}
    for key, tensor in tensors.items():
        if skipped.match(key):
            continue
        if "reg" in key and tensor.numel() == 0:  # a network of none
            continue
        name = key
        for pattern, ours in rules:
            name = pattern.sub(ours, name)
        if name in found:
            raise CheckpointError(
                f'The checkpoint holds the same parameter twice, as "{keys[name]}" and "{key}".',
                "Choose a file in which it is there once.",
            )
        found[name] = tensor
        keys[name] = key
    return joined(found)


def joined(found: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same with q, k and v in one, and both halves of a gated MLP in one.

    Raises:
        CheckpointError: A piece is missing.
    """
    result = {name: tensor for name, tensor in found.items() if not PIECE.match(name)}
    matches = [match for match in map(PIECE.match, found) if match]
    for block in dict.fromkeys(match[1] for match in matches):
        for whole, pieces in PIECES.items():
            names = [f"{block}.{piece}" for piece in pieces]
            weights = [found[f"{name}.weight"] for name in names if f"{name}.weight" in found]
            if weights and len(weights) < len(names):
                lacking = next(name for name in names if f"{name}.weight" not in found)
                raise CheckpointError(
                    f'The checkpoint lacks "{lacking}.weight".',
                    "It may be cut short, or hold only a part of a model.",
                )
            if weights:
                result[f"{block}.{whole}.weight"] = torch.cat(weights)
            biases = [found.get(f"{name}.bias") for name in names]
            there = next((bias for bias in biases if bias is not None), None)
            if there is not None:  # BEiT, EVA and DINOv3 have none for k
                full = [there.new_zeros(there.shape) if b is None else b for b in biases]
                result[f"{block}.{whole}.bias"] = torch.cat(full)
    return result
