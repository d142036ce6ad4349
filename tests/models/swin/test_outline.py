"""A Swin Transformer from outside: where its windows lie, what it has learned, what it costs."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch

from vitviz.models.swin.config import SwinConfig, config_fields, read_config, window_cuts
from vitviz.models.swin.family import SWIN
from vitviz.models.swin.network import SwinTransformer

CONFIG = SWIN.specimen()


@pytest.mark.parametrize("shift_first", [False, True])
@pytest.mark.parametrize("size", [(40, 56), (36, 76)])
def test_cuts_are_between_tokens_that_never_look_at_each_other(
    size: tuple[int, int], shift_first: bool
) -> None:
    """Neighbours on the two sides of a cut are in other windows, or apart in one; all others
    share a window: as the network itself places them.
    """
    config = dataclasses.replace(CONFIG, shift_first=shift_first)
    network = SwinTransformer(config)
    outline = network.outline(size)
    shifted = 0
    for layer, block in zip(outline.layers, network.blocks, strict=True):
        place = block.place(layer.grid, torch.device("cpu"))
        shifted += layer.shift != (0, 0)
        window_of, region_of = {}, {}
        for window, (tokens, regions) in enumerate(
            zip(place.members.tolist(), place.regions.tolist(), strict=True)
        ):
            for token, region in zip(tokens, regions, strict=True):
                window_of[token], region_of[token] = window, region
        rows, cols = layer.grid
        for row in range(rows):
            for col in range(cols):
                here = row * cols + col
                for axis, (at, there) in enumerate(((row, here + cols), (col, here + 1))):
                    if at + 1 == layer.grid[axis]:
                        continue
                    together = (
                        window_of[here] == window_of[there]
                        and (region_of[here] == region_of[there] or layer.shift == (0, 0))
                    )  # fmt: skip
                    assert together == (at + 1 not in layer.cuts[axis])
    assert shifted


def test_cuts_by_hand() -> None:
    assert window_cuts(8, 4, 0, shift_first=False) == (4,)
    assert window_cuts(8, 4, 2, shift_first=False) == (2, 6)
    assert window_cuts(10, 7, 3, shift_first=False) == (3,)  # the last window is 3 rows of photo


def test_names_grids_and_what_it_gives() -> None:
    outline = SWIN.outline(CONFIG, (40, 56))
    assert [layer.name for layer in outline.layers] == [
        "stage 1, block 1", "stage 1, block 2", "stage 2, block 1", "stage 2, block 2",
    ]  # fmt: skip
    assert [layer.grid for layer in outline.layers] == [(10, 14)] * 2 + [(5, 7)] * 2
    assert "path" in outline.gives
    assert not {"sequence", "drop"} & outline.gives
    assert outline.default_query == "patches"


@pytest.mark.parametrize("version", [1, 2])
def test_parameters_and_card(version: int) -> None:
    config = dataclasses.replace(CONFIG, version=version)
    network = SwinTransformer(config)
    silent = sum(config.width_of(stage) for stage, _ in config.blocks()) if version == 2 else 0
    assert config.parameters == sum(p.numel() for p in network.parameters()) - silent
    assert read_config(json.loads(json.dumps(config_fields(config))), 0) == config


@pytest.mark.parametrize(
    "wrong", [{"heads": (5, 3)}, {"depths": (2,)}, {"windows": (0, 3)}, {"input_size": (41, 56)}]
)
def test_what_is_no_network(wrong: dict) -> None:
    with pytest.raises(ValueError, match=r"multiple|stage|at least"):
        dataclasses.replace(CONFIG, **wrong)


def test_cost_grows_with_patches() -> None:
    sizes = [(224, 224), (448, 448), (896, 896)]
    costs = [SWIN.cost(SwinConfig(96, (2, 2, 6, 2), (3, 6, 12, 24), (7,) * 4), s) for s in sizes]
    assert costs[0].tokens == 56 * 56
    # The paper's table 1: Swin-T has 4.5 G multiplications and additions, counted as one.
    assert costs[0].flops / 2 == pytest.approx(4.5e9, rel=0.03)
    assert costs[2].flops == pytest.approx(16 * costs[0].flops, rel=0.01)
    assert costs[2].peak_bytes < 17 * costs[0].peak_bytes
