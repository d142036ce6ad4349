"""Rollout in row blocks against whole matrices, and against what it must be."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from vitviz.errors import Cancelled, NotEnoughMemory, VitvizError
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.methods.parts import discard
from vitviz.methods.parts.flow import push_normalised
from vitviz.progress import Stage, silent
from vitviz.tracing import fused

ROLLOUT = METHODS["rollout"]


def dense_rollout(attention, head, ratio=0.0, residual=0.5, start=0):
    """R_end for every end layer from whole float64 matrices, as the formula is written."""
    tokens = attention.shape[-1]
    result, identity = [], np.eye(tokens)
    product = identity
    for layer in attention[start:]:
        one = layer[head] if isinstance(head, int) else getattr(layer, head)(axis=0)
        one = one.copy()
        smallest = np.argsort(one, axis=None, kind="stable")[: math.floor(ratio * tokens**2)]
        one.reshape(-1)[smallest] = 0
        mixed = (1 - residual) * one + residual * identity
        empty = mixed.sum(axis=1) == 0
        mixed[empty] = identity[empty]
        product = mixed / mixed.sum(axis=1, keepdims=True) @ product
        result.append(product)
    return np.array(result)


def ask(trace, *, query=0, head="mean", report=silent, **params):
    return ROLLOUT.explain(trace, Question(query=(query,), head=head, params=params), report)


@pytest.fixture(params=["one block", "blocks of 12 rows, matrix kept", "blocks, matrix made again"])
def _sizes(request, monkeypatch):
    if request.param != "one block":
        monkeypatch.setattr(fused, "FEWEST_ROWS", 12)
        monkeypatch.setattr(fused, "BLOCK_BYTES", {"cpu": 0})
    if request.param.endswith("again"):
        monkeypatch.setattr(discard, "KEPT_BYTES", 0)


@pytest.mark.usefixtures("_sizes")
@pytest.mark.parametrize("head", ["mean", "max", "min", 0, 2])
@pytest.mark.parametrize("ratio", [0.0, 0.1, 0.5, 0.9, 0.99, 0.9999])
def test_against_whole_matrices(random_trace, head, ratio):
    for residual, start in ((0.0, 0), (0.5, 0), (0.3, 2), (1.0, 3)):
        wanted = dense_rollout(random_trace.dense, head, ratio, residual, start)
        for query in (0, 30):
            found = ask(
                random_trace.trace, query=query, head=head,
                discard=ratio, residual=residual, start=start + 1,
            )  # fmt: skip
            assert found.values.shape == (4 - start, 1, 31)
            assert found.layers == tuple(range(start, 4))
            assert found.head == head
            np.testing.assert_allclose(found.values[:, 0], wanted[:, query], rtol=2e-5, atol=1e-6)


def test_rows_sum_to_one(random_trace):
    for head, ratio in itertools.product(("mean", "max", "min", 1), (0.0, 0.8)):
        found = ask(random_trace.trace, head=head, discard=ratio)
        np.testing.assert_allclose(found.values.sum(axis=-1), 1, atol=1e-6)


def test_uniform_attention(make_trace):
    zero = np.zeros((4, 3, 31, 8), np.float32)
    found = ask(make_trace(zero, zero), query=7)
    for layers, row in enumerate(found.values[:, 0], start=1):
        wanted = np.full(31, (1 - 2.0**-layers) / 31)
        wanted[7] += 2.0**-layers
        np.testing.assert_allclose(row, wanted, atol=1e-7)


def test_of_equal_entries_the_first_go(make_trace):
    zero = np.zeros((1, 3, 31, 8), np.float32)
    trace = make_trace(zero, zero)
    # 100 of 961 equal entries: the first three rows, and 7 entries of the fourth.
    count = 100 / 961 + 1e-9
    for query, others_left in ((0, 0), (2, 0), (3, 24), (4, 30)):
        row = ask(trace, query=query, discard=count).values[0, 0]
        assert (np.delete(row, query) > 0).sum() == others_left


def test_identity_attention(make_trace):
    q = np.zeros((4, 3, 31, 31), np.float32)
    q[...] = 200 * np.eye(31)
    k = np.broadcast_to(np.eye(31, dtype=np.float32), q.shape)
    found = ask(make_trace(q, k), query=12, residual=0.25)
    np.testing.assert_allclose(found.values[:, 0], np.eye(31)[[12] * 4], atol=1e-7)


def test_only_residual_is_the_identity(random_trace):
    found = ask(random_trace.trace, query=12, residual=1.0)
    assert np.array_equal(found.values[:, 0], np.eye(31, dtype=np.float32)[[12] * 4])


def test_a_rollout_of_one_layer_without_residual_is_its_attention(random_trace):
    found = ask(random_trace.trace, query=3, head=1, residual=0.0, start=4)
    np.testing.assert_allclose(
        found.values[0, 0], random_trace.dense[3, 1, 3], rtol=1e-5, atol=1e-7
    )


@pytest.mark.parametrize("residual", [0.0, 1.4e-45, 1e-39])
def test_a_row_that_keeps_nothing_stays_where_it_is(residual):
    row = torch.eye(31)[[5]]
    blocks = iter([(slice(0, 31), torch.zeros(31, 31))])
    assert torch.equal(push_normalised(row, blocks, residual), row)


def test_twice_the_same(random_trace):
    first, second = (ask(random_trace.trace, head="max", discard=0.7).values for _ in range(2))
    assert np.array_equal(first, second)


def test_the_answer_is_read_only_and_maps(random_trace):
    found = ask(random_trace.trace, query=4)
    with pytest.raises(ValueError, match="read-only"):
        found.values[0] = 0
    shown = found.map(-1, 2)
    assert (shown.layer, shown.head, shown.unit) == (3, "mean", "rollout")
    assert [name for name, _ in shown.prefix_share] == ["cls", "dist", "reg1"]
    total = shown.values.sum() + sum(share for _, share in shown.prefix_share)
    assert total == pytest.approx(1, abs=1e-6)


def test_a_head_it_does_not_have_becomes_the_last(random_trace):
    assert ask(random_trace.trace, head=9).head == 2
    assert np.array_equal(
        ask(random_trace.trace, head=9).values, ask(random_trace.trace, head=2).values
    )


@pytest.mark.parametrize(
    "params", [{"start": 5}, {"start": 0}, {"discard": 1.1}, {"residual": -0.1}]
)
def test_settings_out_of_bounds(random_trace, params):
    with pytest.raises(VitvizError):
        ask(random_trace.trace, **params)


def test_settings_it_does_not_have(random_trace):
    with pytest.raises(KeyError, match="keep"):
        ask(random_trace.trace, keep=1)


def test_progress_before_every_row_block(random_trace, monkeypatch):
    monkeypatch.setattr(fused, "FEWEST_ROWS", 8)
    monkeypatch.setattr(fused, "BLOCK_BYTES", {"cpu": 0})
    told = []
    ask(random_trace.trace, report=lambda stage, fraction: told.append((stage, fraction)))
    stages = [stage for stage, _ in told]
    assert stages[0] == Stage("method_layer", 3, 4, "rollout")
    for layer in (0, 1, 2):  # 31 rows are four blocks
        assert stages.count(Stage("method_layer", layer, 4, "rollout")) >= 4
    fractions = [fraction for _, fraction in told]
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] < fractions[-1] < 1


@pytest.mark.parametrize("calls", [1, 2, 5, 9])
def test_cancelled_in_the_middle(random_trace, monkeypatch, calls):
    monkeypatch.setattr(fused, "FEWEST_ROWS", 8)
    monkeypatch.setattr(fused, "BLOCK_BYTES", {"cpu": 0})
    wanted = ask(random_trace.trace, head="max", discard=0.5).values
    left = iter(range(calls))

    def impatient(stage, fraction):
        if next(left, None) is None:
            raise Cancelled

    with pytest.raises(Cancelled):
        ask(random_trace.trace, head="max", discard=0.5, report=impatient)
    assert np.array_equal(ask(random_trace.trace, head="max", discard=0.5).values, wanted)


def test_memory_that_runs_out_is_a_refusal(random_trace, monkeypatch):
    def full(*_, **__):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 GB")

    monkeypatch.setattr(type(random_trace.trace), "window_blocks", full)
    with pytest.raises(NotEnoughMemory, match="rollout over 31 tokens"):
        ask(random_trace.trace)


def test_rollouts_to_every_layer_look_at_each_layer_once(random_trace, monkeypatch):
    seen = []
    original = type(random_trace.trace).window_blocks

    def counting(self, layer, **options):
        for rows, block in original(self, layer, **options):
            seen.extend((layer, row) for row in range(rows.start, rows.stop))
            yield rows, block

    monkeypatch.setattr(type(random_trace.trace), "window_blocks", counting)
    ask(random_trace.trace, query=6)
    assert sorted(seen) == sorted([(3, 6), *itertools.product((0, 1, 2), range(31))])


@pytest.mark.parametrize("name", ["rollout", "gradient-rollout"])
def test_a_ratio_that_leaves_nothing_is_refused(random_trace, name):
    with pytest.raises(VitvizError, match="leaves nothing"):
        METHODS[name].explain(random_trace.trace, Question(params={"discard": 1.0}), silent)
