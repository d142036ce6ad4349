"""Weights drawn anew, and photos that are almost the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.models.networks import SMALL, random_input, random_network
from vitviz.imaging.preprocess import Preprocessing, displayed_input
from vitviz.trust.sanity import compare, compressed, copy_of, moved, shuffle


def test_weights_keep_their_distribution_and_the_loaded_network_its_weights() -> None:
    network = random_network(SMALL)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    own = copy_of(network)
    shuffle([own.blocks[1]], 4)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])
    for name, tensor in own.state_dict().items():
        changed = name.startswith("blocks.1.")
        assert torch.equal(tensor, before[name]) != changed
        assert torch.equal(tensor.flatten().sort()[0], before[name].flatten().sort()[0])
    again = copy_of(network)
    shuffle([again.blocks[1]], 4)
    assert torch.equal(again.blocks[1].mlp.fc1.weight, own.blocks[1].mlp.fc1.weight)


def test_moved_by_a_pixel() -> None:
    image = random_input(4, 6, batch=1)[0].numpy()
    found = moved(image)
    np.testing.assert_array_equal(found[:, 1:, 1:], image[:, :-1, :-1])
    np.testing.assert_array_equal(found[:, 0, 1:], image[:, 0, :-1])
    np.testing.assert_array_equal(found[:, 1:, 0], image[:, :-1, 0])


def test_compressed_is_almost_the_same_input() -> None:
    preprocessing = Preprocessing((16, 24), 4, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
    smooth = np.linspace(40, 200, 24)[None, :, None] * np.ones((16, 24, 3))
    pixels = smooth.astype(np.uint8)
    found = compressed(pixels, preprocessing)
    again = displayed_input(found, preprocessing)
    assert np.abs(again.astype(int) - pixels).max() <= 8
    assert found.shape == (3, 16, 24)


def test_maps_are_compared_by_their_ranks() -> None:
    first = np.random.default_rng(1).random((3, 5))
    assert compare(first, np.exp(first)) == pytest.approx(1)
    assert compare(first, -first) == pytest.approx(-1)
    assert compare(first, np.ones((3, 5))) is None
    assert compare(first, np.full((3, 5), np.nan)) is None
