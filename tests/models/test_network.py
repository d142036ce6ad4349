"""The network against counts from the literature, closed forms and a second implementation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.models.networks import SMALL, VARIANTS, naive_logits, random_input, random_network
from vitviz.models.vit.network import PatchEmbedding, VisionTransformer, ViTConfig, vit_config
from vitviz.models.vit.parameters import parameters


@pytest.mark.parametrize(
    ("size", "patch", "count"),
    [
        ("Ti", 16, 5_717_416),
        ("S", 16, 22_050_664),
        ("B", 16, 86_567_656),
        ("B", 32, 88_224_232),
        ("L", 16, 304_326_632),
        ("H", 14, 632_045_800),
    ],
)
def test_sizes_have_the_published_number_of_parameters(size: str, patch: int, count: int) -> None:
    config = vit_config(size, patch)
    with torch.device("meta"):
        network = VisionTransformer(config)
    assert sum(parameter.numel() for parameter in network.parameters()) == count
    assert parameters(config) == count


@pytest.mark.parametrize("name", VARIANTS)
def test_config_counts_what_the_network_has(name: str) -> None:
    with torch.device("meta"):
        network = VisionTransformer(VARIANTS[name])
    assert parameters(VARIANTS[name]) == sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("patch", [8, 14, 16, 32])
def test_patch_embedding_is_unfolding_and_one_linear_layer(patch: int) -> None:
    torch.manual_seed(0)
    embedding = PatchEmbedding(replace(SMALL, patch=patch, input_size=(2 * patch, 3 * patch)))
    image = random_input(2 * patch, 3 * patch)
    linear = nn.Linear(3 * patch**2, SMALL.width)
    linear.weight.data = embedding.proj.weight.data.flatten(1)
    linear.bias.data = embedding.proj.bias.data
    unfolded = nn.functional.unfold(image, patch, stride=patch).transpose(1, 2)
    torch.testing.assert_close(embedding(image), linear(unfolded), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", VARIANTS)
def test_network_equals_the_naive_one(name: str) -> None:
    config = VARIANTS[name]
    network, images = random_network(config), random_input(*config.input_size)
    expected = [naive_logits(config, network.state_dict(), image) for image in images]
    np.testing.assert_allclose(network(images).numpy(), expected, rtol=2e-4, atol=2e-4)


def test_patches_are_numbered_row_by_row_after_the_prefix() -> None:
    network = random_network(SMALL)
    image = random_input(*SMALL.input_size, batch=1)
    changed = image.clone()
    changed[0, :, 4:8, 12:16] += 1  # row 1, column 3 of 5
    moved = (network.embed(image) != network.embed(changed)).any(dim=2)[0]
    assert moved.nonzero().flatten().tolist() == [len(SMALL.prefix) + 1 * 5 + 3]


def test_positions_stay_on_the_trained_grid_and_the_prefix_on_any() -> None:
    network = random_network(replace(SMALL, positioned_prefix=2))
    assert network.positions((3, 5)) is network.pos_embed
    resized = network.positions((4, 9))
    assert resized.shape == (1, 2 + 36, 24)
    torch.testing.assert_close(resized[:, :2], network.pos_embed[:, :2])


def test_constant_positions_stay_constant_on_other_grids() -> None:
    network = random_network(SMALL)
    network.pos_embed.fill_(0.25)
    torch.testing.assert_close(network.positions((7, 2)), torch.full((1, 15, 24), 0.25))


def test_positions_that_change_along_one_axis_change_along_it_only() -> None:
    network = random_network(SMALL)
    ramp = torch.linspace(0, 1, 5).expand(3, 5).reshape(1, 15, 1)
    network.pos_embed[:, 1:] = ramp
    resized = network.positions((6, 10))[0, 1:, 0].reshape(6, 10)
    torch.testing.assert_close(resized, resized[:1].expand(6, 10))
    assert (resized[0].diff() > -1e-6).all()


def test_attention_can_be_replaced_to_be_watched() -> None:
    network = random_network(SMALL)
    seen = []

    def watch(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        seen.append(q.shape)
        return nn.functional.scaled_dot_product_attention(q, k, v)

    image = random_input(8, 24)
    z = network.embed(image)
    for block in network.blocks:
        z = block(z, watch)
    torch.testing.assert_close(network.classify(z), network(image))
    assert seen == [(2, 3, 3 + 2 * 6, 8)] * 2


def test_network_without_a_head_gives_its_features() -> None:
    network = random_network(replace(SMALL, classes=0))
    assert network(random_input(12, 20)).shape == (2, 24)


def test_an_input_that_patches_do_not_fill_is_refused() -> None:
    with pytest.raises(ValueError, match="13 x 20 is not a multiple of patch 4"):
        random_network(SMALL)(random_input(13, 20))


@pytest.mark.parametrize(
    "wrong",
    [
        {"heads": 5},
        {"heads": 0},
        {"input_size": (12, 21)},
        {"prefix": ("reg1", "cls")},
        {"prefix": ("cls", "reg2")},
        {"prefix": ("cls", "cls")},
        {"prefix": ("cls", "patch")},
        {"positioned_prefix": 4},
        {"prefix": (), "positioned_prefix": 0},
    ],
)
def test_shapes_that_no_network_has_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        replace(SMALL, **wrong)


def test_config_knows_its_grid() -> None:
    config = ViTConfig(16, 192, 12, 3, 768, (64, 96))
    assert (config.grid, config.head_dim, config.features) == ((4, 6), 64, 192)


def test_dropped_patches_are_neither_looked_at_nor_pooled() -> None:
    network, image = random_network(replace(SMALL, pool="mean")), random_input(12, 20)
    prefix, tokens = len(SMALL.prefix), len(SMALL.prefix) + 15
    kept = torch.tensor([*range(prefix), prefix + 1, prefix + 6, prefix + 12])
    z = network.keep(network.embed(image), kept)
    for step in network.steps((12, 20), kept):
        z = step(z, F.scaled_dot_product_attention)

    hidden = torch.full((1, tokens), -torch.inf)
    hidden[:, kept] = 0.0

    def masked(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=hidden)

    whole = network.embed(image)
    for step in network.steps((12, 20)):
        whole = step(whole, masked)
    torch.testing.assert_close(z, whole[:, kept])
    torch.testing.assert_close(network.classify(z), network.classify(whole[:, kept]))
