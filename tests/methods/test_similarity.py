"""Similarity against cosines of the network's own vectors, and matches against a naive search."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.explanations import plain_geometry
from tests.methods.test_pca import patches
from tests.models.networks import VARIANTS, random_network
from vitviz.maps.heat_map import Quantity
from vitviz.methods import METHODS
from vitviz.methods.base import Question, Seen
from vitviz.methods.similarity import best, cosine
from vitviz.progress import silent
from vitviz.tracing.run import run
from vitviz.tracing.trace import Trace

SIMILARITY = METHODS["similarity"]


@pytest.fixture(scope="module")
def traces() -> list[Trace]:
    """Two photos of 5 x 7 patches, seen by one network with two prefix tokens."""
    network = random_network(VARIANTS["distilled"])
    rng = np.random.default_rng(6)
    images = [rng.normal(size=(3, 20, 28)).astype(np.float32) for _ in range(2)]
    return [run(network, image, plain_geometry((5, 7))) for image in images]


def expected(vectors: np.ndarray, query: np.ndarray) -> np.ndarray:
    return np.array([v @ query / np.linalg.norm(v) / np.linalg.norm(query) for v in vectors])


@pytest.mark.parametrize("kind", ["normed", "queries"])
def test_cosines_with_a_patch(traces: list[Trace], kind: str) -> None:
    question = Question(query=(2 + 9,), params={"features": kind})
    found = SIMILARITY.explain(traces[0], question, silent)
    assert found.quantity == Quantity("cosine similarity")
    for layer in found.layers:
        vectors = patches(traces[0], kind, layer)
        shown = found.map(layer, "mean")
        np.testing.assert_allclose(shown.values.ravel(), expected(vectors, vectors[9]), atol=1e-5)
        assert shown.values[1, 2] == pytest.approx(1)
        assert len(shown.matches) == 5
        assert all(np.hypot(row - 1, col - 2) > 1.5 for row, col in shown.matches)


def test_the_query_may_lie_on_another_photo(traces: list[Trace]) -> None:
    question = Question(query=(2 + 9, 2 + 10), params={"features": "tokens", "matches": 2})
    assert SIMILARITY.fit is not None
    there = SIMILARITY.fit([Seen(traces[1], question.query)], question, silent)
    found = SIMILARITY.explain(traces[0], replace(question, fitted=there), silent).map(0, "mean")
    query = patches(traces[1], "tokens", 0)[[9, 10]].mean(0)
    values = expected(patches(traces[0], "tokens", 0), query)
    np.testing.assert_allclose(found.values.ravel(), values, atol=1e-5)
    assert found.matches[0] == divmod(int(values.argmax()), 7), "nothing here is left out"


def test_a_prefix_token_and_the_mean_of_all(traces: list[Trace]) -> None:
    trace = traces[0]
    z = torch.tensor(trace.image[None])
    with torch.no_grad():
        tokens = trace.network.blocks[0](trace.network.embed(z))[0].double().numpy()
    for query in ((1,), tuple(range(2, 37))):
        question = Question(query=query, params={"features": "tokens"})
        found = SIMILARITY.explain(trace, question, silent)
        np.testing.assert_allclose(
            found.tokens(0, "mean"), expected(tokens, tokens[list(query)].mean(0)), atol=1e-5
        )
        assert found.map(0, "mean").matches


def test_matches_are_apart() -> None:
    values = np.random.default_rng(3).normal(size=(6, 9)).astype(np.float32)
    found = best(values, 7, 2.0, [(2, 2)])
    left = {(r, c) for r in range(6) for c in range(9) if np.hypot(r - 2, c - 2) > 2}
    for patch in found:
        assert patch == max(left, key=lambda at: values[at])
        left = {at for at in left if np.hypot(at[0] - patch[0], at[1] - patch[1]) > 2}
    assert best(values, 0, 2.0) == ()
    assert len(best(values, 1000, 0.0)) == 54


def test_what_has_no_length_is_like_nothing() -> None:
    vectors = np.array([[0, 0], [3, 4]], np.float32)
    np.testing.assert_allclose(cosine(vectors, np.array([3.0, 4.0])), [0, 1])
    np.testing.assert_allclose(cosine(vectors, np.zeros(2)), [0, 0])
