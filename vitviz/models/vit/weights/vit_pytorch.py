"""Checkpoints in the names of lucidrains/vit-pytorch: ViT and SimpleViT, as most are home-made.

Sources: vit-pytorch ``vit.py`` and ``simple_vit.py``, of today and of its first years.
"""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor

from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.reader import Assumption, Notes, Tensors
from vitviz.models.checkpoints.renaming import Names
from vitviz.models.checkpoints.said import Said
from vitviz.models.vit.config import ViTConfig
from vitviz.models.vit.weights.plain import PlainNames

HEAD_DIM = 64
"""Numbers of a head, by default."""

NAMES: Names = (
    (r"^pos_embedding$", "pos_embed"),
    (r"^transformer\.norm\.", "norm."),
    (r"^transformer\.layers\.", "blocks."),
    (r"(?<=\d)\.0\.(?:fn\.)?norm\.", ".norm1."),
    (r"(?<=\d)\.0\.(?:fn\.)*to_qkv\.", ".attn.qkv."),
    (r"(?<=\d)\.0\.(?:fn\.)*to_out\.(?:0\.)?", ".attn.proj."),
    (r"(?<=\d)\.1\.(?:fn\.)?norm\.", ".norm2."),
    (r"(?<=\d)\.1\.fn\.(?:fn\.)?net\.0\.", ".mlp.fc1."),
    (r"(?<=\d)\.1\.fn\.(?:fn\.)?net\.[23]\.", ".mlp.fc2."),
    (r"(?<=\d)\.1\.net\.0\.", ".norm2."),
    (r"(?<=\d)\.1\.net\.1\.", ".mlp.fc1."),
    (r"(?<=\d)\.1\.net\.[34]\.", ".mlp.fc2."),
)

SIDE = 256
"""Pixels: the side of its README's examples."""


def prepare(tensors: Tensors) -> Tensors:
    """Patches as a convolution, tokens and positions with our axes, and what has no numbers there
    for being nothing: biases of zero, a projection that changes nothing, fixed positions.
    """
    found = dict(tensors)
    _patches(found)
    for name, axes in (("cls_token", 3), ("pos_embedding", 3)):
        if name in found and found[name].ndim < axes:
            found[name] = found[name].reshape(1, -1, found[name].shape[-1])
    if "mlp_head.0.weight" in found and found["mlp_head.0.weight"].ndim == 1:
        for part in ("weight", "bias"):  # the last norm stood in the head
            found.setdefault(f"transformer.norm.{part}", found[f"mlp_head.0.{part}"])
            del found[f"mlp_head.0.{part}"]
    for key in [key for key in found if key.endswith("to_qkv.weight")]:
        block = re.sub(r"to_qkv\.weight$", "", key)
        width = found[key].shape[1]
        out = next(
            (k for k in found if re.fullmatch(rf"{re.escape(block)}to_out\.(0\.)?weight", k)), ""
        )
        if not out:  # one head as wide as the token is not projected
            out = f"{block}to_out.weight"
            found[out] = torch.eye(width, dtype=found[key].dtype, device=found[key].device)
        found.setdefault(out.replace("weight", "bias"), found[key].new_zeros(width))
    if "pos_embedding" not in found and "cls_token" not in found:
        found["pos_embedding"] = _sines(found)
    return found


def _patches(found: dict[str, Tensor]) -> None:
    """The linear layer over a patch's pixels, and the norms around it."""
    name = re.compile(r"(to_patch_embedding\.\d+|patch_to_embedding)\.weight$")
    linear = [key for key in found if name.match(key) and found[key].ndim == 2]
    if len(linear) != 1:
        return
    key = linear[0]
    weight = found.pop(key)
    pixels = weight.shape[1]
    channels = 1 if round((pixels // 3) ** 0.5) ** 2 * 3 != pixels else 3
    side = round((pixels // channels) ** 0.5)
    if side * side * channels != pixels:
        found[key] = weight
        return
    # Its pixels lie row by row with their colours together; a convolution has colour by colour.
    shaped = weight.reshape(-1, side, side, channels).permute(0, 3, 1, 2)
    found["patch_embed.proj.weight"] = shaped
    bias = key.replace("weight", "bias")
    found["patch_embed.proj.bias"] = found.pop(bias, weight.new_zeros(len(weight)))
    number = re.search(r"\.(\d+)\.", key)
    at = int(number[1]) if number else 0
    before, after = f"to_patch_embedding.{at - 1}.", f"to_patch_embedding.{at + 1}."
    for part in ("weight", "bias"):
        if f"{before}{part}" in found:
            norm = found.pop(f"{before}{part}").reshape(side, side, channels)
            found[f"patch_embed.norm_pixels.{part}"] = norm.permute(2, 0, 1).flatten()
        if f"{after}{part}" in found:
            found[f"patch_embed.norm.{part}"] = found.pop(f"{after}{part}")


def _sines(found: dict[str, Tensor]) -> Tensor:
    """SimpleViT's fixed positions (``posemb_sincos_2d``), on the grid of its usual input."""
    weight = found["patch_embed.proj.weight"]
    width, side = weight.shape[0], max(SIDE // weight.shape[-1], 1)
    if weight.is_meta:
        return torch.empty(1, side * side, width, device="meta")
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    slow = 1.0 / 10000 ** (torch.arange(width // 4) / (width // 4 - 1))
    y, x = y.flatten()[:, None] * slow, x.flatten()[:, None] * slow
    return torch.cat([x.sin(), x.cos(), y.sin(), y.cos()], dim=1)[None]


def usual(tensors: Tensors, found: Tensors, said: Said) -> tuple[dict[str, Any], Notes]:
    """Heads are 64 wide by default, epsilon is torch's, and CLS is read where there is one."""
    inner = found["blocks.0.attn.qkv.weight"].shape[0] // 3
    known: dict[str, Any] = {
        "norm_eps": 1e-5,
        "patch_norms": "patch_embed.norm.weight" in found,
        "attention_width": 0 if inner == found["blocks.0.attn.qkv.weight"].shape[1] else inner,
    }
    heads = max(inner // HEAD_DIM, 1)
    if inner % HEAD_DIM == 0:
        known["heads"] = heads
    notes: Notes = ()
    if "pos_embedding" not in tensors and not said.network.get("input_size"):
        text = f"Inputs of {SIDE} x {SIDE} are assumed: SimpleViT's weights do not tell."
        notes += (Assumption("input_size", text),)
    if "cls_token" in found and not said.get("pool", str):
        notes += (Assumption("pool", "The class is assumed to be read from CLS (pool = 'cls')."),)
    return known, notes


def preprocessing(config: ViTConfig) -> tuple[Preprocessing, Notes]:
    """Nothing is usual here: the shorter edge to the input's, mean = std = 0.5."""
    half = (0.5, 0.5, 0.5)
    found = Preprocessing(
        config.input_size, config.patch, half, half, edge=min(config.input_size),
        interpolation="bilinear",
    )  # fmt: skip
    note = (
        "Preprocessing is assumed: shorter edge to the input's, bilinear, mean = std = 0.5; "
        "vit-pytorch has none of its own."
    )
    return found, (Assumption("preprocessing", note),)


VIT_PYTORCH = PlainNames(
    "vit-pytorch", "vit-pytorch (lucidrains' ViT and SimpleViT)", NAMES,
    (r"(to_patch_embedding\.\d+|patch_to_embedding)\.weight$",
     r"transformer\.layers\.0\.0\.(fn\.)*to_qkv\.weight$"),
    preprocessing, prepare=prepare, usual=usual,
)  # fmt: skip

READER = VIT_PYTORCH.reader
