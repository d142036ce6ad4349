"""Methods on the ViT's relatives, against whole attention matrices and autograd through them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.methods import autograd
from tests.methods.test_rollout import dense_rollout
from tests.models.networks import RELATIVES, random_input, random_network
from vitviz.imaging.geometry import Geometry
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.progress import silent
from vitviz.tracing.aim import Aim
from vitviz.tracing.run import run
from vitviz.tracing.trace import Trace

SIZE = 20, 28
GEOMETRY = Geometry(SIZE, SIZE, (0, 0), SIZE, 4)

WITH_CLASSES = {
    name: replace(config, classes=7, projection=0, final_norm=True)
    for name, config in RELATIVES.items()
}


def traced(name: str) -> tuple[Trace, autograd.Plain]:
    network, image = random_network(WITH_CLASSES[name]), random_input(*SIZE, batch=1)
    return run(network, image[0].numpy(), GEOMETRY), autograd.plain(network, image, 2)


def explain(trace: Trace, method: str, query: int, **parameters: float) -> np.ndarray:
    question = Question(query=(query,), head="mean", target=2, params=parameters)
    explanation = METHODS[method].explain(trace, question, silent)
    return np.stack([explanation.tokens(layer, "mean") for layer in explanation.by_layer])


@pytest.mark.parametrize("name", WITH_CLASSES)
def test_attention_and_what_follows_from_it(name: str) -> None:
    trace, plain = traced(name)
    prefix = len(WITH_CLASSES[name].prefix)
    query = prefix + 9
    for layer, attention in enumerate(plain.attention):
        np.testing.assert_allclose(trace.row(layer, query), attention[:, query], atol=2e-5)
        np.testing.assert_allclose(trace.column(layer, query), attention[:, :, query], atol=2e-5)
    rows = explain(trace, "attention", query)
    np.testing.assert_allclose(rows, plain.attention[:, :, query].mean(1), atol=2e-5)
    wanted = dense_rollout(plain.attention.astype(float), "mean")[:, query]
    np.testing.assert_allclose(explain(trace, "rollout", query), wanted, atol=2e-5)


@pytest.mark.parametrize("name", WITH_CLASSES)
def test_gradients_and_what_follows_from_them(name: str) -> None:
    trace, plain = traced(name)
    prefix = len(WITH_CLASSES[name].prefix)
    query = prefix + 9
    gradients = trace.gradients(Aim(2), silent)
    for layer, wanted in enumerate(plain.gradients):
        found = gradients.rows(layer, slice(None), slice(0, 40))
        np.testing.assert_allclose(found, wanted[:, :40], atol=1e-5, rtol=1e-3)
    wanted = autograd.relevance(plain)[:, query]
    np.testing.assert_allclose(explain(trace, "relevance", query), wanted, atol=1e-5, rtol=1e-3)
    wanted = autograd.attention_grad_cam(plain, query, prefix)
    np.testing.assert_allclose(
        explain(trace, "attention-grad-cam", query), wanted, atol=1e-6, rtol=1e-3
    )


@pytest.mark.parametrize("name", RELATIVES)
@pytest.mark.parametrize("method", METHODS)
def test_each_is_offered_what_fits_and_refused_the_rest_in_words(name: str, method: str) -> None:
    network, image = random_network(RELATIVES[name]), random_input(*SIZE, batch=1)
    trace = run(network, image[0].numpy(), GEOMETRY)
    how = METHODS[method]
    if not how.fits(trace.outline):
        assert how.misfit(trace.outline).startswith("the model")
        return
    question = Question(query=(len(RELATIVES[name].prefix),), head="mean")
    if trace.outline.classes:
        question = replace(question, target=1)
    explanation = how.explain(trace, question, silent)
    assert list(explanation.by_layer)
    for layer in explanation.by_layer:
        assert np.isfinite(explanation.by_layer[layer].values).all()
