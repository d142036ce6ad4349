"""All methods on all families: each is asked for where it fits, and refused in words elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vitviz.imaging.geometry import Geometry
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.models.families import FAMILIES
from vitviz.progress import silent
from vitviz.tracing.run import run
from vitviz.tracing.trace import Trace

WITH_SPECIMEN = [name for name, family in FAMILIES.items() if family.specimen is not None]


@pytest.fixture(params=WITH_SPECIMEN, scope="module")
def trace(request: pytest.FixtureRequest) -> Trace:
    family = FAMILIES[request.param]
    assert family.specimen is not None
    config = family.specimen()
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = family.build(config).eval().requires_grad_(False)
    trained = family.trained(config)
    size = trained.input_size
    image = np.random.default_rng(2).normal(size=(3, *size)).astype(np.float32)
    return run(network, image, Geometry(size, size, (0, 0), size, trained.patch))


def test_there_are_some() -> None:
    assert {"vit", "swin", "mae"} <= set(WITH_SPECIMEN)


@pytest.mark.parametrize("method", METHODS)
def test_what_fits_answers_and_the_rest_is_refused_in_words(trace: Trace, method: str) -> None:
    chosen, outline = METHODS[method], trace.outline
    if not chosen.fits(outline):
        assert chosen.misfit(outline).startswith("the model")
        return
    assert chosen.misfit(outline) == ""
    for query in ((0,), trace.layout.all_patches):
        found = chosen.explain(trace, Question(query), silent)
        for layer, maps in found.by_layer.items():
            assert np.isfinite(maps.values).all()
            assert maps.values.shape[1:2] == (maps.tokens.tokens,)
            assert maps.geometry.grid == maps.tokens.grid, layer
