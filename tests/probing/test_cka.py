"""Alignment of layers against closed forms, and against HSIC written out as sums over places."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from numpy.random import Generator

from tests.explanations import plain_geometry
from tests.models.networks import VARIANTS, random_network
from vitviz.probing import cka
from vitviz.progress import silent
from vitviz.tracing.run import run


@pytest.fixture
def rng() -> Generator:
    return np.random.default_rng(4)


def of(*vectors: np.ndarray) -> np.ndarray:
    return cka.kernels([one.astype(np.float32) for one in vectors])


def test_hsic_against_the_unbiased_estimate_as_sums_over_different_places(rng: Generator) -> None:
    x, y = rng.normal(size=(7, 3)), rng.normal(size=(7, 5))
    x, y = x - x.mean(0), y - y.mean(0)
    k, l = x @ x.T, y @ y.T  # noqa: E741
    # E k(x, x') l(y, y') + E k E l - 2 E k(x, x') l(y, y''), each over places that differ.
    pairs, triples, quadruples = (list(permutations(range(7), size)) for size in (2, 3, 4))
    expected = (
        np.mean([k[a, b] * l[a, b] for a, b in pairs])
        + np.mean([k[a, b] * l[c, d] for a, b, c, d in quadruples])
        - 2 * np.mean([k[a, b] * l[a, c] for a, b, c in triples])
    )
    assert cka.hsic(of(x), of(y))[0, 0] == pytest.approx(expected, rel=1e-4)


def test_turned_scaled_and_moved_is_alike(rng: Generator) -> None:
    x = rng.normal(size=(40, 6))
    turned, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    others = (x @ turned, 3.5 * x, x + 100, np.hstack([x, x]))
    found = cka.cka([cka.aligned(of(x, *others))])
    np.testing.assert_allclose(found, 1, atol=1e-4)


def test_independent_places_are_not_alike(rng: Generator) -> None:
    photos = [cka.aligned(of(rng.normal(size=(100, 5)), rng.normal(size=(100, 8))))
              for _ in range(8)]  # fmt: skip
    found = cka.cka(photos)
    np.testing.assert_allclose(found.diagonal(), 1)
    assert abs(found[0, 1]) < 0.05, "unbiased: the biased one would be 5 / 100 and more"


def test_of_linear_mixtures_it_has_a_closed_form(rng: Generator) -> None:
    # X = (a, b), Y = (a, c) of independent unit normals: E HSIC is the sum of squared covariances,
    # so CKA = 1 / sqrt(2 * 2).
    a, b, c = (rng.normal(size=(4000, 1)) for _ in range(3))
    x, y = np.hstack([a, b]), np.hstack([a, c])
    assert cka.cka([cka.aligned(of(x, y))])[0, 1] == pytest.approx(0.5, abs=0.04)


def test_two_networks_are_the_blocks_of_one(rng: Generator) -> None:
    first = [rng.normal(size=(30, 4)) for _ in range(3)]
    second = [one @ rng.normal(size=(4, 7)) for one in first[:2]]
    both = cka.cka([cka.aligned(of(*first, *second))])
    found = cka.cka([cka.aligned(of(*first), of(*second))])
    np.testing.assert_allclose(found, both[:3, 3:], rtol=1e-9)


def test_photos_are_summed_before_they_are_divided(rng: Generator) -> None:
    photos = [cka.aligned(of(rng.normal(size=(9, 2)), rng.normal(size=(9, 2)))) for _ in range(3)]
    cross = sum(one.cross[0, 1] for one in photos)
    own = [sum(one.first[i] for one in photos) for i in (0, 1)]
    assert cka.cka(photos)[0, 1] == pytest.approx(cross / np.sqrt(own[0] * own[1]))


def test_what_is_the_same_everywhere_has_no_alignment() -> None:
    found = cka.cka([cka.aligned(of(np.ones((6, 2)), np.arange(12).reshape(6, 2)))])
    assert np.isnan(found[0]).all()
    assert found[1, 1] == pytest.approx(1)


def test_places_and_vectors_of_a_network() -> None:
    network = random_network(VARIANTS["distilled"])
    image = np.random.default_rng(2).normal(size=(3, 20, 28)).astype(np.float32)
    trace = run(network, image, plain_geometry((5, 7)))
    points = cka.places(trace.outline, trace.geometry)
    assert len(points) == 35
    for layer, vectors in enumerate(cka.layer_vectors(trace, points, silent)):
        np.testing.assert_array_equal(vectors, trace.states(layer)[2:])
    fine = plain_geometry((40, 56))
    some = cka.places(network.outline(fine.input_size), fine)
    assert len(some) <= cka.MOST_PLACES < 4 * len(some)
