"""Google's own networks: arrays of flax in ``.npz``, of vision_transformer and of big_vision.

Sources: google-research/vision_transformer ``models_vit.py``; google-research/big_vision
``models/vit.py``; timm ``vision_transformer.py`` (``_load_weights``).
"""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor

from vitviz.models.checkpoints.reader import Assumption, Notes, Tensors
from vitviz.models.checkpoints.renaming import Names
from vitviz.models.checkpoints.said import Said
from vitviz.models.vit.weights.others import half
from vitviz.models.vit.weights.plain import PlainNames

NAMES: Names = (
    (r"\.(?:kernel|scale)$", ".weight"),
    (r"^embedding\.", "patch_embed.proj."),
    (r"^conv_root\.", "patch_embed.backbone.stem.conv."),
    (r"^gn_root\.", "patch_embed.backbone.stem.norm."),
    (r"\.gn(\d)\.", r".norm\1."),
    (r"\.conv_proj\.", ".downsample.conv."),
    (r"\.gn_proj\.", ".downsample.norm."),
    (r"^cls$", "cls_token"),
    (r"^(?:Transformer\.posembed_input\.)?pos_embedding$", "pos_embed"),
    (r"^Transformer\.encoder_norm\.", "norm."),
    (r"^Transformer\.encoderblock_", "blocks."),
    (r"^MAPHead_0\.probe$", "attn_pool.latent"),
    (r"^MAPHead_0\.MultiHeadDotProductAttention_0\.query\.", "attn_pool.q."),
    (r"^MAPHead_0\.MultiHeadDotProductAttention_0\.out\.", "attn_pool.proj."),
    (r"^MAPHead_0\.LayerNorm_0\.", "attn_pool.norm."),
    (r"^MAPHead_0\.MlpBlock_0\.Dense_0\.", "attn_pool.mlp.fc1."),
    (r"^MAPHead_0\.MlpBlock_0\.Dense_1\.", "attn_pool.mlp.fc2."),
    (r"(?<=\d)\.LayerNorm_0\.", ".norm1."),
    (r"(?<=\d)\.LayerNorm_[12]\.", ".norm2."),
    (r"\.MultiHeadDotProductAttention_[01]\.query\.", ".attn.q."),
    (r"\.MultiHeadDotProductAttention_[01]\.key\.", ".attn.k."),
    (r"\.MultiHeadDotProductAttention_[01]\.value\.", ".attn.v."),
    (r"\.MultiHeadDotProductAttention_[01]\.out\.", ".attn.proj."),
    (r"\.MlpBlock_[03]\.Dense_0\.", ".mlp.fc1."),
    (r"\.MlpBlock_[03]\.Dense_1\.", ".mlp.fc2."),
)

ATTENTION = re.compile(r".*MultiHeadDotProductAttention_\d\.(query|key|value|out)\.(kernel|bias)$")


UNIT = re.compile(r"^block(\d)\.unit(\d+)\.")
"""A block of a hybrid's stem, counted from 1."""


def _stage(match: re.Match[str]) -> str:
    stage, block = int(match[1]) - 1, int(match[2]) - 1
    return f"patch_embed.backbone.stages.{stage}.blocks.{block}."


def prepare(tensors: Tensors) -> Tensors:
    """Flax has inputs before outputs, heads apart, and sometimes all blocks in one array."""
    found: dict[str, Tensor] = {}
    for key, tensor in _unrolled(tensors).items():
        found[UNIT.sub(_stage, key)] = _turned(key, tensor)
    pool = "MAPHead_0.MultiHeadDotProductAttention_0."
    for part, last in (("kernel", "weight"), ("bias", "bias")):
        k, v = found.pop(f"{pool}key.{part}", None), found.pop(f"{pool}value.{part}", None)
        if k is not None and v is not None:
            found[f"attn_pool.kv.{last}"] = torch.cat([k, v])
    return found


def _unrolled(tensors: Tensors) -> dict[str, Tensor]:
    """Big_vision's scan over blocks has one array for all of them, block by block."""
    found: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        head, scan, rest = key.partition("Transformer.encoderblock.")
        if not scan:
            found[key] = tensor
            continue
        for block, one in enumerate(tensor):
            found[f"{head}Transformer.encoderblock_{block}.{rest}"] = one
    return found


def _turned(key: str, tensor: Tensor) -> Tensor:
    attention = ATTENTION.match(key)
    if attention and attention[2] == "kernel":
        if attention[1] == "out":  # heads x head_dim x width
            return tensor.reshape(-1, tensor.shape[-1]).T
        return tensor.reshape(tensor.shape[0], -1).T  # width x heads x head_dim
    if attention:
        return tensor.flatten()
    if key.endswith(".kernel") and tensor.ndim == 4:  # rows cols channels width
        return tensor.permute(3, 2, 0, 1)
    if key.endswith(".kernel") and tensor.ndim == 2:
        return tensor.T
    if key.endswith("pos_embedding") and tensor.ndim == 2:
        return tensor[None]
    return tensor


def usual(tensors: Tensors, found: Tensors, said: Said) -> tuple[dict[str, Any], Notes]:
    """Heads from the arrays; the activation as everybody runs it."""
    query = next((t for key, t in tensors.items() if key.endswith("_1.query.kernel")
                  or key.endswith("encoderblock_0.MultiHeadDotProductAttention_0.query.kernel")
                  or key.endswith("encoderblock.MultiHeadDotProductAttention_0.query.kernel")),
                 None)  # fmt: skip
    known: dict[str, Any] = {}
    if query is not None and query.ndim >= 3:
        known["told_heads"] = int(query.shape[-2])
    if "cls_token" not in found:
        known["pool"] = "map" if "attn_pool.latent" in found else "mean"
    notes: Notes = ()
    if not said.get("activation", str):
        text = (
            "The exact GELU is assumed, with which timm and transformers run these weights; "
            "Google's own code has the tanh approximation."
        )
        notes = (Assumption("activation", text),)
    return known, notes


GOOGLE = PlainNames(
    "google", "Google's .npz (vision_transformer, big_vision)", NAMES,
    (r"embedding\.kernel$", r"(Transformer\.)?encoderblock(_0)?\.|Transformer\.encoderblock"),
    half, prepare=prepare, usual=usual,
)  # fmt: skip

READER = GOOGLE.reader
