"""A trace answers every question about attention as the dense array would."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vitviz.tracing import fused
from vitviz.tracing.run import run
from vitviz.tracing.trace import Trace


@pytest.fixture(params=["kernel gives lse", "lse computed"])
def trace(request, example, monkeypatch):
    if request.param == "lse computed":
        monkeypatch.setattr(fused, "KERNELS", {})
    fused.trusted_kernel.cache_clear()
    trace = run(example.network, example.image, example.geometry)
    fused.trusted_kernel.cache_clear()
    assert trace.complete == [request.param == "kernel gives lse"] * 3
    return trace


def close(found, wanted):
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_dense_attention_is_far_from_uniform(example):
    assert example.dense.max() > 0.5
    assert example.dense.shape == (3, 3, 24, 24)


def test_rows(trace, example):
    for layer in range(3):
        close(trace.rows(layer, [0, 1, 23, 5]), example.dense[layer][:, [0, 1, 23, 5]])
        close(trace.rows(layer, []), example.dense[layer][:, []])


def test_columns(trace, example):
    for layer in range(3):
        close(trace.columns(layer, [23, 2, 0]), example.dense[layer][:, :, [23, 2, 0]])


def test_all_rows_and_all_columns(trace, example):
    for token in (0, 1, 2, 3, 13, 23):
        close(trace.all_rows(token), example.dense[:, :, token])
        close(trace.all_columns(token), example.dense[:, :, :, token])


@pytest.mark.parametrize("queries", [None, range(24), range(5, 6), range(3, 20), range(0)])
@pytest.mark.parametrize("heads", [slice(None), slice(1, 2), slice(0, 2)])
def test_row_blocks(trace, example, monkeypatch, queries, heads):
    monkeypatch.setattr(fused, "FEWEST_ROWS", 5)
    monkeypatch.setattr(fused, "BLOCK_BYTES", {"cpu": 0})
    asked = range(24) if queries is None else queries
    seen = []
    for rows, block in trace.row_blocks(1, heads=heads, queries=queries):
        assert rows.stop - rows.start <= 5
        close(block.numpy(), example.dense[1, heads, rows])
        block.zero_()  # a caller may
        seen += range(rows.start, rows.stop)
    assert seen == list(asked)


def test_blocks_use_one_buffer(trace, monkeypatch):
    monkeypatch.setattr(fused, "FEWEST_ROWS", 6)
    monkeypatch.setattr(fused, "BLOCK_BYTES", {"cpu": 0})
    assert len({block.data_ptr() for _, block in trace.row_blocks(0)}) == 1


def test_what_it_hands_out_is_read_only(trace):
    for array in (
        trace.rows(0, [1]), trace.columns(0, [1]), trace.all_rows(0), trace.all_columns(0),
        trace.logits,
    ):  # fmt: skip
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_it_holds_what_grows_with_tokens_and_nothing_else(trace):
    for tensor in (trace.q, trace.k):
        assert tensor.untyped_storage().nbytes() == tensor.nbytes
    numbers = 2 * 3 * 3 * 24 * (8 + 1) + 7 + 3 * 12 * 28  # q and k; logits; the photo
    numbers += 4 * 24 * 24  # what the blocks were given and put out
    assert trace.nbytes == 4 * numbers


def test_computed_lse_equals_the_kernels(example, monkeypatch):
    given = run(example.network, example.image, example.geometry)
    monkeypatch.setattr(fused, "trusted_kernel", lambda *_: None)
    computed = run(example.network, example.image, example.geometry)
    for layer in range(3):
        computed.complete_layer(layer)
    assert isinstance(computed, Trace)
    torch.testing.assert_close(given.q, computed.q, atol=1e-5, rtol=1e-5)
    assert torch.equal(given.k[..., -1], torch.ones(3, 3, 24))
