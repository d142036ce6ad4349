"""The cost that is said before is the cost that is paid."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tests.models.networks import RELATIVES
from vitviz.models.vit.config import ViTConfig, vit_config
from vitviz.models.vit.cost import cost
from vitviz.models.vit.network import VisionTransformer

SMALL = ViTConfig(
    patch=4, width=24, depth=3, heads=3, mlp_width=40, input_size=(12, 20), classes=7,
    prefix=("cls", "reg1"), positioned_prefix=1,
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    "config",
    [SMALL, replace(SMALL, gated_mlp=True), replace(SMALL, pool="cls+mean"),
     replace(SMALL, prefix=("cls", "dist")), *RELATIVES.values()],
)  # fmt: skip
def test_flops_against_torchs_own_counter(config):
    network = VisionTransformer(config)

    def attend(q, k, v, bias=None):
        return (q @ k.mT + (0 if bias is None else bias(slice(0, q.shape[2])))).softmax(-1) @ v

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        z = network.embed(torch.zeros(1, 3, *config.input_size))
        for step in network.steps(config.input_size):
            z = step(z, attend)
        network.classify(z)
    # The MLP of relative positions is counted for a few ways too many; torch's counter knows no
    # fused attention, which the learned query has.
    about = 0.02 if config.relative_width or config.pool == "map" else 0
    assert cost(config, config.input_size).flops == pytest.approx(
        counter.get_total_flops(), rel=about, abs=0
    )


def test_published_flops():
    # Source: DeiT (arXiv 2012.12877) and torchvision give 17.6 G multiply-adds for ViT-B/16.
    assert cost(vit_config("B", 16), (224, 224)).flops / 2 == pytest.approx(17.58e9, rel=0.002)


def test_tokens_and_memory_grow_linearly():
    costs = [cost(vit_config("S", 8), (8 * rows, 768)) for rows in (64, 128, 192)]
    assert [c.tokens for c in costs] == [6145, 12289, 18433]
    steps = [b.peak_bytes - a.peak_bytes for a, b in pairwise(costs)]
    assert steps[0] == steps[1] > 0
