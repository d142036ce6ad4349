"""The Swin network and its readers against torchvision, timm and transformers, on logits and on
attention, at inputs that windows and merging do not divide.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import timm
import torch
import torchvision
import transformers
from timm.models.swin_transformer import SwinTransformer as TimmSwin
from timm.models.swin_transformer_v2 import SwinTransformerV2 as TimmSwinV2
from torch import Tensor, nn
from torchvision.models import swin_transformer as tv

from tests.parity.test_logits import assert_same, images, randomised
from vitviz.models.checkpoints.said import NOT_SAID, Said
from vitviz.models.families import reader_of
from vitviz.models.network import Bias
from vitviz.models.swin.network import SwinTransformer

SIZES = [(96, 96), (100, 148), (204, 92)]
"""Grids 24 x 24, 25 x 37 and 51 x 23: windows of 4 do not divide them, and odd ones are merged."""

Network = Callable[[], nn.Module]


def read(state: dict[str, Tensor], said: Said = NOT_SAID) -> SwinTransformer:
    """A library's weights, through our reader, in our network."""
    _, reader = reader_of(state)
    config, _ = reader.config(state, said)
    ours = SwinTransformer(config)
    ours.load_state_dict(reader.convert(state, config))
    assert config.parameters == sum(p.numel() for p in ours.parameters()) - _silent(ours)
    return ours.eval().requires_grad_(False)


def _silent(network: SwinTransformer) -> int:
    """Keys' biases in version 2, which are 0 and not learned."""
    if network.config.version == 1:
        return 0
    return sum(network.config.width_of(stage) for stage, _ in network.config.blocks())


def lively(network: nn.Module) -> nn.Module:
    """Random, and with attention far from uniform."""
    randomised(network)
    for name, parameter in network.named_parameters():
        if any(word in name for word in ("qkv", "query", "key", "q_proj", "k_proj")):
            parameter.data *= 4
        if "relative_position_bias_table" in name:
            parameter.data *= 40
        if "logit_scale" in name:
            parameter.data = 1.5 + parameter.data
    return network


def of_torchvision(version: int) -> nn.Module:
    second = version == 2
    return lively(tv.SwinTransformer(
        [4, 4], 24, [2, 2, 2], [2, 3, 4], [4, 4], num_classes=11,
        block=tv.SwinTransformerBlockV2 if second else tv.SwinTransformerBlock,
        downsample_layer=tv.PatchMergingV2 if second else tv.PatchMerging,
    ))  # fmt: skip


def of_timm(version: int, **how: Any) -> nn.Module:
    kind = TimmSwinV2 if version == 2 else TimmSwin
    return lively(kind(
        img_size=64, window_size=4, embed_dim=24, depths=(2, 2, 2), num_heads=(2, 3, 4),
        num_classes=11, strict_img_size=False, **how,
    ))  # fmt: skip


def of_transformers(version: int) -> nn.Module:
    config, kind = {
        1: (transformers.SwinConfig, transformers.SwinForImageClassification),
        2: (transformers.Swinv2Config, transformers.Swinv2ForImageClassification),
    }[version]
    network = kind(config(
        image_size=64, window_size=4, embed_dim=24, depths=[2, 2, 2], num_heads=[2, 3, 4],
        num_labels=11,
    ))  # fmt: skip
    return lively(network)


class Logits(nn.Module):
    """A network of transformers as one that gives logits."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return self.network(image).logits


def said_of(version: int) -> Said:
    """What timm's and transformers' config.json say beside version 2's weights."""
    return Said("timm", network={"input_size": (64, 64)}, arguments={"window_size": 4})


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("version", [1, 2])
def test_torchvision(version: int, size: tuple[int, int]) -> None:
    theirs = of_torchvision(version)
    ours = read(dict(theirs.state_dict()))
    assert ours.config.windows == (4, 4, 4), "read from tables and buffers alone"
    assert_same(ours(images(*size)), theirs(images(*size)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("version", [1, 2])
def test_timm(version: int, size: tuple[int, int]) -> None:
    theirs = of_timm(version)
    ours = read(dict(theirs.state_dict()), said_of(version))
    assert_same(ours(images(*size)), theirs(images(*size)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("version", [1, 2])
def test_transformers(version: int, size: tuple[int, int]) -> None:
    network = of_transformers(version)
    ours = read(dict(network.state_dict()), said_of(version))
    assert_same(ours(images(*size)), Logits(network)(images(*size)))
    saved = {transformers_name(key): tensor for key, tensor in network.state_dict().items()}
    assert_same(read(saved, said_of(version))(images(*size)), ours(images(*size)))


def transformers_name(key: str) -> str:
    """What version 1's keys are called on disk, where version 5 has other names in memory."""
    for new, old in (
        (".attention.q_proj.", ".attention.self.query."),
        (".attention.k_proj.", ".attention.self.key."),
        (".attention.v_proj.", ".attention.self.value."),
        (".attention.o_proj.", ".attention.output.dense."),
        (".attention.relative_position_bias.", ".attention.self."),
        (".mlp.fc1.", ".intermediate.dense."),
        (".mlp.fc2.", ".output.dense."),
        ("swin.layers.", "swin.encoder.layers."),
    ):
        key = key.replace(new, old)
    return key


@pytest.mark.parametrize("version", [1, 2])
def test_the_authors(version: int) -> None:
    """timm's weights under the names of the authors: merging ends a stage there."""
    theirs = of_timm(version)
    state = {}
    for key, tensor in theirs.state_dict().items():
        if ".downsample." in key:
            stage = int(key.split(".")[1])
            key = key.replace(f"layers.{stage}.", f"layers.{stage - 1}.")
        state[key.replace("head.fc.", "head.")] = tensor
    state["layers.0.blocks.1.attn_mask"] = torch.zeros(16, 16, 16)
    state["layers.0.blocks.0.attn.relative_position_index"] = torch.zeros(16, 16).long()
    ours = read(state, said_of(version))
    assert reader_of(state).reader.name == "swin"
    assert_same(ours(images(64, 64)), theirs(images(64, 64)))


def test_windows_that_differ_and_were_trained_otherwise() -> None:
    """timm's swinv2_*_window12to16: the last stage's grid is smaller than the window."""
    theirs = lively(TimmSwinV2(
        img_size=64, window_size=8, embed_dim=24, depths=(2, 2), num_heads=(2, 3), num_classes=5,
        pretrained_window_sizes=(6, 3), strict_img_size=False,
    ))  # fmt: skip
    said = Said(
        "timm", "swinv2_base_window6to8_32to64", arguments={"window_size": 8, "img_size": 64}
    )
    ours = read(dict(theirs.state_dict()), said)
    assert ours.config.trained_windows == (6, 3)
    for size in ((64, 64), (72, 100)):
        assert_same(ours(images(*size)), theirs(images(*size)))


@pytest.mark.parametrize("size", [(96, 96), (100, 148)])
def test_attention_of_transformers(size: tuple[int, int]) -> None:
    network = of_transformers(1)
    ours = read(dict(network.state_dict()))
    seen: list[Tensor] = []

    def attend(
        q: Tensor, k: Tensor, v: Tensor, bias: Bias | None = None, windows: Tensor | None = None
    ) -> Tensor:
        assert bias is not None
        assert windows is not None
        weights = (q @ k.mT / q.shape[-1] ** 0.5 + bias(slice(None))).softmax(-1)
        seen.append(weights)
        return weights @ v

    kept: list[Tensor] = []
    for layer in network.swin.encoder.layers if hasattr(network.swin, "encoder") else []:
        for block in layer.blocks:
            block.attention.register_forward_hook(lambda m, i, out: kept.append(out[1]))
    network.set_attn_implementation("eager")
    network(images(*size, batch=1))
    z = ours.embed(images(*size, batch=1))
    for step in ours.steps(size):
        z = step(z, attend)
    assert len(kept) == len(seen) == 6
    for found, wanted in zip(seen, kept, strict=True):
        assert wanted.max() > 0.3
        torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "parameters"),
    [("swin_t", 28_288_354), ("swin_v2_t", 28_351_570)],
)
def test_the_published_sizes_of_torchvision(name: str, parameters: int) -> None:
    theirs = randomised(getattr(torchvision.models, name)())
    ours = read(dict(theirs.state_dict()))
    # The keys' biases of version 2 are counted there, and are 0.
    assert ours.config.parameters + _silent(ours) == parameters
    assert_same(ours(images(232, 260, 1)), theirs(images(232, 260, 1)), 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["swin_tiny_patch4_window7_224", "swin_s3_tiny_224", "swinv2_tiny_window16_256"]
)
def test_the_published_sizes_of_timm(name: str) -> None:
    theirs = randomised(timm.create_model(name, strict_img_size=False))
    ours = read(dict(theirs.state_dict()), Said("timm", name))
    size = (int(name[-3:]),) * 2
    assert_same(ours(images(*size, 1)), theirs(images(*size, 1)), 1e-4)
    assert_same(ours(images(260, 300, 1)), theirs(images(260, 300, 1)), 1e-4)
