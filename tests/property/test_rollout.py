"""What holds for a rollout of anything."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vitviz.imaging.geometry import Geometry
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.models.outline import LayerOutline, Outline
from vitviz.models.tokens import TokenLayout
from vitviz.progress import silent
from vitviz.tracing.attention import DenseAttention
from vitviz.tracing.trace import Trace

HEADS = st.one_of(st.sampled_from(["mean", "max", "min"]), st.integers(0, 3))
SHARES = st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0, 1))
DISCARDS = st.one_of(st.sampled_from([0.0, 0.5, 0.9999]), st.floats(0, 1, exclude_max=True))


SPECS = st.tuples(
    st.integers(1, 4),  # layers
    st.integers(1, 3),  # heads
    st.integers(2, 3),  # prefix tokens
    st.integers(1, 5),  # rows
    st.integers(1, 4),  # columns more than rows
    st.sampled_from([0.0, 0.5, 3.0]),  # how far from uniform
    st.integers(0, 2**32 - 1),  # seed
)


def trace_of(spec: tuple[int, int, int, int, int, float, int]) -> Trace:
    depth, heads, prefix, rows, more, sharpness, seed = spec
    layout = TokenLayout(("cls", "dist", "reg1")[:prefix], (rows, rows + more))
    size = rows * 4, (rows + more) * 4
    numbers = np.random.default_rng(seed).normal(size=(2, depth, heads, layout.tokens, 5))
    q, k = torch.tensor(sharpness * numbers, dtype=torch.float32)
    q[..., -1], k[..., -1] = 0, 1
    geometry = Geometry(size, size, (0, 0), size, 4)
    layers = tuple(LayerOutline(f"block {i}", layout.grid, 4, heads) for i in range(depth))
    outline = Outline(layers, layout.prefix, 0, 0, frozenset({"attention", "path", "sequence"}))
    attention = tuple(DenseAttention(*layer, False) for layer in zip(q, k, strict=True))
    return Trace(outline, geometry, None, attention)


def part(trace: Trace, layers: slice) -> Trace:
    attention = tuple(DenseAttention(a.q.clone(), a.k, False) for a in trace.attention[layers])
    outline = replace(trace.outline, layers=trace.outline.layers[layers])
    return Trace(outline, trace.geometry, None, attention)


def rollout(trace: Trace, question: Question) -> np.ndarray:
    return METHODS["rollout"].explain(trace, question, silent).values


@settings(max_examples=50, deadline=None)
@given(SPECS, HEADS, DISCARDS, SHARES, st.data())
def test_rows_are_shares_that_sum_to_one(spec, head, discard, residual, data):
    trace = trace_of(spec)
    query = data.draw(st.integers(0, trace.tokens - 1))
    start = data.draw(st.integers(0, trace.depth - 1))
    params = {"discard": discard, "residual": residual, "start": start + 1}
    values = rollout(trace, Question(query=(query,), head=head, params=params))
    assert values.shape == (trace.depth - start, 1, trace.tokens)
    assert (values >= 0).all()
    np.testing.assert_allclose(values.sum(axis=-1), 1, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(SPECS, HEADS, DISCARDS, st.data())
def test_a_start_layer_leaves_out_the_layers_before_it(spec, head, discard, data):
    trace = trace_of(spec)
    start = data.draw(st.integers(0, trace.depth - 1))
    params = {"discard": discard}
    with_start = rollout(trace, Question(head=head, params=params | {"start": start + 1}))
    alone = rollout(part(trace, slice(start, None)), Question(head=head, params=params))
    np.testing.assert_allclose(with_start, alone, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(SPECS, HEADS, DISCARDS, st.data())
def test_layers_above_the_end_do_not_matter(spec, head, discard, data):
    trace = trace_of(spec)
    depth = data.draw(st.integers(1, trace.depth))
    question = Question(query=(1,), head=head, params={"discard": discard})
    alone = rollout(part(trace, slice(depth)), question)
    np.testing.assert_allclose(rollout(trace, question)[:depth], alone, atol=1e-6)
