"""Rollout through windows, shifts, padding and merging against products of whole matrices."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.tracing.windowed import WholeMatrices
from vitviz.imaging.geometry import Geometry
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.models.swin.config import SwinConfig
from vitviz.models.swin.network import SwinTransformer
from vitviz.progress import silent
from vitviz.tracing import fused
from vitviz.tracing.aim import Aim
from vitviz.tracing.run import run
from vitviz.tracing.trace import Trace

SIZE = 44, 76
"""Grids 11 x 19, 6 x 10 and 3 x 5: windows of 4 divide none, and all are odd or become so."""

CONFIGS = {
    "torchvision": {},
    "timm": {"shifts": "as trained", "shift_first": True},
    "version 2": {"version": 2, "shifts": "both axes"},
}


def network_of(how: dict) -> SwinTransformer:
    config = SwinConfig(
        width=8, depths=(2, 2, 1), heads=(2, 2, 4), windows=(4, 4, 4), input_size=(64, 64),
        classes=5, **how,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(8)
        network = SwinTransformer(config).eval().requires_grad_(False)
        for name, parameter in network.named_parameters():
            if "qkv" in name or "table" in name:
                parameter.copy_(0.5 * torch.randn(parameter.shape))
    return network


IMAGE = np.random.default_rng(6).normal(size=(3, *SIZE)).astype(np.float32)


def whole_matrices(network: SwinTransformer, target: int) -> tuple[list, list]:
    """Attention and its gradient of each layer, heads x tokens x tokens, by loops over windows."""
    network, attend = network.double(), WholeMatrices()
    with torch.enable_grad():
        z = network.embed(torch.tensor(IMAGE[None]).double())
        for step in network.steps(SIZE):
            z = step(z, attend)
        slopes = torch.autograd.grad(network.classify(z)[0, target], attend.weights)
    network.float()
    counts = [rows * cols for rows, cols in (layer.grid for layer in network.outline(SIZE).layers)]
    dense = [
        [attend.dense(layer, values[layer], count) for layer, count in enumerate(counts)]
        for values in (attend.weights, slopes)
    ]
    return dense[0], dense[1]


def merging(grid: tuple[int, int], before: tuple[int, int]) -> np.ndarray:
    """Each patch's equal shares of those it was merged of: patches x patches before."""
    if grid == before:
        return np.eye(grid[0] * grid[1])
    out = np.zeros((grid[0] * grid[1], before[0] * before[1]))
    for row in range(before[0]):
        for col in range(before[1]):
            out[(row // 2) * grid[1] + col // 2, row * before[1] + col] = 1
    return out / out.sum(1, keepdims=True)


def products(layers: list[np.ndarray], grids: list, start: int) -> list[np.ndarray]:
    """The product after each layer, over the patches of the start layer."""
    result, product = [], None
    for layer in range(start, len(layers)):
        step = layers[layer]
        if product is None:
            product = step
        else:
            product = step @ merging(grids[layer], grids[layer - 1]) @ product
        result.append(product)
    return result


@pytest.fixture(params=CONFIGS, scope="module")
def network(request: pytest.FixtureRequest) -> SwinTransformer:
    return network_of(CONFIGS[request.param])


@pytest.fixture(params=[0, 6 << 20], ids=["small blocks", "one block"])
def trace(
    request: pytest.FixtureRequest, network: SwinTransformer, monkeypatch: pytest.MonkeyPatch
) -> Trace:
    monkeypatch.setattr(fused, "BLOCK_BYTES", {"cpu": request.param})
    return run(network, IMAGE, Geometry(SIZE, SIZE, (0, 0), SIZE, 4))


@pytest.mark.parametrize("start", [0, 2, 3])
def test_rollout(network: SwinTransformer, trace: Trace, start: int) -> None:
    attention, _ = whole_matrices(network, 1)
    grids = [layer.grid for layer in trace.outline.layers]
    assert grids == [(11, 19), (11, 19), (6, 10), (6, 10), (3, 5)]
    mixed = []
    for layer in attention:
        one = layer.mean(0) / 2 + np.eye(layer.shape[1]) / 2
        mixed.append(one / one.sum(1, keepdims=True))
    wanted = products(mixed, grids, start)
    for query in ((5,), (97, 98), trace.layout.all_patches):
        question = Question(query, params={"start": start + 1})
        found = METHODS["rollout"].explain(trace, question, silent)
        assert found.layers == tuple(range(start, 5))
        for layer, end in zip(found.layers, wanted, strict=True):
            row = found.by_layer[layer].values[0]
            of = end[list(trace.tokens_in(layer, query))].mean(0)
            np.testing.assert_allclose(row, of, atol=1e-5)
            assert row.sum() == pytest.approx(1, abs=1e-5)
            assert found.by_layer[layer].tokens.grid == grids[start]


def test_about_a_class(network: SwinTransformer, trace: Trace) -> None:
    attention, slopes = whole_matrices(network, 2)
    grids = [layer.grid for layer in trace.outline.layers]
    ours = trace.gradients(Aim(2), silent)
    biggest = max(np.abs(one).max() for one in slopes)
    for layer, wanted in enumerate(slopes):
        own = wanted * (attention[layer] > 0)  # of other windows there is none
        found = ours.rows(layer, slice(None), slice(0, len(own[0]))).numpy()
        np.testing.assert_allclose(found, wanted, atol=5e-4 * biggest)
    bars = [
        np.maximum(a * d, 0).mean(0) + np.eye(a.shape[1])
        for a, d in zip(attention, slopes, strict=True)
    ]
    wanted_all = products(bars, grids, 0)
    question = Question(trace.layout.all_patches, target=2)
    found_all = METHODS["relevance"].explain(trace, question, silent)
    for layer, end in enumerate(wanted_all):
        row = found_all.by_layer[layer].values[0]
        np.testing.assert_allclose(row, end.mean(0), rtol=2e-3, atol=1e-6)


def test_the_title_says_what_is_ours(trace: Trace) -> None:
    method = METHODS["rollout"]
    assert "vitviz's own" in method.title_for(trace.outline)
    assert "vitviz's own" in method.source_for(trace.outline)
    assert method.title_for(None) == "Attention rollout"


def test_the_attention_of_a_clicked_token(network: SwinTransformer, trace: Trace) -> None:
    attention, _ = whole_matrices(network, 1)
    for layer, wanted in enumerate(attention):
        for token in (0, len(wanted[0]) // 2, len(wanted[0]) - 1):
            np.testing.assert_allclose(trace.row(layer, token), wanted[:, token], atol=1e-5)
            np.testing.assert_allclose(trace.column(layer, token), wanted[:, :, token], atol=1e-5)
