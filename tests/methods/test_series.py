"""Series against whole matrices, written out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.methods.conftest import GEOMETRY, LAYOUT
from vitviz.errors import Cancelled
from vitviz.methods.series import SERIES
from vitviz.progress import silent
from vitviz.tracing import fused


@pytest.fixture(params=[True, False], ids=["one block", "row blocks"])
def _blocks(request, monkeypatch):
    if not request.param:
        monkeypatch.setattr(fused, "FEWEST_ROWS", 5)
        monkeypatch.setattr(fused, "BLOCK_BYTES", {"cpu": 0})


@pytest.mark.usefixtures("_blocks")
def test_attention_distance(random_trace) -> None:
    found = SERIES["attention-distance"].measure(random_trace.trace, silent)
    assert [layer for layer, _ in found] == [0, 1, 2, 3]
    rows, cols = LAYOUT.grid
    places = [(row, col) for row in range(rows) for col in range(cols)]
    prefix = len(LAYOUT.prefix)
    for layer, values in found:
        for head in range(3):
            distances = []
            for i, (row, col) in enumerate(places):
                weights = random_trace.dense[layer, head, prefix + i, prefix:]
                apart = [
                    GEOMETRY.patch * np.hypot(row - other_row, col - other_col)
                    for other_row, other_col in places
                ]
                distances.append(weights @ apart / weights.sum())
            assert values[head] == pytest.approx(np.mean(distances), rel=1e-4)


@pytest.mark.usefixtures("_blocks")
def test_attention_entropy(random_trace) -> None:
    found = SERIES["attention-entropy"].measure(random_trace.trace, silent)
    for layer, values in found:
        dense = random_trace.dense[layer]
        expected = -(dense * np.log2(dense)).sum(-1).mean(-1)
        np.testing.assert_allclose(values, expected, rtol=1e-4)
        assert not values.flags.writeable


def test_entropy_of_attention_on_one_token_is_zero_and_of_all_alike_is_its_logarithm(make_trace):
    tokens = LAYOUT.tokens
    q = np.zeros((2, 2, tokens, 8), np.float32)
    k = np.zeros((2, 2, tokens, 8), np.float32)
    q[1, ..., 0], k[1, :, 3, 0] = 200, 200  # layer 2: everybody looks at token 3 only
    (_, alike), (_, alone) = SERIES["attention-entropy"].measure(make_trace(q, k), silent)
    np.testing.assert_allclose(alike, np.log2(tokens), rtol=1e-5)
    np.testing.assert_allclose(alone, 0, atol=1e-5)


@pytest.mark.parametrize("name", SERIES)
def test_names_needs_and_cancelling(random_trace, name: str) -> None:
    series = SERIES[name]
    assert series.name == name
    outline = random_trace.trace.outline
    assert series.fits(replace(outline, gives=outline.gives | {"states"}))

    def impatient(*_: object) -> None:
        raise Cancelled

    if "attention" in series.needs:  # else there is nothing to wait for
        with pytest.raises(Cancelled):
            series.measure(random_trace.trace, impatient)


@pytest.mark.usefixtures("_blocks")
def test_share_on_prefix_tokens(random_trace) -> None:
    found = SERIES["prefix-share"].measure(random_trace.trace, silent)
    prefix = len(LAYOUT.prefix)
    for layer, values in found:
        expected = random_trace.dense[layer, :, prefix:, :prefix].sum(-1).mean(-1)
        np.testing.assert_allclose(values, expected, rtol=1e-4)


def test_nothing_is_on_prefix_tokens_where_there_are_none(random_trace) -> None:
    outline = replace(random_trace.trace.outline, prefix=())
    assert not SERIES["prefix-share"].fits(outline)
    assert "no tokens before the patches" in SERIES["prefix-share"].misfit(outline)


def test_norms_of_tokens(random_trace) -> None:
    norms = np.random.default_rng(1).uniform(1, 9, (4, LAYOUT.tokens)).astype(np.float32)
    trace = replace(random_trace.trace, norms=tuple(norms))
    series = SERIES["token-norms"]
    assert series.names is not None
    names = series.names(trace.outline)
    for (_, values), of_layer in zip(series.measure(trace, silent), norms, strict=True):
        found = dict(zip(names, values, strict=True))
        patches = of_layer[len(LAYOUT.prefix) :]
        assert found["median"] == pytest.approx(np.median(patches))
        assert (found["least"], found["greatest"]) == (patches.min(), patches.max())
        assert [found[name] for name in LAYOUT.prefix] == list(of_layer[:3])
