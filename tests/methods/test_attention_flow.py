"""Attention flow against networkx, and against flows that are known."""

from __future__ import annotations

import builtins

import numpy as np
import pytest

from vitviz.errors import VitvizError
from vitviz.methods import METHODS
from vitviz.methods.attention_flow import greatest_flows, pooled, squares_of
from vitviz.methods.base import Question
from vitviz.progress import silent
from vitviz.tracing import fused

FLOW = METHODS["attention-flow"]


@pytest.mark.parametrize("query", [(0,), (0, 9, 30)])
def test_against_networkx(random_trace, query):
    networkx = pytest.importorskip("networkx")
    trace, dense = random_trace.trace, random_trace.dense.mean(1)
    squares = squares_of(trace, 3)  # of 4 x 7 patches: squares of 3, some cut off
    count = int(squares.max()) + 1
    assert count == 3 + 2 * 3
    member = np.eye(count)[squares]
    matrices = [
        0.5 * (member.T @ layer @ member) / member.sum(0)[:, None] + 0.5 * np.eye(count)
        for layer in dense
    ]
    found = FLOW.explain(trace, Question(query, params={"squares": 3}), silent)
    assert (found.layers, found.span, found.quantity.kind) == ((0, 1, 2, 3), "through", "amount")
    for end in (0, 2):
        graph = networkx.DiGraph()
        for layer, matrix in enumerate(matrices[: end + 1]):
            for i, j in np.ndindex(count, count):
                graph.add_edge((layer + 1, i), (layer, j), capacity=matrix[i, j])
        for token in query:
            edge = "source", (end + 1, int(squares[token]))
            before = graph.get_edge_data(*edge, {"capacity": 0.0})["capacity"]
            graph.add_edge(*edge, capacity=before + 1 / len(query))
        for sink in range(0, count, 3):
            wanted = networkx.maximum_flow_value(graph, "source", (0, sink))
            values = found.by_layer[end].values[0][squares == sink]
            np.testing.assert_allclose(values, wanted, atol=1e-5)


def test_pooled_attention_in_row_blocks(random_trace, monkeypatch):
    monkeypatch.setattr(fused, "FEWEST_ROWS", 5)
    monkeypatch.setattr(fused, "BLOCK_BYTES", {"cpu": 0})
    squares = squares_of(random_trace.trace, 4)
    member = np.eye(int(squares.max()) + 1)[squares]
    for head, dense in (("mean", random_trace.dense[1].mean(0)), (2, random_trace.dense[1][2])):
        wanted = (member.T @ dense @ member) / member.sum(0)[:, None]
        found = pooled(random_trace.trace, 1, head, squares)
        np.testing.assert_allclose(found, wanted, atol=1e-6)
        np.testing.assert_allclose(found.sum(1), 1, atol=1e-6)


def test_flows_that_are_known():
    """Through one layer the capacity; through two the narrowest edge of each path, added up."""
    one, two = np.array([[0.25, 0.75], [0.5, 0.5]]), np.array([[0.5, 0.5], [1.0, 0.0]])
    np.testing.assert_allclose(greatest_flows([one], np.array([1.0, 0.0])), [0.25, 0.75], atol=1e-6)
    found = greatest_flows([one, two], np.array([1.0, 0.0]))
    wanted = [min(0.5, 0.25) + min(0.5, 0.5), min(0.5, 0.75) + min(0.5, 0.5)]
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_without_scipy_it_says_what_to_install(random_trace, monkeypatch):
    original = builtins.__import__

    def without(name, *rest):
        if name.startswith("scipy"):
            raise ImportError(name)
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(VitvizError, match="needs scipy") as caught:
        FLOW.explain(random_trace.trace, Question(), silent)
    assert "pip install" in caught.value.hint
