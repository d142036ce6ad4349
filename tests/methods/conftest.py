"""A random trace whose attention is far from uniform, and that attention as one dense array."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from vitviz.imaging.geometry import Geometry
from vitviz.models.outline import LayerOutline, Outline
from vitviz.models.tokens import TokenLayout
from vitviz.tracing.attention import DenseAttention
from vitviz.tracing.trace import Trace

LAYOUT = TokenLayout(("cls", "dist", "reg1"), (4, 7))
GEOMETRY = Geometry((32, 56), (32, 56), (0, 0), (32, 56), 8)


@dataclass(frozen=True)
class Random:
    """A trace of four layers and three heads over 31 tokens."""

    trace: Trace
    dense: np.ndarray  # layers heads tokens tokens, float64


def trace_of(q: np.ndarray, k: np.ndarray, layout: TokenLayout = LAYOUT) -> Trace:
    """A trace of given queries (already divided) and keys, layers heads tokens head_dim."""
    last = np.ones((*q.shape[:3], 1), dtype=np.float32)
    layers = zip(np.concatenate([q, 0 * last], -1), np.concatenate([k, last], -1), strict=True)
    attention = tuple(DenseAttention(*map(torch.tensor, layer), False) for layer in layers)
    outline = Outline(
        tuple(LayerOutline(f"block {i}", layout.grid, 8, q.shape[1]) for i in range(len(q))),
        layout.prefix, 0, 0, frozenset({"attention", "path", "sequence"}),
    )  # fmt: skip
    return Trace(outline, GEOMETRY, None, attention)


@pytest.fixture
def random_trace() -> Random:
    rng = np.random.default_rng(11)
    q, k = rng.normal(size=(2, 4, 3, 31, 8)).astype(np.float32) * 0.9
    logits = np.einsum("lhid,lhjd->lhij", q, k, dtype=np.float64)
    weights = np.exp(logits)
    return Random(trace_of(q, k), weights / weights.sum(axis=-1, keepdims=True))


@pytest.fixture(scope="session")
def make_trace():
    return trace_of
