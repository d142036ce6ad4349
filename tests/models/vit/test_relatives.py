"""What the ViT's relatives have of their own: closed forms, and their way to files and back."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tests.models.networks import RELATIVES, SMALL, random_input, random_network, said_of
from vitviz.models.families import reader_of
from vitviz.models.network import softmax_attention
from vitviz.models.vit.card_fields import config_fields, read_config
from vitviz.models.vit.config import Rope, ViTConfig
from vitviz.models.vit.network import VisionTransformer
from vitviz.models.vit.parameters import parameters
from vitviz.models.vit.pooling import AttentionPool
from vitviz.models.vit.relative_positions import RelativeBias, RelativeTable, token_places
from vitviz.models.vit.rope import RotaryPositions

SIZE = 20, 28
"""Five rows, seven columns: not the grid of any of these."""


@pytest.mark.parametrize("name", RELATIVES)
def test_config_counts_what_the_network_has(name: str) -> None:
    with torch.device("meta"):
        network = VisionTransformer(RELATIVES[name])
    assert parameters(RELATIVES[name]) == sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("name", RELATIVES)
def test_config_comes_back_from_a_cards_file(name: str) -> None:
    config = RELATIVES[name]
    assert read_config(json.loads(json.dumps(config_fields(config))), 0) == config


@pytest.mark.parametrize("name", RELATIVES)
def test_our_own_names_with_a_card_give_the_network_back(name: str) -> None:
    config = RELATIVES[name]
    tensors = dict(random_network(config).state_dict())
    _, reader = reader_of(tensors)
    found, _ = reader.config(tensors, said_of(config))
    assert found == config
    converted = reader.convert(tensors, found)
    assert converted.keys() == tensors.keys()
    assert all(torch.equal(converted[key], tensors[key]) for key in tensors)


@pytest.mark.parametrize("name", [n for n, c in RELATIVES.items() if c.pool != "map"])
def test_kept_tokens_stay_where_they_were(name: str) -> None:
    network, image = random_network(RELATIVES[name]), random_input(*SIZE)
    prefix = len(RELATIVES[name].prefix)
    kept = torch.tensor([*range(prefix), *(prefix + i for i in (1, 8, 16, 30, 34))])
    z = network.keep(network.embed(image), kept)
    for step in network.steps(SIZE, kept):
        z = step(z, softmax_attention)
    hidden = torch.full((prefix + 35,), -torch.inf)
    hidden[kept] = 0.0

    def masked(q: Tensor, k: Tensor, v: Tensor, bias: object = None) -> Tensor:
        logits = q @ k.mT / math.sqrt(q.shape[-1]) + hidden
        if callable(bias):
            logits = logits + bias(slice(0, q.shape[2]))
        return logits.softmax(-1) @ v

    whole = network.embed(image)
    for step in network.steps(SIZE):
        whole = step(whole, masked)
    torch.testing.assert_close(z, whole[:, kept], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["DINOv3", "BEiT"])
def test_a_block_that_does_not_know_where_its_tokens_lie_is_refused(name: str) -> None:
    network = random_network(RELATIVES[name])
    z = network.embed(random_input(*SIZE))
    with pytest.raises(ValueError, match=r"Network\.steps"):
        network.blocks[0](z)


def _turned(rope: Rope, grid: tuple[int, int], x: Tensor) -> Tensor:
    """The same numbers at every patch, turned for each."""
    config = replace(SMALL, width=32, heads=2, rope=rope)
    (rotation,) = RotaryPositions(config, rope).rotations(grid)
    tokens = len(config.prefix) + grid[0] * grid[1]
    assert torch.equal(rotation(x.expand(1, 2, tokens, 16))[:, :, : len(config.prefix)],
                       x.expand(1, 2, len(config.prefix), 16))  # fmt: skip
    return rotation(x.expand(1, 2, tokens, 16))[0, 0, len(config.prefix) :].reshape(*grid, 16)


@pytest.mark.parametrize("rope", [Rope(), Rope(axes="xy"), Rope(50.0, "turn", pairs="halves")])
def test_products_of_turned_vectors_depend_on_the_way_between_patches(rope: Rope) -> None:
    generator = torch.Generator().manual_seed(2)
    q, k = (_turned(rope, (3, 5), torch.randn(16, generator=generator)) for _ in range(2))
    torch.testing.assert_close(q[0, 1] @ k[2, 4], q[0, 0] @ k[2, 3], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(q[1, 1] @ k[2, 0], q[0, 3] @ k[1, 2], rtol=1e-4, atol=1e-4)
    assert abs(float(q[1, 1] @ k[2, 0] - q[1, 1] @ k[2, 2])) > 1e-2


def test_each_pair_turns_by_its_own_angle() -> None:
    rope = Rope(base=10.0)  # four frequencies for each axis of a head of 16
    turned = _turned(rope, (3, 5), torch.tensor([1.0, 0.0]).repeat(8))
    for row, col in ((0, 0), (1, 0), (2, 4)):
        angles = [row / 10 ** (i / 4) for i in range(4)] + [col / 10 ** (i / 4) for i in range(4)]
        expected = [f(angle) for angle in angles for f in (math.cos, math.sin)]
        torch.testing.assert_close(turned[row, col], torch.tensor(expected))


def test_turns_scale_with_the_image() -> None:
    """DINOv3: the patch in the middle turns by nothing, whatever the grid."""
    x = torch.arange(16.0)
    for grid in ((3, 5), (7, 3)):
        turned = _turned(Rope(unit="turn", pairs="halves"), grid, x)
        torch.testing.assert_close(turned[grid[0] // 2, grid[1] // 2], x)


def test_a_table_of_relative_positions_is_read_by_the_way() -> None:
    config = replace(RELATIVES["BEiT"], heads=1, width=8)
    table = RelativeTable(config)
    rows, cols = config.grid
    ways = torch.tensor([[[100.0 * down + right] for right in range(1 - cols, cols)]
                         for down in range(1 - rows, rows)])  # fmt: skip
    table.relative_position_bias_table.data = torch.cat(
        [ways.flatten(0, 1), torch.tensor([[-7.0], [-8.0], [-9.0]])]
    )
    prefix = len(config.prefix)
    where = token_places(config.grid, prefix, None, torch.device("cpu"))
    bias = RelativeBias(table.numbers(config.grid), *where, config.grid)
    dense = bias(slice(0, prefix + rows * cols))[0].detach()
    for i in range(rows * cols):
        for j in range(rows * cols):
            down, right = i // cols - j // cols, i % cols - j % cols
            assert float(dense[prefix + i, prefix + j]) == 100 * down + right
    assert dense[:prefix, prefix:].unique().tolist() == [-7.0]
    assert dense[prefix:, :prefix].unique().tolist() == [-8.0]
    assert dense[:prefix, :prefix].unique().tolist() == [-9.0]
    assert torch.equal(bias(slice(4, 9))[0], dense[4:9])


def test_a_table_stretched_to_another_grid_keeps_its_middle() -> None:
    """No way at all is no way at all on any grid; and a constant stays one."""
    table = RelativeTable(replace(RELATIVES["BEiT"], heads=1, width=8))
    numbers = table.numbers((4, 9))[0, :-3].reshape(7, 17)
    original = table.relative_position_bias_table[:-3, 0].reshape(5, 9)
    torch.testing.assert_close(numbers[3, 8], original[2, 4])
    table.relative_position_bias_table.data.fill_(0.5)
    torch.testing.assert_close(table.numbers((4, 9)), torch.full((1, 7 * 17 + 3), 0.5))


def test_a_learned_query_pools_what_it_looks_at() -> None:
    config = replace(RELATIVES["SigLIP"], map_heads=1)
    pool = AttentionPool(config)
    width = config.width
    with torch.no_grad():
        for part in (pool.mlp.fc2.weight, pool.mlp.fc2.bias, pool.proj.bias, pool.kv.bias):
            part.zero_()
        pool.proj.weight.copy_(torch.eye(width))
        pool.kv.weight.copy_(torch.cat([100 * torch.eye(width), torch.eye(width)]))
        pool.q.weight.copy_(torch.eye(width))
        pool.q.bias.zero_()
        pool.latent.copy_(torch.eye(width)[3])
        z = torch.eye(width)[None, :7]  # only token 3 has what the query asks for
        torch.testing.assert_close(pool(z), z[:, 3], atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rope": Rope()},  # three heads of eight are fine, of 24 / 4 = 6 are not
        {"embedded_positions": False},
        {"relative_positions": "mlp"},
        {"relative_width": 4},
        {"projection": 5},
        {"map_heads": 5},
    ],
)
def test_parts_that_do_not_go_together_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        replace(replace(SMALL, heads=4), **wrong)


def test_an_image_tower_gives_an_embedding_and_no_classes() -> None:
    config: ViTConfig = RELATIVES["CLIP"]
    network = random_network(config)
    assert network(random_input(*SIZE)).shape == (2, 9)
    assert network.outline(SIZE).classes == 0
    assert "classes" not in network.outline(SIZE).gives
