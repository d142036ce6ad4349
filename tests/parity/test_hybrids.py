"""Hybrid ViTs, whose patches are of a convolutional network's features, and Google's own arrays."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from torch import Tensor, nn

from tests.parity.sources import (
    assert_same,
    assert_same_attention,
    from_timm,
    images,
    our_attention,
    read,
    timm_attention,
)
from vitviz.models.checkpoints.said import Said
from vitviz.models.loading import load_model
from vitviz.models.network import softmax_attention
from vitviz.models.vit.card_fields import config_fields, read_config
from vitviz.models.vit.outline import outline
from vitviz.models.vit.stem import same

SMALL: dict[str, Any] = {"embed_dim": 96, "num_heads": 3, "depth": 2, "num_classes": 7,
                         "img_size": 96}  # fmt: skip

KINDS = [
    "vit_tiny_r_s16_p8_224",
    "vit_small_r26_s32_224",
    pytest.param("vit_base_r50_s16_224", marks=pytest.mark.slow),
]

CLOSE = 2e-5
"""Of outputs up to about 3; timm standardises filters by a batch norm, in another order."""


def small(name: str) -> nn.Module:
    return from_timm(name, **SMALL)


@pytest.mark.parametrize("name", KINDS)
def test_timm(name: str) -> None:
    theirs = small(name)
    ours = read(dict(theirs.state_dict()), Said("timm", name, network={"heads": 3}))
    assert ours.config.patch == (16 if "r50" in name else 32)
    image = images(96, 96, batch=1)
    assert_same(ours(image), theirs(image), CLOSE)
    assert_same_attention(our_attention(ours, image), timm_attention(theirs, image), CLOSE)


@pytest.mark.parametrize("name", KINDS)
def test_a_rectangle(name: str) -> None:
    """timm's embedding takes its own size alone: its parts are put together by hand."""
    theirs, image = small(name), images(64, 160, batch=1)
    ours = read(dict(theirs.state_dict()), Said("timm", name, network={"heads": 3}))
    z = theirs.patch_embed.proj(theirs.patch_embed.backbone(image)).flatten(2).transpose(1, 2)
    expected = torch.cat([theirs.cls_token, z], dim=1) + ours.positions(ours.grid((64, 160)))
    for block in theirs.blocks:
        expected = block(expected)
    expected = theirs.head(theirs.norm(expected)[:, 0])
    assert float((ours(image) - expected).abs().max()) < CLOSE


@pytest.mark.parametrize("name", KINDS)
def test_what_a_card_tells(name: str) -> None:
    ours = read(dict(small(name).state_dict()), Said("timm", name, network={"heads": 3}))
    found = outline(ours.config, (96, 96))
    assert found.parameters == sum(p.numel() for p in ours.parameters())
    fields = json.loads(json.dumps(config_fields(ours.config)))
    assert read_config(fields, 0) == ours.config
    assert ours.filters((96, 96)) is None  # what its patches read are no colours


@pytest.mark.parametrize(
    ("length", "kernel", "stride", "before", "after"),
    [(7, 3, 2, 1, 1), (8, 3, 2, 0, 1), (10, 7, 2, 2, 3), (9, 1, 2, 0, 0), (5, 3, 1, 1, 1)],
)
def test_padding_as_tensorflow_does_it(
    length: int, kernel: int, stride: int, before: int, after: int
) -> None:
    padded = same(torch.ones(1, 1, length, length), kernel, stride)[0, 0, length // 2]
    assert padded.tolist() == [0] * before + [1] * length + [0] * after


def as_google(theirs: nn.Module) -> dict[str, np.ndarray]:
    """timm's parameters as google-research/vision_transformer writes them."""
    found: dict[str, np.ndarray] = {}

    def put(name: str, tensor: Tensor, *axes: int) -> None:
        found[name] = tensor.detach().permute(*axes).numpy() if axes else tensor.detach().numpy()

    put_stem(theirs.patch_embed.backbone, put)
    for i, block in enumerate(theirs.blocks):
        put_block(block, f"Transformer/encoderblock_{i}", put)
    put("embedding/kernel", theirs.patch_embed.proj.weight, 2, 3, 1, 0)
    put("embedding/bias", theirs.patch_embed.proj.bias)
    put("cls", theirs.cls_token)
    put("Transformer/posembed_input/pos_embedding", theirs.pos_embed)
    put("Transformer/encoder_norm/scale", theirs.norm.weight)
    put("Transformer/encoder_norm/bias", theirs.norm.bias)
    put("head/kernel", theirs.head.weight, 1, 0)
    put("head/bias", theirs.head.bias)
    return found


def put_stem(stem: nn.Module, put: Callable[..., None]) -> None:
    first = getattr(stem, "stem", stem)
    put("conv_root/kernel", first.conv.weight, 2, 3, 1, 0)
    put("gn_root/scale", first.norm.weight)
    put("gn_root/bias", first.norm.bias)
    for i, stage in enumerate(getattr(stem, "stages", ())):
        for j, block in enumerate(stage.blocks):
            at = f"block{i + 1}/unit{j + 1}"
            for k in (1, 2, 3):
                put(f"{at}/conv{k}/kernel", getattr(block, f"conv{k}").weight, 2, 3, 1, 0)
                put(f"{at}/gn{k}/scale", getattr(block, f"norm{k}").weight)
                put(f"{at}/gn{k}/bias", getattr(block, f"norm{k}").bias)
            if block.downsample is not None:
                put(f"{at}/conv_proj/kernel", block.downsample.conv.weight, 2, 3, 1, 0)
                put(f"{at}/gn_proj/scale", block.downsample.norm.weight)
                put(f"{at}/gn_proj/bias", block.downsample.norm.bias)


def put_block(block: nn.Module, at: str, put: Callable[..., None]) -> None:
    heads = block.attn.num_heads
    attention = f"{at}/MultiHeadDotProductAttention_1"
    width = block.norm1.weight.shape[0]
    for part, w, b in zip(("query", "key", "value"), block.attn.qkv.weight.chunk(3),
                          block.attn.qkv.bias.chunk(3), strict=True):  # fmt: skip
        put(f"{attention}/{part}/kernel", w.T.reshape(width, heads, -1))
        put(f"{attention}/{part}/bias", b.reshape(heads, -1))
    put(f"{attention}/out/kernel", block.attn.proj.weight.T.reshape(heads, -1, width))
    put(f"{attention}/out/bias", block.attn.proj.bias)
    for ours, theirs_ in (("LayerNorm_0", block.norm1), ("LayerNorm_2", block.norm2)):
        put(f"{at}/{ours}/scale", theirs_.weight)
        put(f"{at}/{ours}/bias", theirs_.bias)
    for number, layer in ((0, block.mlp.fc1), (1, block.mlp.fc2)):
        put(f"{at}/MlpBlock_3/Dense_{number}/kernel", layer.weight, 1, 0)
        put(f"{at}/MlpBlock_3/Dense_{number}/bias", layer.bias)


@pytest.mark.parametrize("name", KINDS)
def test_googles_arrays(name: str, tmp_path: Path) -> None:
    theirs = small(name)
    np.savez(tmp_path / "R26.npz", **as_google(theirs))
    # timm's own reader of these files agrees that they are what Google writes.
    again = timm.create_model(name, **SMALL)
    again.load_pretrained(str(tmp_path / "R26.npz"))
    image = images(96, 96, batch=1)
    again.eval().requires_grad_(False)
    assert float((again(image) - theirs(image)).abs().max()) < CLOSE
    model = load_model(tmp_path / "R26.npz", "cpu")
    z = model.network.embed(image)
    for step in model.network.steps((96, 96)):
        z = step(z, softmax_attention)
    assert float((model.network.classify(z) - theirs(image)).abs().max()) < CLOSE
