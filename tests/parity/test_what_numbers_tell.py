"""What no shape tells, and the order of keys or the positions do: CLIP's activation, MoCo's heads.

Sources: openai/CLIP ``model.py``, whose blocks are made attention first; facebookresearch/moco-v3
``vits.py``, whose positions are fixed sines, and whose ViT-S has 12 heads.
"""

from __future__ import annotations

import math
import re

import open_clip
import pytest
import timm
import torch
from torch import Tensor

from tests.parity.sources import randomised
from vitviz.models.checkpoints.said import NOT_SAID, Assumption
from vitviz.models.families import reader_of
from vitviz.models.vit.config import ViTConfig


def read(tensors: dict[str, Tensor]) -> tuple[ViTConfig, set[str]]:
    """The configuration, and the fields that were assumed."""
    config, notes = reader_of(tensors).reader.config(tensors, NOT_SAID)
    assert isinstance(config, ViTConfig)
    return config, {note.field for note in notes if isinstance(note, Assumption)}


def clip() -> dict[str, Tensor]:
    vision = {"layers": 2, "width": 128, "head_width": 64, "patch_size": 8, "image_size": 40}
    text = {"context_length": 8, "vocab_size": 50, "width": 64, "heads": 2, "layers": 1}
    network = open_clip.CLIP(32, open_clip.CLIPVisionCfg(**vision), open_clip.CLIPTextCfg(**text))
    return dict(network.state_dict())


def place(key: str) -> tuple[str, int]:
    """Where OpenAI's code has a parameter among those of its block."""
    block = re.match(r"visual\.transformer\.resblocks\.\d+\.", key)
    part = key.removeprefix(block[0]).partition(".")[0] if block else ""
    return (block[0] if block else "", ["attn", "ln_1", "mlp", "ln_2", ""].index(part))


def test_openais_order_tells_its_activation() -> None:
    theirs = clip()
    config, assumed = read(theirs)
    assert (config.activation, "activation" in assumed) == ("gelu", True), "OpenCLIP's order"
    ordered = {key: theirs[key] for key in sorted(theirs, key=place)}
    config, assumed = read(ordered)
    assert (config.activation, "activation" in assumed) == ("quick_gelu", False)


def sines(width: int, side: int) -> Tensor:
    """As ``build_2d_sincos_position_embedding`` there: zeros for CLS, then sines of columns."""
    rows, cols = torch.meshgrid(torch.arange(float(side)), torch.arange(float(side)), indexing="ij")
    omega = 1 / 10000 ** (torch.arange(width // 4) / (width // 4))
    x, y = cols.flatten()[:, None] * omega, rows.flatten()[:, None] * omega
    found = torch.cat([x.sin(), x.cos(), y.sin(), y.cos()], dim=1)
    return torch.cat([torch.zeros(1, width), found])[None]


@pytest.mark.parametrize("real", [True, False])
def test_mocos_positions_tell_its_heads(real: bool) -> None:
    network = randomised(timm.create_model("vit_small_patch16_224", depth=1, num_classes=0))
    tensors = dict(network.state_dict())
    if real:
        tensors["pos_embed"] = sines(384, math.isqrt(tensors["pos_embed"].shape[1] - 1))
    config, assumed = read(tensors)
    assert config.heads == (12 if real else 6)
    assert "heads" in assumed, "others have such positions and 6 heads: it stays a guess"
