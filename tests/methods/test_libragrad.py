"""Input times repaired gradient: against what is held by hand, and adding up to the logit."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.families import toy_cnn, toy_stages
from tests.methods.held import held_relevance
from tests.models.networks import VARIANTS, random_input, random_network
from vitviz.errors import Cancelled, VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.maps.heat_map import Explanation
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.progress import silent
from vitviz.tracing.aim import Aim
from vitviz.tracing.forward import run_forward
from vitviz.tracing.relevance import run_repaired
from vitviz.tracing.run import run
from vitviz.tracing.trace import Trace

GEOMETRY = Geometry((40, 56), (20, 28), (0, 0), (20, 28), 4)  # 5 x 7 patches
LIBRAGRAD = METHODS["libragrad"]


def ask(trace: Trace, contrast: int | None = None, **params) -> Explanation:
    return LIBRAGRAD.explain(trace, Question(params=params, target=4, contrast=contrast), silent)


def trace_of(name: str) -> Trace:
    network, image = random_network(VARIANTS[name]), random_input(20, 28, batch=1)
    return run(network, image[0].numpy(), GEOMETRY)


@pytest.mark.parametrize("contrast", [None, 2])
@pytest.mark.parametrize("name", VARIANTS)
def test_against_what_is_held_by_hand(name, contrast):
    trace = trace_of(name)
    network, image = copy.deepcopy(trace.network).double(), torch.tensor(trace.image[None]).double()
    wanted = [state.numpy() for state in held_relevance(network, image, 4, contrast)]
    found = ask(trace, contrast, of="each layer")
    assert (found.span, found.target, found.contrast) == ("layer", 4, contrast)
    assert found.quantity.kind == "signed"
    size = max(np.abs(state).max() for state in wanted)
    for layer in (0, 1):
        values = found.by_layer[layer].values[0]
        np.testing.assert_allclose(values, wanted[layer], atol=2e-5 * size)
    of_input = ask(trace, contrast)
    assert (of_input.layers, of_input.span) == ((0,), "network")
    assert np.array_equal(of_input.by_layer[0].values, found.by_layer[0].values)


@pytest.mark.parametrize("name", VARIANTS)
def test_it_adds_up_to_the_logit(name):
    trace = trace_of(name)
    for contrast in (None, 2):
        whole = float(trace.logits[4] - (0 if contrast is None else trace.logits[contrast]))
        found = ask(trace, contrast, of="each layer")
        for layer, sums in found.completeness.items():
            assert sums.whole == pytest.approx(whole, abs=1e-4)
            assert sums.patches == pytest.approx(found.by_layer[layer].patches.sum(), abs=1e-4)
            assert sums.error < 2e-5 * max(1, abs(sums.patches), abs(sums.biases))
            assert abs(sums.patches) > 1e-3, "sums that are all small would agree by accident"
    assert found.map(1, "mean").completeness is found.completeness[1]


def test_without_biases_the_tokens_alone_add_up():
    network = random_network(replace(VARIANTS["distilled"], classes=5)).double()
    for parameter_name, parameter in network.named_parameters():
        if parameter_name.endswith("bias"):
            parameter.zero_()
    found = run_repaired(network, random_input(20, 28, batch=1).double(), Aim(3))
    assert max(map(abs, found.biases)) == 0
    for state in found.states:
        assert float(state.double().sum()) == pytest.approx(found.whole, abs=1e-5)


def test_the_sum_of_layers():
    trace = trace_of("gated")
    apart, added = ask(trace, of="each layer"), ask(trace, of="sum of layers")
    assert (added.span, added.completeness) == ("through", {})
    np.testing.assert_allclose(added.values, apart.values.cumsum(0), rtol=1e-6)


@pytest.mark.parametrize("family", [toy_stages, toy_cnn], ids=lambda module: module.__name__[-6:])
def test_networks_whose_patches_change(family):
    """Of what each layer puts out; at the last one it is HiResCAM: a mean and a head follow."""
    config = family.StagesConfig() if family is toy_stages else family.CNNConfig()
    network, (height, width) = family.build(config), config.input_size
    image = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(4))
    outline = network.outline((height, width))
    geometry = Geometry((height, width), (height, width), (0, 0), (height, width),
                        outline.layers[0].patch)  # fmt: skip
    trace = run(network, image[0].numpy(), geometry)
    found = LIBRAGRAD.explain(trace, Question(target=1), silent)
    assert found.layers == tuple(range(outline.depth))
    for layer, sums in found.completeness.items():
        assert found.map(layer, "mean").values.shape == outline.layers[layer].grid
        assert sums.error < 1e-5 * max(1, abs(sums.patches), abs(sums.biases))
    z = run_forward(network, image, silent)[-1].clone().requires_grad_()
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(network.classify(z)[0, 1], z)
    wanted = network.as_tokens(z * gradient)[0].sum(-1).detach().numpy()
    if family is toy_cnn:  # no norm before the head
        np.testing.assert_allclose(found.by_layer[outline.depth - 1].values[0], wanted, atol=1e-6)
    with pytest.raises(VitvizError, match="cannot be added up"):
        LIBRAGRAD.explain(trace, Question(target=1, params={"of": "sum of layers"}), silent)


def test_it_can_be_cancelled():
    def impatient(stage, fraction):
        raise Cancelled

    with pytest.raises(Cancelled):
        LIBRAGRAD.explain(trace_of("distilled"), Question(), impatient)
