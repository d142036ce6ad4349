"""Leave-one-out against one forward after another, written as loops."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.models.networks import VARIANTS, naive_logits, random_input, random_network
from vitviz.errors import Cancelled, VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.methods.parts.whole import layer_of_patches
from vitviz.models.outline import LayerOutline, Outline
from vitviz.progress import silent
from vitviz.tracing.run import run
from vitviz.tracing.trace import Trace

GEOMETRY = Geometry((24, 40), (12, 20), (0, 0), (12, 20), 4)  # 3 x 5 patches
LEAVE = METHODS["leave-one-out"]


def trace_of(name: str) -> Trace:
    network, image = random_network(VARIANTS[name]), random_input(12, 20, batch=1)
    return run(network, image[0].numpy(), GEOMETRY)


def ask(trace: Trace, contrast: int | None = None, **params):
    return LEAVE.explain(trace, Question(params=params, target=4, contrast=contrast), silent)


@pytest.mark.parametrize("name", ["distilled", "registers", "mean, no CLS"])
def test_every_patch_alone(name):
    """Against the network written a second time, without the token: float64, loops."""
    trace, config = trace_of(name), VARIANTS[name]
    weights = {k: v.double() for k, v in trace.network.state_dict().items()}
    prefix, image = len(config.prefix), torch.tensor(trace.image)
    whole = naive_logits(config, weights, image)
    for contrast in (None, 1):
        wanted = []
        for patch in range(15):
            kept = [token for token in range(prefix + 15) if token != prefix + patch]
            fall = whole - naive_logits(config, weights, image, kept)
            wanted.append(fall[4] - (0 if contrast is None else fall[contrast]))
        found = ask(trace, contrast, side=1)
        assert (found.span, found.quantity.kind) == ("network", "signed")
        assert "tokens dropped" in found.unit
        maps = found.by_layer[1]
        np.testing.assert_allclose(maps.patches[0], wanted, atol=2e-5)
        assert not maps.values[0][:prefix].any()


def test_squares_share_their_fall_and_those_that_matter_are_asked_again():
    trace = trace_of("distilled")
    alone = ask(trace, side=1).by_layer[1].patches.reshape(3, 5)
    coarse = ask(trace, side=2, refined=0.0).by_layer[1].patches.reshape(3, 5)
    assert np.ptp(coarse[:2, :2]) == 0
    assert coarse[2, 4] == pytest.approx(alone[2, 4], abs=1e-5), "a square of one patch"
    fine = ask(trace, side=2, refined=0.34).by_layer[1].patches.reshape(3, 5)
    squares = np.array([[0, 0, 1, 1, 2], [0, 0, 1, 1, 2], [3, 3, 4, 4, 5]])
    falls = [coarse[squares == square].sum() for square in range(6)]
    again = np.argsort(-np.abs(falls))[:2]
    for square in range(6):
        source = alone if square in again else coarse
        np.testing.assert_allclose(fine[squares == square], source[squares == square], atol=1e-5)


@pytest.mark.parametrize("removal", ["mean", "blur"])
def test_filled_in(removal):
    trace = trace_of("registers")
    found = ask(trace, side=1, removal=removal)
    if removal == "mean":
        image, wanted = torch.tensor(trace.image[None]), []
        for row, col in np.ndindex(3, 5):
            changed = image.clone()
            box = changed[:, :, 4 * row : 4 * row + 4, 4 * col : 4 * col + 4]
            box[:] = image.mean((2, 3), keepdim=True)
            with torch.no_grad():
                wanted.append(float(trace.logits[4] - trace.network(changed)[0, 4]))
        np.testing.assert_allclose(found.by_layer[1].patches[0], wanted, atol=2e-5)
    assert {"mean": "mean colour", "blur": "blurred"}[removal] in found.unit


def test_refusals():
    trace = trace_of("distilled")
    with pytest.raises(VitvizError, match="holds all of the 3 × 5 patches"):
        ask(trace, side=5)
    outline = replace(trace.outline, gives=trace.outline.gives - {"drop"})
    network = copy.copy(trace.network)
    network.outline = lambda size: outline
    with pytest.raises(VitvizError, match="cannot be run without some of its patches"):
        ask(replace(trace, network=network), removal="drop")


def test_it_tells_how_far_it_is_and_can_be_cancelled():
    told = []
    trace = trace_of("distilled")
    LEAVE.explain(trace, Question(), lambda stage, done: told.append(done))
    assert told == sorted(told)
    assert 0 <= told[0] < 0.2
    assert told[-1] < 1

    def impatient(stage, fraction):
        if fraction > 0.5:
            raise Cancelled

    with pytest.raises(Cancelled):
        LEAVE.explain(trace, Question(), impatient)


def test_the_layer_whose_patches_are_left_out():
    def outline(*grids):
        layers = tuple(LayerOutline(f"{i}", grid, 4 * 2**i) for i, grid in enumerate(grids))
        return Outline(layers, (), 2, 0, frozenset())

    assert layer_of_patches(outline((56, 56), (28, 28), (14, 15), (7, 7))) == 3
    assert layer_of_patches(outline((56, 56), (14, 14), (6, 7))) == 1
    assert layer_of_patches(outline((3, 5), (2, 3))) == 0
