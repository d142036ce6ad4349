"""Every method on every family: what fits gives maps, the rest is refused in words."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vitviz.engine.engine import require_fit
from vitviz.errors import MethodMisfit
from vitviz.imaging.geometry import Geometry
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.methods.series import SERIES
from vitviz.models.families import FAMILIES
from vitviz.models.family import Family
from vitviz.progress import silent
from vitviz.tracing.run import run
from vitviz.tracing.trace import Trace

BUILT = [family for family in FAMILIES.values() if family.specimen is not None]


@pytest.fixture(scope="module", params=BUILT, ids=lambda family: family.name)
def trace(request: pytest.FixtureRequest) -> Trace:
    """Of a family's specimen."""
    family: Family = request.param
    assert family.specimen is not None
    config = family.specimen()
    size, step = family.trained(config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        network = family.build(config).eval().requires_grad_(False)
        image = torch.randn(3, *size).numpy()
    return run(network, image, Geometry(size, size, (0, 0), size, step))


@pytest.mark.parametrize("name", METHODS)
def test_a_method_gives_maps_or_is_refused_in_words(trace: Trace, name: str) -> None:
    method, outline = METHODS[name], trace.outline
    if not method.fits(outline):
        with pytest.raises(MethodMisfit, match="the model") as caught:
            require_fit(name, outline, "this network")
        assert caught.value.fitting
        assert method.misfit(outline) in caught.value.message
        return
    require_fit(name, outline, "this network")
    found = method.explain(trace, Question(), silent)
    assert found.layers
    for layer, maps in found.by_layer.items():
        # What went through layers lies where it came from, on the first one's patches; what was
        # added up on the way, where it has got to.
        adds_up = name in ("daam", "daam-label-free", "legrad")
        of = 0 if found.span == "through" and not adds_up else layer
        assert maps.tokens == outline.tokens(of)
        assert maps.geometry == trace.geometry_of(of)
        assert maps.geometry.grid == maps.tokens.grid
        assert np.isfinite(maps.values).all()


@pytest.mark.parametrize("name", SERIES)
def test_a_series_has_numbers_of_layers_that_are_there(trace: Trace, name: str) -> None:
    series = SERIES[name]
    if not series.fits(trace.outline):
        assert "the model" in series.misfit(trace.outline)
        return
    for layer, values in series.measure(trace, silent):
        assert 0 <= layer < trace.depth
        assert values.min() >= 0
        assert np.isfinite(values).all()


def test_a_patch_sees_more_from_layer_to_layer(trace: Trace) -> None:
    fields = [values[0] for _, values in SERIES["receptive-field"].measure(trace, silent)]
    assert fields == sorted(fields)
    if "attention" in trace.outline.gives and fields:
        assert set(fields) == {max(trace.geometry.input_size)}, "global at once"
