"""Outlier tokens: medians and MADs written out, and norms whose outliers are known."""

from __future__ import annotations

import statistics

import numpy as np

from tests.models.networks import VARIANTS, random_input, random_network
from vitviz.imaging.geometry import Geometry
from vitviz.maps.outliers import BOUND, excess, outlying
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.progress import silent
from vitviz.tracing.run import run

GEOMETRY = Geometry((40, 56), (20, 28), (0, 0), (20, 28), 4)  # 5 x 7 patches


def test_against_the_statistics_module():
    network, image = random_network(VARIANTS["distilled"]), random_input(20, 28, batch=1)
    trace = run(network, image[0].numpy(), GEOMETRY)
    found = METHODS["outliers"].explain(trace, Question(), silent)
    for layer, states in enumerate(trace.all_states()):
        norms = [float(np.sqrt((state.astype(float) ** 2).sum())) for state in states]
        middle = statistics.median(norms[2:])
        spread = statistics.median(abs(norm - middle) for norm in norms[2:])
        wanted = [(norm - middle) / spread for norm in norms]
        np.testing.assert_allclose(found.by_layer[layer].values[0], wanted, atol=1e-3)


def test_outliers_that_are_known_do_not_move_the_bound():
    """Two prefix tokens of any length count for nothing; a third of the patches far above do not
    hide each other.
    """
    usual = 10 + np.linspace(-1, 1, 21)
    norms = np.concatenate([[500, 0], usual, np.full(9, 100)]).astype(np.float32)
    found = excess(norms, 2)
    assert (found[2:] > BOUND).tolist() == [False] * 21 + [True] * 9
    np.testing.assert_allclose(excess(norms * 7, 2), found, rtol=1e-4)


def test_norms_that_are_alike_have_no_outliers():
    norms = np.full(12, 3.0, np.float32)
    norms[4] = 9
    assert not excess(norms, 2).any()


def test_the_norms_of_a_trace_are_those_of_its_states():
    network, image = random_network(VARIANTS["distilled"]), random_input(20, 28, batch=1)
    trace = run(network, image[0].numpy(), GEOMETRY)
    states = list(trace.all_states())
    assert len(trace.norms) == len(states) == trace.depth
    for norms, of_layer in zip(trace.norms, states, strict=True):
        np.testing.assert_allclose(norms, np.linalg.norm(of_layer, axis=1), rtol=1e-5)
        assert not norms.flags.writeable


def test_outlying_patches_are_those_above_the_bound():
    norms = np.concatenate([[500, 0], 10 + np.linspace(-1, 1, 21), [100]]).astype(np.float32)
    assert outlying(norms, 2).tolist() == [False] * 21 + [True]
