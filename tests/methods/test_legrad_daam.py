"""LeGrad and DAAM against whole matrices and autograd through them, in float64."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.models.networks import VARIANTS, random_input, random_network
from vitviz.imaging.geometry import Geometry
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.models.vit.network import VisionTransformer
from vitviz.progress import silent
from vitviz.tracing import fused
from vitviz.tracing.run import run
from vitviz.tracing.trace import Trace

GEOMETRY = Geometry((40, 56), (20, 28), (0, 0), (20, 28), 4)  # 5 x 7 patches
NAMES = ["distilled", "registers", "gated", "mean of patches", "CLS and mean"]


@pytest.fixture(params=["one block", "blocks of 12 rows"], autouse=True)
def _sizes(request, monkeypatch):
    if request.param != "one block":
        monkeypatch.setattr(fused, "FEWEST_ROWS", 12)
        monkeypatch.setattr(fused, "BLOCK_BYTES", {"cpu": 0})


def trace_of(name: str) -> Trace:
    network, image = random_network(VARIANTS[name]), random_input(20, 28, batch=1)
    return run(network, image[0].numpy(), GEOMETRY)


class Dense:
    """A forward with all attention matrices, values and mixed values in one graph."""

    def __init__(self, trace: Trace) -> None:
        self.network: VisionTransformer = copy.deepcopy(trace.network).double()
        self.attention, self.values, self.mixed = [], [], []
        with torch.enable_grad():
            z = self.network.embed(torch.tensor(trace.image[None]).double()).requires_grad_()
            self.states = [z]
            for block in self.network.blocks:
                self.states.append(block(self.states[-1], self._attend))

    def _attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        self.attention.append((q @ k.mT / q.shape[-1] ** 0.5).softmax(-1))
        self.values.append(v)
        self.mixed.append(self.attention[-1] @ v)
        return self.mixed[-1]


@pytest.mark.parametrize("pool", ["as trained", "all tokens"])
@pytest.mark.parametrize("name", NAMES)
def test_legrad_layer_by_layer(name, pool):
    trace = trace_of(name)
    dense, total = Dense(trace), 0.0
    found = METHODS["legrad"].explain(trace, Question(params={"pool": pool}, target=4), silent)
    assert (found.layers, found.span, found.target) == ((0, 1), "through", 4)
    for layer in (0, 1):
        with torch.enable_grad():
            z = dense.states[layer + 1]
            if pool == "all tokens":  # as the authors write it: the norm and the head of the mean
                z = z.mean(1, keepdim=True).repeat(1, trace.tokens, 1)
            score = dense.network.classify(z)[0, 4]
            (slopes,) = torch.autograd.grad(score, dense.attention[layer], retain_graph=True)
        total = total + slopes.clamp(min=0).mean((0, 1, 2)).numpy()
        values = found.by_layer[layer].values[0]
        np.testing.assert_allclose(values, total, rtol=1e-4, atol=1e-6 * total.max())
        assert total.max() > 0


def test_the_last_layers_alone():
    trace = trace_of("distilled")
    both = METHODS["legrad"].explain(trace, Question(target=1), silent)
    last = METHODS["legrad"].explain(trace, Question(params={"blocks": 1}, target=1), silent)
    many = METHODS["legrad"].explain(trace, Question(params={"blocks": 9}, target=1), silent)
    assert (last.layers, many.layers) == ((1,), (0, 1))
    np.testing.assert_allclose(last.values[0], both.values[1] - both.values[0], atol=1e-7)


@pytest.mark.parametrize("method", ["daam", "daam-label-free"])
@pytest.mark.parametrize("query", [(0,), (0, 5, 6, 20), tuple(range(3, 38))])
@pytest.mark.parametrize("name", NAMES)
def test_daam_layer_by_layer(name, query, method):
    trace = trace_of(name)
    query = tuple(token for token in query if token < trace.tokens)
    dense, rows, total = Dense(trace), list(query), 0.0
    with torch.enable_grad():
        z = dense.states[-1]
        if method == "daam":
            y = dense.network.classify(z)[0, 4]
        else:
            f = dense.network.features(z)[0]
            y = f @ (f / f.norm()).square().detach()
        slopes = torch.autograd.grad(y, dense.mixed)
    found = METHODS[method].explain(trace, Question(query, target=4), silent)
    assert found.target == (4 if method == "daam" else None)
    assert METHODS[method].class_specific == (method == "daam")
    for layer, slope in enumerate(slopes):
        given = torch.einsum(
            "hid,hij,hjd->j",
            slope[0][:, rows].clamp(min=0),
            dense.attention[layer][0][:, rows],
            dense.values[layer][0],
        )
        total = total + given.clamp(min=0).detach().numpy() / len(rows)
        values = found.by_layer[layer].values[0]
        np.testing.assert_allclose(values, total, rtol=1e-4, atol=1e-6 * max(total.max(), 1e-6))


def test_label_free_fits_networks_without_classes():
    method = METHODS["daam-label-free"]
    network = random_network(VARIANTS["distilled"])
    outline = network.outline((20, 28))
    assert method.fits(outline)
    headless = outline.gives - {"classes"}
    assert method.needs <= headless
    assert not METHODS["daam"].needs <= headless
