"""Readers of checkpoint families: what shapes tell, strictness, and families not read yet."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tests.models.networks import SMALL, VARIANTS, random_network, said_of, square
from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.reader import texts
from vitviz.models.checkpoints.said import NOT_SAID
from vitviz.models.families import reader_of
from vitviz.models.vit.family import VIT
from vitviz.models.vit.network import VisionTransformer, ViTConfig, vit_config
from vitviz.models.vit.weights import timm, torchvision

WIDE = replace(SMALL, width=128, heads=2)
"""Wide enough for the usual rule for heads."""


def weights(config: ViTConfig) -> dict[str, Tensor]:
    return dict(random_network(config).state_dict())


def in_torchvision_names(tensors: dict[str, Tensor], *, old: bool = False) -> dict[str, Tensor]:
    def rename(name: str) -> str:
        fc = ("linear_1", "linear_2") if old else ("0", "3")
        for ours, theirs in (
            ("patch_embed.proj", "conv_proj"), ("cls_token", "class_token"),
            ("pos_embed", "encoder.pos_embedding"), ("blocks.", "encoder.layers.encoder_layer_"),
            (".norm", ".ln_"), (".attn.qkv.", ".self_attention.in_proj_"),
            (".attn.proj", ".self_attention.out_proj"), (".mlp.fc1", f".mlp.{fc[0]}"),
            (".mlp.fc2", f".mlp.{fc[1]}"),
        ):  # fmt: skip
            name = name.replace(ours, theirs)
        if name.startswith(("norm.", "head.")):
            name = {"n": "encoder.ln.", "h": "heads.head."}[name[0]] + name.split(".")[1]
        return name

    return {rename(name): tensor for name, tensor in tensors.items()}


def test_families_have_names_of_their_own() -> None:
    names = [reader.name for reader in VIT.readers()]
    assert len(set(names)) == len(names)
    assert {"timm", "torchvision", "transformers", "google", "vit-pytorch"} <= set(names)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_card_and_the_shapes_give_the_network_back(name: str) -> None:
    config = VARIANTS[name]
    tensors = weights(config)
    assert reader_of(tensors) == (VIT, timm.READER)
    inferred, notes = timm.config(tensors, said_of(config))
    assert inferred == config
    assert notes == ()
    converted = timm.convert(tensors, inferred)
    assert list(converted) == list(VisionTransformer(config).state_dict())
    assert all(converted[key] is tensors[key] for key in converted)


@pytest.mark.parametrize(
    "name", [name for name, config in VARIANTS.items() if config.activation in ("gelu", "silu")]
)
def test_without_a_card_the_rest_is_assumed_and_said(name: str) -> None:
    config = square(replace(VARIANTS[name], width=128, heads=2))
    if name == "tanh":
        pytest.skip("the activation leaves no trace in the weights")
    inferred, notes = timm.config(weights(config))
    assert inferred == config
    heads, grid = texts(notes)
    assert heads == "2 heads of 64 are assumed: the weights do not tell."
    assert "3 x 3" in grid


def test_torchvision_names_old_and_new() -> None:
    config = square(replace(WIDE, prefix=("cls",)))
    ours = weights(config)
    for old in (False, True):
        theirs = in_torchvision_names(ours, old=old)
        assert reader_of(theirs) == (VIT, torchvision.READER)
        assert torchvision.config(theirs)[0] == config
        converted = torchvision.convert(theirs, config)
        assert converted.keys() == ours.keys()
        assert all(converted[name] is ours[name] for name in ours)


@pytest.mark.parametrize(
    ("pattern", "theirs"),
    [
        ("reg_token", "register_tokens"),
        (".ls1.gamma", ".gamma_1"),
        (".ls2.gamma", ".gamma_2"),
        (".mlp.fc1.", ".mlp.w12."),
        (".mlp.fc2.", ".mlp.w3."),
        ("blocks.", "blocks.0."),
    ],
)
def test_other_names_in_the_family(pattern: str, theirs: str) -> None:
    config = replace(VARIANTS["gated"])
    tensors = {name.replace(pattern, theirs): t for name, t in weights(config).items()}
    assert timm.config(tensors, said_of(config))[0] == config
    assert len(timm.convert(tensors, config)) == len(tensors)


def test_keys_for_training_only_are_dropped() -> None:
    tensors = weights(SMALL) | {
        "mask_token": torch.zeros(1, 24),
        "decoder_blocks.0.norm1.weight": torch.zeros(4),
        "decoder_pos_embed": torch.zeros(1, 4, 8),
        "head.mlp.0.weight": torch.zeros(4),
        "head.last_layer.weight_g": torch.zeros(4),
    }
    assert timm.convert(tensors, SMALL).keys() == weights(SMALL).keys()


def test_an_encoder_without_a_head_says_so() -> None:
    config, notes = timm.config(weights(square(replace(WIDE, classes=0))))
    assert config.classes == 0
    assert "no predictions" in notes[-1]


@pytest.mark.parametrize(
    ("size", "patch", "heads"),
    [("Ti", 16, 3), ("S", 8, 6), ("B", 32, 12), ("L", 16, 16), ("H", 14, 16)],
)
def test_heads_of_the_papers_models(size: str, patch: int, heads: int) -> None:
    with torch.device("meta"):
        tensors = VisionTransformer(vit_config(size, patch)).state_dict()
    assert timm.config(tensors)[0] == vit_config(size, patch)
    assert timm.config(tensors)[0].heads == heads


def test_the_giant_of_dinov2_has_24_heads() -> None:
    giant = ViTConfig(
        14, 1536, 40, 24, 4096, (518, 518), 0, activation="silu", gated_mlp=True, layer_scale=True
    )
    with torch.device("meta"):
        tensors = VisionTransformer(giant).state_dict()
    assert timm.config(tensors)[0] == giant


def refusal(tensors: dict[str, Tensor], known: ViTConfig | None = SMALL) -> str:
    with pytest.raises(CheckpointError) as caught:
        timm.convert(tensors, timm.config(tensors, said_of(known) if known else NOT_SAID)[0])
    return str(caught.value)


def test_unexpected_missing_and_misshapen_keys_are_named() -> None:
    tensors = weights(SMALL)
    del tensors["blocks.1.norm2.bias"]
    tensors["blocks.1.extra"] = torch.zeros(1)
    tensors["norm.weight"] = torch.zeros(25)
    message = refusal(tensors)
    assert "1 unexpected (blocks.1.extra)" in message
    assert "1 missing (blocks.1.norm2.bias)" in message
    assert "1 of another shape (norm.weight is 25, not 24)" in message


def test_long_lists_are_cut() -> None:
    tensors = weights(SMALL) | {f"extra{i}": torch.zeros(1) for i in range(10)}
    assert "10 unexpected (extra0, extra1, extra2 and 7 more)" in refusal(tensors)


def test_the_checkpoints_own_names_are_reported() -> None:
    tensors = in_torchvision_names(weights(replace(SMALL, prefix=("cls",))))
    tensors["encoder.layers.encoder_layer_1.ln_2.bias"] = torch.zeros(3)
    with pytest.raises(CheckpointError, match=r"encoder_layer_1\.ln_2\.bias is 3, not 24"):
        torchvision.convert(tensors, replace(SMALL, prefix=("cls",)))


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("patch_embed.proj.weight", torch.zeros(24, 5, 4, 4), "5 channels"),
        ("patch_embed.proj.weight", torch.zeros(24, 3, 4, 2), "not square"),
        ("patch_embed.proj.weight", torch.zeros(24, 3, 16), "4 axes"),
        ("blocks.0.mlp.fc2.weight", torch.zeros(0, 0), "no numbers"),
        ("blocks.5.norm1.weight", torch.zeros(24), "lacks block 2"),
        ("norm.weight", torch.zeros(24, dtype=torch.int64), "whole numbers"),
        ("reg_token", torch.zeros(1, 1, 24), "18 positions"),
    ],
)
def test_shapes_of_no_vision_transformer(key: str, value: Tensor, named: str) -> None:
    tensors = weights(SMALL) | {key: value}
    if key == "reg_token":  # 15 patches and two tokens at the most, as is said
        tensors["pos_embed"] = torch.zeros(1, 18, 24)
    assert named in refusal(tensors)


def test_missing_whole_parts_are_named() -> None:
    tensors = weights(SMALL)
    for key in [key for key in tensors if key.startswith("blocks.0.")]:
        del tensors[key]
    assert "lacks block 0" in refusal(tensors)


def test_what_cannot_be_known_asks_for_a_card() -> None:
    narrow = weights(square(SMALL))
    assert "how many attention heads" in refusal(narrow, None)
    assert "NAME.json" in refusal(narrow, None)


def test_two_names_for_one_parameter() -> None:
    tensors = weights(SMALL)
    tensors["register_tokens"] = tensors["reg_token"]
    assert '"reg_token" and "register_tokens"' in refusal(tensors)


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        (["layers.0.blocks.0.attn.qkv.weight", "patch_embed.norm.weight"], "Swin"),
        (["swin.embeddings.norm.weight"], "Swin"),
        (["features.1.0.attn.qkv.weight", "features.0.0.weight"], "Swin"),
        (["vit.embeddings.cls_token", "vit.encoder.layer.0.layernorm_before.bias", "x"], "Hugging"),
        (
            ["cls_token", "pos_embed", "encoder.0.attn.in_proj_weight"],
            "encoder.0.attn.in_proj_weight",
        ),
        (["vit.base.lora_A.default.weight"], "LoRA"),
        (["blocks.0.attn.qkv.SCB", "blocks.0.attn.qkv.weight"], "quantised"),
        (["blocks_token_only.0.gamma_1"], "CaiT"),
        (["layer1.0.conv1.weight", "fc.weight"], "convolutional"),
        (["embed_tokens.weight"], "language model"),
    ],
)
def test_families_not_read_yet_are_recognised(keys: list[str], named: str) -> None:
    with pytest.raises(CheckpointError, match=named) as caught:
        reader_of({key: torch.zeros(1) for key in keys})
    assert caught.value.hint


def test_unknown_names_are_shown() -> None:
    with pytest.raises(CheckpointError, match=r"\(fc\.weight, \.\.\.\)"):
        reader_of({"fc.weight": torch.zeros(1)})


@pytest.mark.parametrize("config", [vit_config("B", 16), vit_config("S", 14, (518, 518))])
def test_timm_preprocessing_is_deits(config: ViTConfig) -> None:
    preprocessing, notes = timm.preprocessing(config)
    assert preprocessing.edge == {224: 256, 518: 518}[config.input_size[0]]
    assert preprocessing.interpolation == "bicubic"
    assert str(preprocessing.edge) in texts(notes)[0]


def test_torchvision_preprocessing_is_its_own() -> None:
    import torchvision.models as models

    for name, size, patch in (("B_16", "B", 16), ("B_32", "B", 32), ("L_16", "L", 16)):
        published = getattr(models, f"ViT_{name}_Weights").IMAGENET1K_V1.transforms()
        ours, _ = torchvision.preprocessing(vit_config(size, patch))
        assert [ours.edge] == published.resize_size
        assert ours.interpolation == published.interpolation.value
        assert list(ours.mean) == published.mean
        assert list(ours.std) == published.std
    for name, size, patch, side in (("H_14", "H", 14, 518), ("L_16", "L", 16, 512)):
        swag = getattr(models, f"ViT_{name}_Weights").IMAGENET1K_SWAG_E2E_V1.transforms()
        ours, _ = torchvision.preprocessing(vit_config(size, patch, (side, side)))
        assert ([ours.edge], ours.interpolation) == (swag.resize_size, swag.interpolation.value)
