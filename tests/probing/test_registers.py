"""Test-time registers, against hooks that move neurons to a zero token behind all others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.families.toy_cnn import CNNConfig
from tests.families.toy_cnn import build as build_cnn
from tests.families.toy_stages import StagesConfig
from tests.families.toy_stages import build as build_stages
from tests.models.networks import RELATIVES, SMALL, VARIANTS, random_input, random_network
from vitviz.engine.seeing import without
from vitviz.errors import VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.maps.outliers import outlying
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.models.network import Attend, Network, softmax_attention
from vitviz.models.vit.config import ViTConfig
from vitviz.models.vit.rope import Rotation
from vitviz.probing.ablation import Ablation, Registers
from vitviz.probing.probe import Probe
from vitviz.probing.register_neurons import NeuronScores
from vitviz.probing.registered import Registered
from vitviz.progress import silent
from vitviz.tracing.run import run

GEOMETRY = Geometry((24, 40), (12, 20), (0, 0), (12, 20), 4)
IMAGE = random_input(12, 20, batch=1)
NEURONS = Registers(((0, 3), (0, 17), (1, 5)), "weights")

TWO = replace(SMALL, prefix=("cls", "dist"), positioned_prefix=2)
WITHOUT: dict[str, ViTConfig] = {
    "distilled": TWO,
    "gated": replace(VARIANTS["gated"], prefix=("cls", "dist"), positioned_prefix=2),
    "mean, no CLS": VARIANTS["mean, no CLS"],
    "SigLIP": RELATIVES["SigLIP"],
    "EVA-02": replace(RELATIVES["EVA-02"], prefix=("cls",)),
    "mixed RoPE": replace(RELATIVES["mixed RoPE"], prefix=("cls",)),
}
"""Networks without registers of their own."""


@contextmanager
def hooked(network: torch.nn.Module, registers: Registers, prefix: int) -> Iterator[None]:
    """By hooks, as the authors' program does it: a zero token behind all others gets the value
    farthest from zero, patches get zero. Inside, the network itself is changed.
    """
    first, handles = network.blocks[0], []

    def longer(block: object, inputs: tuple[Tensor, Attend], named: dict) -> tuple[tuple, dict]:
        z, attend = inputs
        turn = named.get("turn")
        if turn is not None:  # the added token is not turned
            cos, sin = F.pad(turn.cos, (0, 0, 0, 1), value=1.0), F.pad(turn.sin, (0, 0, 0, 1))
            named = {**named, "turn": Rotation(cos, sin, turn.halves)}
        return (F.pad(z, (0, 0, 0, 1)) if block is first else z, attend), named

    def move(inputs: tuple[Tensor], neurons: tuple[int, ...]) -> Tensor:
        hidden = inputs[0].clone()
        for batch, neuron in product(range(len(hidden)), neurons):
            values = inputs[0][batch, :, neuron]
            where = max(range(len(values)), key=lambda token: abs(values[token].item()))
            hidden[batch, prefix:-1, neuron] = 0
            hidden[batch, -1, neuron] = values[where]
        return hidden

    for layer, block in enumerate(network.blocks):
        own = registers.of_layer(layer)
        handles += [
            block.register_forward_pre_hook(longer, with_kwargs=True),
            block.mlp.fc2.register_forward_pre_hook(lambda _, x, own=own: move(x, own)),
        ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def naive(
    network: Network, registers: Registers, image: Tensor, kept: Tensor | None = None
) -> Tensor:
    """The logits, with those tokens alone that are kept, as the whole network counts them."""
    size = (image.shape[2], image.shape[3])
    z = network.embed(image)
    if kept is not None:
        z = network.keep(z, kept)
    with hooked(network, registers, len(network.outline(size).prefix)):
        for step in network.steps(size, kept):
            z = step(z, softmax_attention)
    return network.classify(z[:, :-1])


@pytest.mark.parametrize("config", WITHOUT.values(), ids=WITHOUT)
def test_against_hooks(config: ViTConfig) -> None:
    network, image = random_network(config), random_input(12, 20, batch=2)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with torch.no_grad():
        whole = network(image)
        expected = naive(network, NEURONS, image)
        found = Registered(network, NEURONS, (12, 20))(image)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
        assert (found - whole).abs().max() > 1e-3
        assert torch.equal(network(image), whole)  # nothing is left of it
    after = network.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def test_neurons_that_there_are_not_are_left_out() -> None:
    network = random_network(TWO)
    more = replace(NEURONS, neurons=(*NEURONS.neurons, (1, 40), (1, 900), (7, 0)))
    with torch.no_grad():
        found = Registered(network, more, (12, 20))(IMAGE)
        assert torch.equal(found, Registered(network, NEURONS, (12, 20))(IMAGE))


def test_its_maps_are_of_patches_alone() -> None:
    network = random_network(TWO)
    trace = run(Registered(network, NEURONS, (12, 20)), IMAGE[0].numpy(), GEOMETRY)
    assert trace.outline.prefix == ("cls", "dist", "reg1")
    heat_map = METHODS["attention"].explain(trace, Question(), silent).map(-1, "mean")
    assert heat_map.values.shape == (3, 5)
    shares = dict(heat_map.prefix_share)
    assert set(shares) == {"cls", "dist", "reg1"}
    assert heat_map.values.sum() + sum(shares.values()) == pytest.approx(1, abs=1e-5)
    for name in ("rollout", "relevance", "libragrad", "legrad", "daam", "value-rollout",
                 "hires-cam", "feature-norm", "attention-flow", "leave-one-out"):  # fmt: skip
        found = METHODS[name].explain(trace, Question(target=1), silent).map(-1, "mean")
        assert found.values.shape == (3, 5)
        assert np.isfinite(found.values).all()
        assert np.ptp(found.values) > 0


def test_gradients_are_those_of_the_network_with_hooks() -> None:
    network = random_network(TWO)
    trace = run(Registered(network, NEURONS, (12, 20)), IMAGE[0].numpy(), GEOMETRY)
    aim = trace.aim(2)
    value, gradient = trace.pixel_gradient(IMAGE, aim, silent)
    image = IMAGE.clone().requires_grad_()
    logit = naive(network, NEURONS, image)[0, 2]
    logit.backward()
    assert value == pytest.approx(logit.item(), abs=1e-5)
    torch.testing.assert_close(gradient, image.grad[0], rtol=1e-3, atol=1e-5)


def test_what_libra_promises_holds() -> None:
    """Moving numbers is linear: what it adds up to is still the logit."""
    network = random_network(TWO)
    trace = run(Registered(network, NEURONS, (12, 20)), IMAGE[0].numpy(), GEOMETRY)
    heat_map = METHODS["libragrad"].explain(trace, Question(target=2), silent).map(-1, "mean")
    assert heat_map.completeness.whole == pytest.approx(float(trace.logits[2]), abs=1e-5)
    assert heat_map.completeness.error < 2e-5


@pytest.mark.parametrize("name", ["distilled", "EVA-02"])
def test_patches_can_be_dropped_from_it(name: str) -> None:
    network = random_network(WITHOUT[name])
    prefix = len(network.outline((12, 20)).prefix)
    probe = Probe(Registered(network, NEURONS, (12, 20)), IMAGE[0].numpy(), GEOMETRY)
    gone = np.zeros((1, 15), bool)
    gone[0, [0, 7, 14]] = True
    kept = torch.tensor([*range(prefix), *(prefix + p for p in range(15) if not gone[0, p])])
    with torch.no_grad():
        expected = naive(network, NEURONS, IMAGE, kept)
    np.testing.assert_allclose(probe.logits(gone), expected.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["distilled", "mean, no CLS"])
def test_patches_are_removed_beside_it_as_if_they_were_not_there(name: str) -> None:
    """What neurons put out on patches that are gone is not moved either."""
    network = random_network(WITHOUT[name])
    many = replace(NEURONS, neurons=tuple((layer, n) for layer in (0, 1) for n in range(40)))
    removed = np.zeros((3, 5), bool)
    removed[1, 2:4] = True
    ablation = Ablation(registers=many).with_patches(GEOMETRY, removed)
    prefix = len(network.outline((12, 20)).prefix)
    kept = torch.tensor([*range(prefix), *(prefix + p for p in range(15) if p not in (7, 8))])
    with torch.no_grad():
        expected = naive(network, many, IMAGE, kept)
        found = without(network, ablation, GEOMETRY)(IMAGE)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
        silent_too = without(network, ablation.with_head(1, 0, silent=True), GEOMETRY)(IMAGE)
        assert (silent_too - found).abs().max() > 1e-3


def planted(config: ViTConfig, patches: list[int], neuron: int) -> Network:
    """A network in which one neuron of the first layer makes outliers of some patches of
    ``IMAGE``, and of no others.
    """
    network = random_network(config)
    seen: list[Tensor] = []
    handle = network.blocks[0].norm2.register_forward_hook(lambda *args: seen.append(args[2][0]))
    with torch.no_grad():
        network(IMAGE)
    handle.remove()
    # The least-squares direction that is 1 on these tokens and 0 on all others.
    tokens = [len(config.prefix) + patch for patch in patches]
    wanted = torch.zeros(len(seen[0]))
    wanted[tokens] = 1.0
    direction = torch.linalg.lstsq(seen[0], wanted[:, None]).solution[:, 0]
    mlp = network.blocks[0].mlp
    with torch.no_grad():
        mlp.fc1.weight[neuron] = 8 * direction
        mlp.fc1.bias[neuron] = -4.0
        mlp.fc2.weight[:, neuron] = 40 * torch.linspace(-1, 1, config.width)
    return network


def test_planted_neurons_are_found_and_their_outliers_go() -> None:
    patches = [4, 11]
    network = planted(replace(TWO, depth=3), patches, neuron=21)
    trace = run(network, IMAGE[0].numpy(), GEOMETRY)
    assert np.flatnonzero(outlying(trace.norms[-1], 2)).tolist() == patches
    scores = NeuronScores(6.0)
    scores.add(network, IMAGE, trace.norms, silent)
    assert (scores.photos, scores.patches, scores.layer) == (1, 2, 0)
    assert scores.greatest(1) == ((0, 21),)
    registered = run(
        Registered(network, Registers(scores.greatest(1)), (12, 20)), IMAGE[0].numpy(), GEOMETRY
    )
    assert not outlying(registered.norms[-1], 3).any()
    # The outlier is in the register now, and attention goes there.
    assert registered.norms[-1][2] > 3 * registered.norms[-1][3:].max()


def test_scores_against_a_loop_over_tokens() -> None:
    network = planted(replace(TWO, depth=3), [4, 11], neuron=21)
    images = [IMAGE, random_input(12, 20, batch=3)[2:]]
    scores, totals, photos = NeuronScores(1.0), np.zeros((3, 40)), 0
    for image in images:
        norms = run(network, image[0].numpy(), GEOMETRY).norms
        scores.add(network, image, norms, silent)
        patches = np.flatnonzero(outlying(norms[-1], 2, 1.0))
        hidden: list[np.ndarray] = []
        handles = [
            block.mlp.fc2.register_forward_pre_hook(
                lambda _, inputs, hidden=hidden: hidden.append(inputs[0][0].numpy())
            )
            for block in network.blocks
        ]
        with torch.no_grad():
            network(image)
        for handle in handles:
            handle.remove()
        if len(patches):
            photos += 1
            for layer, values in enumerate(hidden):
                totals[layer] += [
                    sum(abs(float(values[2 + p, n])) for p in patches) / len(patches)
                    for n in range(40)
                ]
    assert scores.photos == photos > 0
    last = scores.layer
    order = sorted(
        ((layer, n) for layer in range(last + 1) for n in range(40)), key=lambda ln: -totals[ln]
    )
    assert scores.greatest(7) == tuple(sorted(order[:7]))


def test_a_photo_without_outliers_counts_for_nothing() -> None:
    network = random_network(TWO)
    scores = NeuronScores(1e6)
    scores.add(network, IMAGE, run(network, IMAGE[0].numpy(), GEOMETRY).norms, silent)
    assert scores.photos == scores.patches == 0


@pytest.mark.parametrize(
    ("network", "why"),
    [
        (random_network(SMALL), "registers of its own"),
        (
            random_network(replace(RELATIVES["BEiT"], prefix=("cls",))),
            "no room for a token that lies nowhere",
        ),
        (build_cnn(CNNConfig()), "no MLP neurons"),
        (build_stages(StagesConfig()), "no MLP neurons"),
    ],
    ids=["registers", "relative positions", "CNN", "stages"],
)
def test_networks_that_can_have_none_are_told_why(network: Network, why: str) -> None:
    with pytest.raises(VitvizError, match=why) as caught:
        Registered(network, NEURONS, (12, 20))
    assert "without registers" in caught.value.hint


def test_whatever_a_network_can_do_a_registered_one_does_its_own_way() -> None:
    parts = {name for name, part in vars(Network).items() if callable(part) and name[0] != "_"}
    parts -= {"forward"}  # which goes through the others
    assert parts <= set(vars(Registered))


@pytest.mark.parametrize("name", ["distilled", "mean, no CLS"])
def test_the_stations_of_its_way_leave_the_register_out(name: str) -> None:
    network = random_network(WITHOUT[name])
    registered = Registered(network, NEURONS, (12, 20))
    place = registered.place
    with torch.no_grad():
        z = registered.embed(IMAGE)
        assert z[0, place].abs().max() == 0
        placing = registered.placing((12, 20))
        assert placing.added.shape == z[0].shape
        assert placing.added[place].abs().max() == 0
        for step in registered.steps((12, 20)):
            z = step(z, softmax_attention)
        readers = registered.readers(z)
        logits = [reader.logits for reader in readers]
        torch.testing.assert_close(sum(logits) / len(logits), registered.classify(z)[0])
        expected = naive(network.unplaced(), NEURONS, IMAGE)
        found = registered.unplaced()(IMAGE)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
