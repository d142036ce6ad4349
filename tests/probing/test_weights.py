"""Filters and positions against numpy's SVD and cosines written out."""

from __future__ import annotations

import numpy as np
import torch

from vitviz.models.anatomy import Filters
from vitviz.probing.weights import MOST_TILES, filter_components, position_similarity


def test_components_of_filters_are_those_of_their_pixels() -> None:
    weight = torch.randn(10, 3, 4, 4, generator=torch.Generator().manual_seed(3))
    found = filter_components(Filters(weight, None, 4), 5)
    rows = weight.permute(0, 2, 3, 1).reshape(10, -1).double().numpy()
    _, lengths, axes = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
    assert found.images.shape == (5, 4, 4, 3)
    np.testing.assert_allclose(found.shares, (lengths**2 / (lengths**2).sum())[:5], rtol=1e-6)
    for image, axis in zip(found.images, axes, strict=False):
        flat = image.reshape(-1)
        assert np.abs(flat).max() == 1
        np.testing.assert_allclose(abs(flat @ axis) / np.linalg.norm(flat), 1, rtol=1e-5)
    assert len(filter_components(Filters(weight[:4], None, 4)).images) == 3, "one less than filters"


def test_similarity_of_positions() -> None:
    added = torch.randn(2 + 15, 6, generator=torch.Generator().manual_seed(4))
    found = position_similarity(added, 2, (3, 5))
    vectors = added[2:].numpy()
    assert found.values.shape == (3, 5, 3, 5)
    for row in range(3):
        for col in range(5):
            one = vectors[row * 5 + col]
            expected = [one @ v / np.linalg.norm(one) / np.linalg.norm(v) for v in vectors]
            np.testing.assert_allclose(found.values[row, col].ravel(), expected, rtol=1e-5)
    fine = position_similarity(torch.randn(30 * 41, 4), 0, (30, 41))
    assert fine.rows == tuple(range(0, 30, 2))
    assert fine.values.shape == (15, 21, 30, 41)
    assert MOST_TILES >= 15 * 21
