"""Attention in windows, and with a bias, against whole matrices."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from tests.tracing.windowed import CLASSES, GRID, HEADS, PATCH, SIZE, Seen, seen, toy
from vitviz.imaging.geometry import Geometry
from vitviz.models import network as network_module
from vitviz.models.network import softmax_attention
from vitviz.progress import silent
from vitviz.tracing import fused
from vitviz.tracing.aim import Aim
from vitviz.tracing.attention import DenseAttention, WindowedAttention
from vitviz.tracing.run import run
from vitviz.tracing.trace import Trace
from vitviz.tracing.windows import Windows

TOKENS = GRID[0] * GRID[1]
LAYERS = range(3)
IMAGE = np.random.default_rng(3).normal(size=(3, *SIZE)).astype(np.float32)


@pytest.fixture(scope="module")
def oracle() -> Seen:
    network = copy.deepcopy(toy()).double()
    return seen(network, torch.tensor(IMAGE[None]).double(), 1, TOKENS)


@pytest.fixture(params=["kernel gives lse", "lse computed"])
def trace(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Trace:
    if request.param == "lse computed":
        monkeypatch.setattr(fused, "BIASED_KERNELS", {})
    fused.trusted_kernel.cache_clear()
    trace = run(toy(), IMAGE, Geometry(SIZE, SIZE, (0, 0), SIZE, PATCH))
    fused.trusted_kernel.cache_clear()
    known = request.param == "kernel gives lse"
    assert [layer.complete for layer in trace.attention] == [known] * 3
    return trace


@pytest.fixture
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused, "FEWEST_ROWS", 13)
    monkeypatch.setattr(fused, "BLOCK_BYTES", {"cpu": 0})
    monkeypatch.setattr(network_module, "BIAS_BYTES", 2000)


def close(found: np.ndarray, wanted: np.ndarray) -> None:
    np.testing.assert_allclose(found, wanted, rtol=5e-5, atol=1e-5)


def test_the_oracle_is_what_is_meant(oracle: Seen) -> None:
    assert oracle.attention.shape == (3, HEADS, TOKENS, TOKENS)
    windowed = oracle.attention[:2]
    assert ((windowed > 0).sum(-1) <= 6).all()
    assert windowed[0].max() > 0.7
    # The grid is 5 x 7, windows 3 x 2: tokens at the edge look at padding, too.
    assert windowed.sum(-1).min() < 0.9
    np.testing.assert_allclose(oracle.attention[2].sum(-1), 1)


@pytest.mark.usefixtures("_small_blocks")
def test_rows_and_columns(trace: Trace, oracle: Seen) -> None:
    kinds = [type(layer) for layer in trace.attention]
    assert kinds == [WindowedAttention, WindowedAttention, DenseAttention]
    for layer in LAYERS:
        for token in (0, 6, 7, 17, 27, 34):
            close(trace.row(layer, token), oracle.attention[layer, :, token])
            close(trace.column(layer, token), oracle.attention[layer, :, :, token])


@pytest.mark.usefixtures("_small_blocks")
@pytest.mark.parametrize("tokens", [(4, 17), tuple(range(TOKENS)), (0, 1, 2, 30, 34)])
def test_means_of_rows_and_columns(trace: Trace, oracle: Seen, tokens: tuple[int, ...]) -> None:
    for layer in LAYERS:
        wanted = oracle.attention[layer][:, list(tokens)].mean(1)
        close(trace.mean_row(layer, tokens), wanted)
        wanted = oracle.attention[layer][..., list(tokens)].mean(2)
        close(trace.mean_column(layer, tokens), wanted)


@pytest.mark.usefixtures("_small_blocks")
@pytest.mark.parametrize("queries", [None, range(5, 6), range(3, 31), range(0)])
@pytest.mark.parametrize("heads", [slice(None), slice(1, 2)])
def test_row_blocks(trace: Trace, oracle: Seen, queries: range | None, heads: slice) -> None:
    for layer in LAYERS:
        asked, rows_seen = range(TOKENS) if queries is None else queries, []
        for rows, block in trace.row_blocks(layer, heads=heads, queries=queries):
            close(block.numpy(), oracle.attention[layer, heads, rows])
            block.fill_(7)  # a caller may
            rows_seen += range(rows.start, rows.stop)
        assert rows_seen == list(asked)


@pytest.mark.usefixtures("_small_blocks")
@pytest.mark.parametrize("queries", [None, range(17, 18), range(0)])
@pytest.mark.parametrize("heads", [slice(None), slice(1, 2)])
def test_window_blocks(trace: Trace, oracle: Seen, queries: range | None, heads: slice) -> None:
    for layer in LAYERS:
        attention = trace.attention[layer]
        windows, count = attention.windows, 2 if heads == slice(None) else 1
        found = np.full((count, TOKENS, TOKENS), np.nan)
        for rows, block in trace.window_blocks(layer, heads=heads, queries=queries):
            if windows is None:
                found[:, rows] = block.numpy()
                continue
            members = windows.members.flatten()[rows].view(-1, windows.slots)
            for window, tokens in enumerate(members.tolist()):
                there = [i for i, token in enumerate(tokens) if token >= 0]
                own = block.unflatten(1, members.shape)[:, window].numpy()
                of_padding = np.ones((6, 6), bool)
                of_padding[np.ix_(there, there)] = False
                assert (own[:, of_padding] == 0).all()
                for i in there:
                    found[:, tokens[i]] = 0
                    found[:, tokens[i], [tokens[j] for j in there]] = own[:, i, there]
        for query in range(TOKENS) if queries is None else queries:
            close(found[:, query], oracle.attention[layer, heads, query])


def test_the_answer_is_the_networks_own(trace: Trace) -> None:
    with torch.no_grad():
        wanted = toy()(torch.tensor(IMAGE[None]))[0].numpy()
    np.testing.assert_allclose(trace.logits, wanted, atol=1e-6)
    assert trace.logits.shape == (CLASSES,)


def test_it_holds_what_grows_with_tokens_and_nothing_else(trace: Trace) -> None:
    slots = 8 * 6  # windows of padded 6 x 8 tokens, 6 slots each
    per_slot = 2 * HEADS * (6 + 1)
    assert [layer.nbytes for layer in trace.attention] == [
        4 * per_slot * slots, 4 * per_slot * slots, 4 * per_slot * TOKENS,
    ]  # fmt: skip


@pytest.mark.usefixtures("_small_blocks")
def test_rows_of_the_gradient(trace: Trace, oracle: Seen) -> None:
    found = trace.gradients(Aim(1), silent)
    size = np.abs(oracle.gradients).max()
    assert size > 1e-3
    for layer in LAYERS:
        attention = trace.attention[layer]
        # Entries that only the mask keeps apart have a gradient; those of other windows have none.
        for rows in (slice(0, TOKENS), slice(9, 20)):
            room = trace.room().fill_(9) if rows.start else None
            own = found.rows(layer, slice(0, 2), rows, room).numpy()
            np.testing.assert_allclose(own, oracle.gradients[layer, :, rows], atol=2e-5 * size)
        # Over windows: the same entries in the order of the attention's own.
        for rows, block in attention.window_blocks(heads=slice(1, 2)):
            weighted = block * found.window_rows(layer, slice(1, 2), rows)
            wanted = oracle.attention[layer, 1] * oracle.gradients[layer, 1]
            if attention.windows is None:
                np.testing.assert_allclose(weighted[0], wanted[rows], atol=2e-5 * size)
            else:
                members = attention.windows.members.flatten()[rows]
                total = sum(float(wanted[token].sum()) for token in members.tolist() if token >= 0)
                assert float(weighted.sum()) == pytest.approx(total, abs=1e-5 * size)


@pytest.mark.usefixtures("_small_blocks")
def test_the_plain_function_in_pieces_for_several_images() -> None:
    network, images = toy().double(), torch.randn(3, 3, *SIZE, dtype=torch.float64)
    whole = torch.cat([network(image[None]) for image in images])
    torch.testing.assert_close(network(images), whole)
    q = torch.randn(2, 3, 11, 5, dtype=torch.float64)
    bias = torch.randn(3, 11, 11, dtype=torch.float64)
    wanted = (q @ q.mT / 5**0.5 + bias).softmax(-1) @ q
    torch.testing.assert_close(softmax_attention(q, q, q, lambda rows: bias[:, rows]), wanted)


def test_the_order_of_windows_and_back() -> None:
    windows = Windows(torch.tensor([[3, 0, -1], [2, -1, 1]]))
    assert (windows.tokens, windows.positions, windows.slots, windows.pairs) == (4, 6, 3, 8)
    values = torch.tensor([[10.0, 11, 12, 13]])
    ordered = windows.into(values)
    assert ordered.tolist() == [[13, 10, 0, 12, 0, 11]]
    assert torch.equal(windows.out_of(ordered), values)


@pytest.mark.parametrize("members", [[[0, 1], [1, 2]], [[0, 2], [3, -1]]])
def test_windows_that_miss_or_repeat_a_token_are_a_bug(members: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="every token once"):
        Windows(torch.tensor(members))
