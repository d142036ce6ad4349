"""Exactly so many entries go, and they are the smallest."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vitviz.methods.parts import discard
from vitviz.methods.parts.discard import discard_smallest, find_cut


def blocks_of(matrix, step):
    def blocks():
        for start in range(0, len(matrix), step):
            rows = slice(start, min(start + step, len(matrix)))
            yield rows, torch.tensor(matrix[rows])

    return blocks


def without_smallest(matrix, count):
    """The plain way: sort everything, the earlier of equals first."""
    matrix = matrix.copy()
    matrix.reshape(-1)[np.argsort(matrix, axis=None, kind="stable")[:count]] = 0
    return matrix


RNG = np.random.default_rng(2)
MATRICES = {
    "random": RNG.random((9, 11)),
    "many scales": 10.0 ** RNG.uniform(-44, 30, (9, 11)),
    "many ties": RNG.integers(0, 4, (9, 11)) / 4,
    "all the same": np.full((9, 11), 0.25),
    "all zero": np.zeros((9, 11)),
    "neighbours": np.nextafter(np.float32(1), np.float32(2)) + np.arange(99).reshape(9, 11) * 1e-7,
}


@pytest.mark.parametrize("kept_bytes", [0, 1 << 20])
@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("step", [1, 4, 9])
def test_against_sorting(name, step, kept_bytes, monkeypatch):
    monkeypatch.setattr(discard, "KEPT_BYTES", kept_bytes)
    matrix = MATRICES[name].astype(np.float32)
    for count in (0, 1, 2, 13, 50, 98, 99):
        pieces = list(discard_smallest(blocks_of(matrix, step), count, matrix.nbytes))
        assert [rows.start for rows, _ in pieces] == list(range(0, 9, step))
        found = np.concatenate([block.numpy() for _, block in pieces])
        assert np.array_equal(found, without_smallest(matrix, count))


@pytest.mark.parametrize("count", [1, 40, 99])
def test_the_cut_is_the_nth_smallest(count):
    matrix = MATRICES["random"].astype(np.float32)
    cut = find_cut(blocks_of(matrix, 2), count)
    assert (
        np.array(cut.bits, dtype=np.int32).view(np.float32) == np.sort(matrix, axis=None)[count - 1]
    )
    assert cut.ties == 1
