"""Rollout, gradient rollout and relevance through windows, shifts and padding, against products of
whole matrices. (The toy's grid stays the same; tests/models/swin has networks that merge.)
"""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from tests.methods.autograd import Plain, gradient_rollout, relevance
from tests.tracing.windowed import GRID, PATCH, SIZE, Seen, seen, toy
from vitviz.imaging.geometry import Geometry
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.progress import silent
from vitviz.tracing import fused
from vitviz.tracing.run import run
from vitviz.tracing.trace import Trace

TOKENS = GRID[0] * GRID[1]
IMAGE = np.random.default_rng(3).normal(size=(3, *SIZE)).astype(np.float32)


@pytest.fixture(scope="module")
def oracle() -> Seen:
    network = copy.deepcopy(toy()).double()
    return seen(network, torch.tensor(IMAGE[None]).double(), 1, TOKENS)


@pytest.fixture(params=[0, 6 << 20], ids=["small blocks", "one block"])
def trace(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Trace:
    monkeypatch.setattr(fused, "FEWEST_ROWS", 13)
    monkeypatch.setattr(fused, "BLOCK_BYTES", {"cpu": request.param})
    return run(toy(), IMAGE, Geometry(SIZE, SIZE, (0, 0), SIZE, PATCH))


def ask(trace: Trace, method: str, query: int, head: object, **params: object) -> np.ndarray:
    question = Question((query,), head=head, params=params, target=1)
    return METHODS[method].explain(trace, question, silent).values[:, 0]


def rollouts(attention: np.ndarray, head: str | int, discard: float, share: np.ndarray) -> list:
    """The product of whole matrices after each layer; ``share``: which pairs share a window."""
    product, ends = np.eye(TOKENS), []
    for layer, together in zip(attention, share, strict=True):
        one = layer[head] if isinstance(head, int) else getattr(layer, head)(axis=0)
        there = np.sort(one[together])
        count = int(discard * len(there))
        one = np.where(one > (there[count - 1] if count else -1), one, 0)
        mixed = one / 2 + np.eye(TOKENS) / 2
        product = mixed / mixed.sum(1, keepdims=True) @ product
        ends.append(product)
    return ends


@pytest.mark.parametrize("head", ["mean", "max", 1])
@pytest.mark.parametrize("discard", [0.0, 0.6])
def test_rollout(trace: Trace, oracle: Seen, head: str | int, discard: float) -> None:
    share = np.array([_together(trace, layer) for layer in range(3)])
    wanted = rollouts(oracle.attention, head, discard, share)
    for query in (0, 17, 34):
        found = ask(trace, "rollout", query, head, discard=discard)
        np.testing.assert_allclose(found, [end[query] for end in wanted], atol=1e-5)
        np.testing.assert_allclose(found.sum(1), 1, atol=1e-6)


def _together(trace: Trace, layer: int) -> np.ndarray:
    windows = trace.attention[layer].windows
    together = np.ones((TOKENS, TOKENS), bool)
    if windows is not None:
        window, _ = windows.of_rows(slice(0, TOKENS))
        together = (window[:, None] == window[None]).numpy()
        assert together.sum() == windows.pairs
    return together


@pytest.mark.parametrize("head", ["mean", 1])
def test_about_a_class(trace: Trace, oracle: Seen, head: str | int) -> None:
    plain = Plain(oracle.attention, oracle.gradients)
    for query in (0, 17, 34):
        found = ask(trace, "relevance", query, head)
        wanted = relevance(plain, head)[:, query]
        np.testing.assert_allclose(found, wanted, atol=2e-5 * np.abs(wanted).max())
        found = ask(trace, "gradient-rollout", query, head)
        np.testing.assert_allclose(found, gradient_rollout(plain, head)[:, query], atol=1e-5)
