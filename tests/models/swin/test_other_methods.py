"""LeGrad, DAAM, GMAR, Attention Grad-CAM and what counts values, through windows, shifts, padding
and merging: against whole matrices, entry by entry, in float64.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.models.swin.test_rollout import CONFIGS, IMAGE, SIZE, merging, network_of, products
from tests.tracing.windowed import WholeMatrices
from vitviz.engine.seeing import require_fit
from vitviz.errors import MethodMisfit
from vitviz.imaging.geometry import Geometry
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.models.swin.network import SwinTransformer
from vitviz.progress import silent
from vitviz.tracing import fused
from vitviz.tracing.run import run
from vitviz.tracing.trace import Trace

QUERIES = [(5,), (97, 98), tuple(range(11 * 19))]


@dataclass
class Kept(WholeMatrices):
    """Also what is mixed, and what comes of it."""

    values: list[Tensor] = field(default_factory=list)
    mixed: list[Tensor] = field(default_factory=list)

    def __call__(self, q, k, v, bias=None, windows=None):  # type: ignore[no-untyped-def]
        self.values.append(v)
        self.mixed.append(super().__call__(q, k, v, bias, windows))
        return self.mixed[-1]

    def of_tokens(self, layer: int, values: Tensor, count: int) -> np.ndarray:
        """Vectors of slots as heads x tokens x numbers."""
        out = np.zeros((values.shape[1], count, values.shape[-1]))
        for window, tokens in enumerate(self.members[layer].tolist()):
            for slot, token in enumerate(tokens):
                if token >= 0:
                    out[:, token] = values[window, :, slot].detach().numpy()
        return out


@dataclass
class Dense:
    """All of one forward and backward, layer by layer."""

    attention: list[np.ndarray] = field(default_factory=list)
    slopes: list[np.ndarray] = field(default_factory=list)
    values: list[np.ndarray] = field(default_factory=list)
    mixed_slopes: list[np.ndarray] = field(default_factory=list)
    states: list[np.ndarray] = field(default_factory=list)
    read: list[np.ndarray] = field(default_factory=list)
    """Gradients of the class as it is read from each layer; empty of those that cannot be read."""


@contextmanager
def merged_states(network: SwinTransformer) -> Iterator[list[Tensor]]:
    """What each block has once its patches are merged."""
    seen: list[Tensor] = []
    handles = [
        block.merge.register_forward_hook(lambda *args: seen.append(args[2].flatten(1, 2)[0]))
        for block in network.blocks
    ]
    yield seen
    for handle in handles:
        handle.remove()


def dense_of(network: SwinTransformer, target: int) -> Dense:
    network, keep, found = copy.deepcopy(network).double(), Kept(), Dense()
    outs = []
    with torch.enable_grad(), merged_states(network) as states:
        z = network.embed(torch.tensor(IMAGE[None]).double())
        for step in network.steps(SIZE):
            z = step(z, keep)
            outs.append(z)
        count = len(keep.weights)
        logit = network.classify(z)[0, target]
        every = torch.autograd.grad(logit, [*keep.weights, *keep.mixed], retain_graph=True)
        for layer, out in enumerate(outs):
            counts = len(states[layer])
            attention = keep.dense(layer, keep.weights[layer], counts)
            found.attention.append(attention)
            found.slopes.append(keep.dense(layer, every[layer], counts) * (attention > 1e-30))
            found.values.append(keep.of_tokens(layer, keep.values[layer], counts))
            found.mixed_slopes.append(keep.of_tokens(layer, every[count + layer], counts))
            found.states.append(states[layer].detach().numpy())
            if out.shape == outs[-1].shape:
                own = network.classify(out)[0, target]
                (slopes,) = torch.autograd.grad(own, keep.weights[layer], retain_graph=True)
                read = keep.dense(layer, slopes, counts) * (attention > 1e-30)
                found.read.append(read)
    return found


@pytest.fixture(params=CONFIGS, scope="module")
def network(request: pytest.FixtureRequest) -> SwinTransformer:
    return network_of(CONFIGS[request.param])


@pytest.fixture(scope="module")
def dense(network: SwinTransformer) -> Dense:
    return dense_of(network, 2)


@pytest.fixture(params=[0, 6 << 20], ids=["small blocks", "one block"])
def trace(
    request: pytest.FixtureRequest, network: SwinTransformer, monkeypatch: pytest.MonkeyPatch
) -> Trace:
    monkeypatch.setattr(fused, "BLOCK_BYTES", {"cpu": request.param})
    return run(network, IMAGE, Geometry(SIZE, SIZE, (0, 0), SIZE, 4))


def near(found: np.ndarray, wanted: np.ndarray) -> None:
    np.testing.assert_allclose(found, wanted, rtol=2e-3, atol=2e-4 * np.abs(wanted).max())


def test_legrad(network: SwinTransformer, trace: Trace, dense: Dense) -> None:
    readable = len(dense.read)
    found = METHODS["legrad"].explain(trace, Question(target=2, params={"blocks": 9}), silent)
    assert found.layers == tuple(range(trace.depth - readable, trace.depth))
    total = 0.0
    for layer, slopes in zip(found.layers, dense.read, strict=True):
        total = total + np.maximum(slopes, 0).mean((0, 1))
        near(found.by_layer[layer].values[0], total)
    same = Question(target=2, params={"blocks": 9, "pool": "all tokens"})
    again = METHODS["legrad"].explain(trace, same, silent)
    np.testing.assert_array_equal(again.by_layer[4].values, found.by_layer[4].values)


def test_daam(trace: Trace, dense: Dense) -> None:
    grids = [layer.grid for layer in trace.outline.layers]
    for query in QUERIES:
        found, total = METHODS["daam"].explain(trace, Question(query, target=2), silent), None
        for layer, grid in enumerate(grids):
            rows = list(trace.tokens_in(layer, query))
            given = np.einsum(
                "hid,hij,hjd->j",
                dense.mixed_slopes[layer][:, rows].clip(min=0),
                dense.attention[layer][:, rows],
                dense.values[layer],
            ) / len(rows)
            if total is not None and grid != grids[layer - 1]:
                total = (merging(grid, grids[layer - 1]) > 0) @ total
            total = given.clip(min=0) + (0 if total is None else total)
            assert found.by_layer[layer].tokens.grid == grid
            near(found.by_layer[layer].values[0], total)


def test_daam_without_a_class(trace: Trace) -> None:
    found = METHODS["daam-label-free"].explain(trace, Question(QUERIES[2]), silent)
    assert found.target is None
    assert all(np.ptp(maps.values) > 0 for maps in found.by_layer.values())


@pytest.mark.parametrize("norm", ["L1", "L2"])
def test_gmar(trace: Trace, dense: Dense, norm: str) -> None:
    grids, mixed = [layer.grid for layer in trace.outline.layers], []
    for attention, slopes in zip(dense.attention, dense.slopes, strict=True):
        sizes = np.abs(slopes).sum((1, 2))
        sizes = sizes if norm == "L1" else np.sqrt((slopes**2).sum((1, 2)))
        one = np.einsum("h,hij->ij", sizes / sizes.sum(), attention) / 2
        one = one + np.eye(len(one)) / 2
        mixed.append(one / one.sum(1, keepdims=True))
    for start in (0, 2):
        params = {"norm": norm, "start": start + 1}
        found = METHODS["gmar"].explain(
            trace, Question(QUERIES[1], params=params, target=2), silent
        )
        for layer, end in zip(found.layers, products(mixed, grids, start), strict=True):
            wanted = end[list(trace.tokens_in(layer, QUERIES[1]))].mean(0)
            near(found.by_layer[layer].values[0], wanted)
            assert found.by_layer[layer].tokens.grid == grids[start]


def test_attention_grad_cam(trace: Trace, dense: Dense) -> None:
    for query in QUERIES:
        question = Question(query, target=2)
        found = METHODS["attention-grad-cam"].explain(trace, question, silent)
        for layer, (attention, slopes) in enumerate(
            zip(dense.attention, dense.slopes, strict=True)
        ):
            rows = list(trace.tokens_in(layer, query))
            weights = slopes[:, rows].mean(-1, keepdims=True)
            wanted = (weights * attention[:, rows]).mean((0, 1))
            near(found.by_layer[layer].values[0], wanted.clip(min=0))


def added(network: SwinTransformer, dense: Dense) -> list[np.ndarray]:
    """Of each layer, what head h adds to token i because of token j: heads i j width."""
    found = []
    for block, attention, values in zip(network.blocks, dense.attention, dense.values, strict=True):
        of_heads = block.attn.proj.weight.double().split(values.shape[-1], dim=1)
        moved = np.stack([v @ own.numpy().T for v, own in zip(values, of_heads, strict=True)])
        found.append(attention[..., None] * moved[:, None])
    return found


@pytest.mark.parametrize("direction", ["of", "to"])
def test_value_aware_attention(
    network: SwinTransformer, trace: Trace, dense: Dense, direction: str
) -> None:
    if network.config.version == 2:
        with pytest.raises(MethodMisfit, match="does not give what its heads mix"):
            require_fit("value-attention", trace.outline, "Swin v2")
        return
    lengths = [np.linalg.norm(pieces, axis=-1) for pieces in added(network, dense)]
    for query in QUERIES:
        found = METHODS["value-attention"].explain(trace, Question(query, direction), silent)
        for layer, length in enumerate(lengths):
            rows = list(trace.tokens_in(layer, query))
            wanted = length[:, rows].mean(1) if direction == "of" else length[..., rows].mean(-1)
            near(found.by_layer[layer].values, wanted)


def test_value_aware_rollout(network: SwinTransformer, trace: Trace, dense: Dense) -> None:
    if network.config.version == 2:
        assert not METHODS["value-rollout"].fits(trace.outline)
        return
    grids, mixed = [layer.grid for layer in trace.outline.layers], []
    for pieces, state in zip(added(network, dense), dense.states, strict=True):
        one = np.linalg.norm(pieces.sum(0), axis=-1) + np.diag(np.linalg.norm(state, axis=-1))
        mixed.append(one / one.sum(1, keepdims=True))
    for start in (0, 2):
        question = Question(QUERIES[1], params={"start": start + 1})
        found = METHODS["value-rollout"].explain(trace, question, silent)
        for layer, end in zip(found.layers, products(mixed, grids, start), strict=True):
            wanted = end[list(trace.tokens_in(layer, QUERIES[1]))].mean(0)
            near(found.by_layer[layer].values[0], wanted)
            assert found.by_layer[layer].values.sum() == pytest.approx(1, abs=1e-4)


def test_flow_is_refused_in_words(trace: Trace) -> None:
    with pytest.raises(MethodMisfit, match="patches change from layer to layer"):
        require_fit("attention-flow", trace.outline, "Swin")
