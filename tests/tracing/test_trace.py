"""A trace answers every question about attention as the dense array would."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from vitviz.tracing import fused
from vitviz.tracing.run import run


@pytest.fixture(params=["kernel gives lse", "lse computed"])
def trace(request, example, monkeypatch):
    if request.param == "lse computed":
        monkeypatch.setattr(fused, "KERNELS", {})
    fused.trusted_kernel.cache_clear()
    trace = run(example.network, example.image, example.geometry)
    fused.trusted_kernel.cache_clear()
    known = request.param == "kernel gives lse"
    assert [layer.complete for layer in trace.attention] == [known] * 3
    return trace


def close(found, wanted):
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_dense_attention_is_far_from_uniform(example):
    assert example.dense.max() > 0.5
    assert example.dense.shape == (3, 3, 24, 24)


def test_rows_and_columns(trace, example):
    for layer in range(3):
        for token in (0, 1, 2, 3, 13, 23):
            close(trace.row(layer, token), example.dense[layer, :, token])
            close(trace.column(layer, token), example.dense[layer, :, :, token])


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
        trace.row(0, 1), trace.column(0, 1), trace.states(0),
        trace.logits,
    ):  # fmt: skip
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_it_holds_what_grows_with_tokens_and_nothing_else(trace):
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes()
                for layer in trace.attention for t in (layer.q, layer.k)}  # fmt: skip
    assert sum(storages.values()) == sum(layer.nbytes for layer in trace.attention)
    numbers = 2 * 3 * 3 * 24 * (8 + 1) + 7 + 3 * 12 * 28  # q and k; logits; the photo
    numbers += 4 * 24 * 24  # what the blocks were given and put out
    numbers += 3 * 24  # norms of what they put out
    assert trace.nbytes == 4 * numbers


def test_computed_lse_equals_the_kernels(example, monkeypatch):
    given = run(example.network, example.image, example.geometry)
    monkeypatch.setattr(fused, "trusted_kernel", lambda *_: None)
    computed = run(example.network, example.image, example.geometry)
    for known, later in zip(given.attention, computed.attention, strict=True):
        later.column(0)
        torch.testing.assert_close(known.q, later.q, atol=1e-5, rtol=1e-5)
        assert torch.equal(known.k[..., -1], torch.ones(3, 24))


def test_states(trace, example, monkeypatch):
    with torch.no_grad():
        z = example.network.embed(torch.tensor(example.image[None]))
        for layer, block in enumerate(example.network.blocks):
            z = block(z)
            close(trace.states(layer), z[0].numpy())
    again = replace(trace, kept=())
    for layer, states in enumerate(again.all_states()):
        close(states, trace.states(layer))
