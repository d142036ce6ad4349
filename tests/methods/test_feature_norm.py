"""The norm of every token's state against the network's own steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.explanations import plain_geometry
from tests.models.networks import VARIANTS, random_network
from vitviz.errors import Cancelled
from vitviz.maps.heat_map import Quantity
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.progress import silent
from vitviz.tracing.run import run
from vitviz.tracing.trace import Trace

FEATURE_NORM = METHODS["feature-norm"]


def traced(name: str, *, keep: bool = True) -> tuple[Trace, torch.Tensor]:
    """A trace on 5 x 7 patches, which is not the trained grid, and its input."""
    network = random_network(VARIANTS[name])
    image = np.random.default_rng(2).normal(size=(3, 20, 28)).astype(np.float32)
    trace = run(network, image, plain_geometry((5, 7)))
    return trace if keep else replace(trace, kept=()), torch.tensor(image[None])


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "computed again"])
@pytest.mark.parametrize("name", ["distilled", "gated"])
def test_against_the_networks_own_steps(name: str, keep: bool) -> None:
    trace, image = traced(name, keep=keep)
    found = FEATURE_NORM.explain(trace, Question(), silent)
    assert found.quantity == Quantity("norm of features")
    assert (found.head, found.span, found.target) == ("mean", "layer", None)
    with torch.no_grad():
        z = trace.network.embed(image)
        for layer, block in enumerate(trace.network.blocks):
            z = block(z)
            expected = z[0].double().pow(2).sum(-1).sqrt().numpy()
            np.testing.assert_allclose(found.tokens(layer, "mean"), expected, rtol=1e-5)
            shown = found.map(layer, "mean")
            prefix = len(trace.outline.prefix)
            np.testing.assert_allclose(shown.values, expected[prefix:].reshape(5, 7), rtol=1e-5)
            assert shown.prefix_share == ()


def test_it_asks_about_no_token_and_no_class() -> None:
    assert not FEATURE_NORM.about_token
    assert not FEATURE_NORM.class_specific
    trace, _ = traced("distilled")
    first, second = (FEATURE_NORM.explain(trace, Question(query=(q,)), silent) for q in (0, 9))
    assert np.array_equal(first.values, second.values)


def test_it_can_be_cancelled_where_it_computes() -> None:
    trace, _ = traced("distilled", keep=False)

    def impatient(*_: object) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        FEATURE_NORM.explain(trace, Question(), impatient)
