"""What counts values or heads: against whole matrices and vectors for every pair of tokens."""

from __future__ import annotations

import copy
import itertools

import numpy as np
import pytest
import torch

from tests.methods.autograd import plain
from tests.models.networks import VARIANTS, random_input, random_network
from vitviz.errors import VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.progress import silent
from vitviz.tracing import fused
from vitviz.tracing.run import run
from vitviz.tracing.trace import Trace

GEOMETRY = Geometry((40, 56), (20, 28), (0, 0), (20, 28), 4)  # 5 x 7 patches
NAMES = ["distilled", "gated", "mean of patches"]
QUERIES = [(0,), (0, 5, 6, 20), tuple(range(3, 38))]


@pytest.fixture(params=["one block", "blocks of 12 rows"], autouse=True)
def _sizes(request, monkeypatch):
    if request.param != "one block":
        monkeypatch.setattr(fused, "FEWEST_ROWS", 12)
        monkeypatch.setattr(fused, "BLOCK_BYTES", {"cpu": 0})


def trace_of(name: str) -> Trace:
    network, image = random_network(VARIANTS[name]), random_input(20, 28, batch=1)
    return run(network, image[0].numpy(), GEOMETRY)


def added(trace: Trace) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each layer: what head h adds to token i because of token j (heads i j width, float64), and
    the state that the layer is given.
    """
    network, found = copy.deepcopy(trace.network).double(), []
    z = network.embed(torch.tensor(trace.image[None]).double())
    for block in network.blocks:
        seen = []

        def attend(q, k, v, seen=seen):
            weights = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)
            seen.extend((weights[0], v[0]))
            return weights @ v

        before, z = z, block(z, attend)
        weights, v = seen
        scale = getattr(block.ls1, "gamma", torch.ones(1).double())
        pieces = []
        for head, own in enumerate(block.attn.proj.weight.split(v.shape[-1], dim=1)):
            pieces.append(weights[head][..., None] * ((v[head] @ own.T) * scale)[None])
        found.append((torch.stack(pieces).numpy(), before[0].numpy()))
    return found


@pytest.mark.parametrize("direction", ["of", "to"])
@pytest.mark.parametrize("name", NAMES)
def test_value_aware_attention(name, direction):
    trace = trace_of(name)
    lengths = [np.linalg.norm(pieces, axis=-1) for pieces, _ in added(trace)]
    for query in QUERIES:
        rows = [token for token in query if token < trace.tokens]
        question = Question(tuple(rows), direction)
        found = METHODS["value-attention"].explain(trace, question, silent)
        assert found.head is None
        for layer, length in enumerate(lengths):
            wanted = length[:, rows].mean(1) if direction == "of" else length[..., rows].mean(-1)
            values = found.by_layer[layer].values
            np.testing.assert_allclose(values, wanted, rtol=1e-4, atol=1e-6 * wanted.max())


@pytest.mark.parametrize("name", NAMES)
def test_value_aware_rollout(name):
    trace, layers = trace_of(name), []
    for pieces, state in added(trace):
        together = np.linalg.norm(pieces.sum(0), axis=-1)
        mixed = together + np.diag(np.linalg.norm(state, axis=-1))
        layers.append(mixed / mixed.sum(1, keepdims=True))
    for query, start in itertools.product(QUERIES, (1, 2)):
        rows = [token for token in query if token < trace.tokens]
        question = Question(tuple(rows), params={"start": start})
        found = METHODS["value-rollout"].explain(trace, question, silent)
        product = np.eye(trace.tokens)
        for layer in range(start - 1, 2):
            product = layers[layer] @ product
            values = found.by_layer[layer].values[0]
            np.testing.assert_allclose(values, product[rows].mean(0), rtol=1e-3, atol=1e-6)
        assert found.values.sum(-1) == pytest.approx(np.ones((3 - start, 1)), abs=1e-5)


@pytest.mark.parametrize("norm", ["L1", "L2"])
@pytest.mark.parametrize("name", NAMES)
def test_gmar(name, norm):
    trace = trace_of(name)
    network = copy.deepcopy(trace.network).double()
    seen = plain(network, torch.tensor(trace.image[None]).double(), 4)
    sizes = np.abs(seen.gradients) if norm == "L1" else seen.gradients**2
    sizes = sizes.sum((2, 3)) if norm == "L1" else np.sqrt(sizes.sum((2, 3)))
    weights = sizes / sizes.sum(1, keepdims=True)
    fused_matrices = (weights[..., None, None] * seen.attention).sum(1)
    for query, residual in itertools.product(QUERIES, (0.5, 0.2)):
        rows = [token for token in query if token < trace.tokens]
        params = {"norm": norm, "residual": residual}
        question = Question(tuple(rows), params=params, target=4)
        found = METHODS["gmar"].explain(trace, question, silent)
        product = np.eye(trace.tokens)
        for layer, matrix in enumerate(fused_matrices):
            product = ((1 - residual) * matrix + residual * np.eye(trace.tokens)) @ product
            values = found.by_layer[layer].values[0]
            np.testing.assert_allclose(values, product[rows].mean(0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["value-rollout", "gmar", "attention-flow"])
def test_a_start_layer_that_there_is_not(name):
    question = Question(params={"start": 3}, target=1)
    with pytest.raises(VitvizError, match="cannot start at layer 3: this model has 2"):
        METHODS[name].explain(trace_of("distilled"), question, silent)
