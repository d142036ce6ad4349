"""PCA of patches against numpy's SVD and scikit-learn, vectors against the network's own steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn import decomposition

from tests.explanations import plain_geometry
from tests.models.networks import VARIANTS, random_network
from vitviz.maps.heat_map import Components
from vitviz.methods import METHODS
from vitviz.methods.base import Question, Seen
from vitviz.methods.parts import vectors as vectors_module
from vitviz.methods.parts.vectors import KINDS
from vitviz.probing.principal import Sample
from vitviz.progress import silent
from vitviz.tracing.run import run
from vitviz.tracing.trace import Trace
from vitviz.tracing.vectors import VECTOR_KINDS

PCA = METHODS["pca"]


@pytest.fixture(scope="module")
def traces() -> list[Trace]:
    """Three photos of 5 x 7 patches, seen by one network with two prefix tokens."""
    network = random_network(VARIANTS["distilled"])
    rng = np.random.default_rng(5)
    images = [rng.normal(size=(3, 20, 28)).astype(np.float32) for _ in range(3)]
    return [run(network, image, plain_geometry((5, 7))) for image in images]


def patches(trace: Trace, kind: str, layer: int) -> np.ndarray:
    """The vectors of one layer's patches by the network's own modules."""
    network = trace.network
    z = network.embed(torch.tensor(trace.image[None]))
    for block in network.blocks[:layer]:
        z = block(z)
    block = network.blocks[layer]
    heads = network.config.heads
    q, k, v = (
        part.unflatten(-1, (heads, -1)).flatten(2)
        for part in block.attn.qkv(block.norm1(z)).chunk(3, -1)
    )
    after = block(z)
    found = {"queries": q, "keys": k, "values": v, "tokens": after, "normed": network.norm(after)}
    return found[kind][0, 2:].detach().double().numpy()


def test_the_list_of_kinds_is_tracings() -> None:
    assert KINDS == VECTOR_KINDS


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "computed again"])
@pytest.mark.parametrize("kind", KINDS)
def test_vectors_are_the_networks_own(traces: list[Trace], kind: str, keep: bool) -> None:
    trace = traces[0] if keep else replace(traces[0], kept=())
    found = dict(trace.vectors(kind))
    assert list(found) == list(range(trace.depth))
    for layer, vectors in found.items():
        np.testing.assert_allclose(vectors[2:], patches(trace, kind, layer), rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("rows", [9, 40], ids=["fewer than numbers", "more"])
def test_principal_components_are_scikit_learns_up_to_sign(rows: int) -> None:
    data = (np.random.default_rng(1).normal(size=(rows, 12)) * np.arange(1, 13) + 1e3).astype("f4")
    sample = Sample()
    for piece in np.array_split(data, 4):
        sample.add(piece)
    sample.add(data[:0])
    found, expected = (
        sample.principal(3),
        decomposition.PCA(3, svd_solver="full").fit(data.astype("f8")),
    )
    assert found is not None
    np.testing.assert_allclose(found.mean, expected.mean_, rtol=1e-9)
    signs = np.sign((found.axes * expected.components_).sum(1))
    np.testing.assert_allclose(found.axes * signs[:, None], expected.components_, atol=1e-6)
    np.testing.assert_allclose(found.variances, expected.explained_variance_, rtol=1e-6)
    np.testing.assert_allclose(found.shares, expected.explained_variance_ratio_, rtol=1e-6)
    assert (found.axes[np.arange(3), np.abs(found.axes).argmax(1)] > 0).all()


def test_directions_without_variance_have_none() -> None:
    sample = Sample()
    sample.add(np.outer(np.arange(5), [1, 2, 2, 0]).astype(np.float32))
    found = sample.principal(3)
    assert found is not None
    np.testing.assert_allclose(found.axes[0], np.array([1, 2, 2, 0]) / 3, atol=1e-7)
    assert not found.axes[1:].any()
    assert found.shares == pytest.approx((1.0, 0.0, 0.0))
    assert Sample().principal(3) is None


def colours(scores: np.ndarray, of: np.ndarray, colouring: str) -> np.ndarray:
    """Written out: of scores, with the ends or spreads of others."""
    if colouring == "whitened":
        return 1 / (1 + np.exp(-2 * scores / of.std(0, ddof=1)))
    low, high = np.percentile(of, 2, axis=0), np.percentile(of, 98, axis=0)
    return np.clip((scores - low) / (high - low), 0, 1)


@pytest.mark.parametrize("colouring", ["plain", "whitened"])
@pytest.mark.parametrize("kind", ["normed", "keys"])
def test_colours_of_one_photo(traces: list[Trace], kind: str, colouring: str) -> None:
    params = {"features": kind, "colouring": colouring, "red": "-2", "green": "1"}
    found = PCA.explain(traces[0], Question(params=params), silent)
    for layer in found.layers:
        data = patches(traces[0], kind, layer)
        _, _, axes = np.linalg.svd(data - data.mean(0), full_matrices=False)
        axes = axes[:3] * np.sign(axes[range(3), np.abs(axes[:3]).argmax(1)])[:, None]
        scores = (data - data.mean(0)) @ axes.T
        expected = colours(scores, scores, colouring)
        expected = np.stack([1 - expected[:, 1], expected[:, 0], expected[:, 2]], -1)
        shown = found.map(layer, "mean")
        assert shown.is_coloured
        np.testing.assert_allclose(shown.values, expected.reshape(5, 7, 3), atol=2e-3)
        assert shown.components is not None
        assert shown.components.channels == (-2, 1, 3)


def test_foreground_is_one_side_of_the_first_component(traces: list[Trace]) -> None:
    data = patches(traces[0], "tokens", 1)
    _, _, axes = np.linalg.svd(data - data.mean(0), full_matrices=False)
    axis = axes[0] * np.sign(axes[0][np.abs(axes[0]).argmax()])
    along = (data - data.mean(0)) @ axis
    along /= along.std(ddof=1)
    sides = {"first component": along > 0.3, "first component, flipped": -along > 0.3}
    for side, inside in sides.items():
        params = {
            "features": "tokens",
            "foreground": side,
            "threshold": 0.3,
            "colouring": "whitened",
        }
        found = PCA.explain(traces[0], Question(params=params), silent).map(1, "mean")
        shown = found.values.reshape(-1, 3)
        assert not shown[~inside].any(), "the background is black"
        front = data[inside]
        reference = decomposition.PCA(3, whiten=True, svd_solver="full").fit(front)
        expected = 1 / (1 + np.exp(-2 * reference.transform(front)))
        for channel in range(3):
            own, theirs = shown[inside, channel], expected[:, channel]
            assert min(np.abs(own - theirs).max(), np.abs(1 - own - theirs).max()) < 1e-3
        np.testing.assert_allclose(
            found.components.shares,
            reference.explained_variance_ratio_,
            rtol=1e-3,  # type: ignore[union-attr]
        )


@pytest.mark.parametrize("held", [1 << 28, 0], ids=["kept", "computed for each pass"])
def test_components_of_several_photos_together(
    traces: list[Trace], held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors_module, "HELD_BYTES", held)
    question = Question(params={"features": "values", "colouring": "plain"})
    assert PCA.fit is not None
    basis = PCA.fit([Seen(trace, (0,)) for trace in traces[:2]], question, silent)
    data = np.concatenate([patches(trace, "values", 0) for trace in traces[:2]])
    reference = decomposition.PCA(3, svd_solver="full").fit(data)
    signs = np.sign(reference.components_[range(3), np.abs(reference.components_).argmax(1)])
    of_fit = reference.transform(data) * signs
    for trace in traces:  # the third one took no part, and is shown with their components
        found = PCA.explain(trace, replace(question, fitted=basis), silent).map(0, "mean")
        scores = reference.transform(patches(trace, "values", 0)) * signs
        expected = colours(scores, of_fit, "plain")
        np.testing.assert_allclose(found.values.reshape(-1, 3), expected, atol=2e-3)
        assert found.components == Components((1, 2, 3), found.components.shares, 2)


def test_nothing_is_left_of_a_foreground_that_is_too_far(traces: list[Trace]) -> None:
    params = {"foreground": "first component", "threshold": 4.0}
    found = PCA.explain(traces[0], Question(params=params), silent).map(-1, "mean")
    assert not found.values.any()
    assert found.components is not None
    assert found.components.shares == (0.0, 0.0, 0.0)
