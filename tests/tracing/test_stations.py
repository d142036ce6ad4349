"""Each station's numbers, against the network's own tensors and plain loops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.models.cnn.networks import FAMILIES, random_network
from tests.tracing import windowed
from tests.tracing.conftest import CONFIG, Example
from vitviz.imaging.geometry import Geometry
from vitviz.models.branches import watching
from vitviz.models.network import Network, softmax_attention
from vitviz.models.vit.config import Rope, ViTConfig
from vitviz.models.vit.network import VisionTransformer
from vitviz.probing.rearranged import shuffled_order, with_order
from vitviz.tracing.run import run
from vitviz.tracing.stations import (
    at_temperature,
    attention_steps,
    convolution_steps,
    embedding,
    layer_parts,
    readings,
)
from vitviz.tracing.trace import Trace

GEOMETRY = Geometry((24, 56), (12, 28), (0, 0), (12, 28), 4)  # grid 3 x 7: not the trained one


def traced(config: ViTConfig, image: np.ndarray) -> Trace:
    with torch.random.fork_rng():
        torch.manual_seed(6)
        network = VisionTransformer(config).eval()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(0.2 * torch.randn_like(parameter))
    return run(network, image, GEOMETRY)


KINDS: dict[str, ViTConfig] = {
    "plain": CONFIG,
    "map pooling, no CLS": replace(
        CONFIG, prefix=("reg1", "reg2"), positioned_prefix=0, pool="map", norm_before=True
    ),
    "mean": replace(CONFIG, prefix=("cls", "reg1"), positioned_prefix=1, pool="mean"),
    "rotary": replace(
        CONFIG, embedded_positions=False, positioned_prefix=0, rope=Rope(), layer_scale=True
    ),
    "table": replace(
        CONFIG, embedded_positions=False, positioned_prefix=0, relative_positions="table",
        prefix=("cls", "reg1"), order="norm last",
    ),
    "parallel": replace(CONFIG, order="parallel", qk_norm=True, patch_norms=True),
}  # fmt: skip


@pytest.fixture(params=KINDS)
def trace(request: pytest.FixtureRequest, example: Example) -> Trace:
    return traced(KINDS[request.param], example.image)


def test_the_first_state_is_the_products_and_the_places(example: Example) -> None:
    trace = run(example.network, example.image, GEOMETRY)
    found = embedding(trace)
    assert found is not None
    assert found.products.shape == (3, 7, 24)
    for row, col, number in ((0, 0, 0), (2, 6, 23), (1, 3, 11)):
        pixels = example.image[:, 4 * row : 4 * row + 4, 4 * col : 4 * col + 4]
        assert (found.window(row, col) == pixels).all()
        by_hand = float((pixels.astype(np.float64) * found.filters[number]).sum())
        by_hand += float(found.bias[number])
        assert found.products[row, col, number] == pytest.approx(by_hand, abs=1e-5)
    sums = found.products.reshape(21, 24) + found.places[3:]
    np.testing.assert_allclose(found.state[3:], sums, atol=1e-5)
    prefix = example.network.prefix()[0].detach().numpy() + found.places[:3]
    np.testing.assert_allclose(found.state[:3], prefix, atol=1e-5)
    assert (found.places[2] == 0).all(), "a register has no place"


def test_the_first_state_is_the_networks_own(trace: Trace) -> None:
    found, config = embedding(trace), trace.network.config
    if config.patch_norms:
        assert found is None, "its pixels are normalised first"
        return
    assert found is not None
    with torch.no_grad():
        own = trace.network.embed(trace.input())[0].numpy()
    np.testing.assert_allclose(found.state, own, atol=1e-6)
    assert (found.places is not None) == config.embedded_positions
    assert bool(found.within) == bool(config.rope or config.relative_positions)


@pytest.mark.parametrize("layer", [0, 2])
def test_the_steps_of_attention_are_the_networks_own(trace: Trace, layer: int) -> None:
    """The weights are the rows of the trace, which come from other code; the mix is what the
    network projects.
    """
    query = 4
    found = attention_steps(trace, layer, query)
    assert found is not None
    np.testing.assert_allclose(found.weights, trace.row(layer, query), atol=1e-5)
    for head in range(3):
        for key in (0, 5, 20):
            product = sum(
                float(a) * float(b) for a, b in zip(found.q[head], found.k[head, key], strict=True)
            )
            assert found.products[head, key] == pytest.approx(product, rel=1e-4, abs=1e-4)
        mix = found.weights[head].astype(np.float64) @ found.v[head]
        np.testing.assert_allclose(found.mixed[head], mix, atol=1e-4)
        own = found.at_temperature(head, 1.0)
        np.testing.assert_allclose(found.weights[head], own, atol=1e-5)
        lengths = [
            np.linalg.norm(w * v) for w, v in zip(found.weights[head], found.v[head], strict=True)
        ]
        np.testing.assert_allclose(found.weighted(head), lengths, rtol=1e-4)


def test_a_cold_softmax_chooses_and_a_hot_one_does_not() -> None:
    numbers = np.array([1.0, 3.0, 2.0], np.float32)
    assert at_temperature(numbers, 1e-3).tolist() == [0, 1, 0]
    np.testing.assert_allclose(at_temperature(numbers, 1e6), 1 / 3, rtol=1e-4)


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_steps_within_windows(layer: int) -> None:
    """Windows that are shifted, padded and biased; and one block where all look at all."""
    network = windowed.toy()
    image = np.random.default_rng(8).normal(size=(3, *windowed.SIZE)).astype(np.float32)
    image.flags.writeable = False
    geometry = Geometry(windowed.SIZE, windowed.SIZE, (0, 0), windowed.SIZE, windowed.PATCH)
    trace = run(network, image, geometry)
    for query in (0, 17, 34):
        found = attention_steps(trace, layer, query)
        assert found is not None
        row = np.zeros((windowed.HEADS, 35))
        row[:, found.members] = found.weights
        np.testing.assert_allclose(row, trace.row(layer, query), atol=1e-5)
        assert (np.diff(found.members) > 0).all()
        assert len(found.members) + found.padded.shape[1] == (35 if layer == 2 else 6)
        for head in range(windowed.HEADS):
            np.testing.assert_allclose(
                found.at_temperature(head, 1.0), found.weights[head], atol=1e-5
            )


def test_what_the_parts_add_is_what_the_layer_is_more_than_before(trace: Trace) -> None:
    """Of all kinds of blocks: their states differ by what their two parts add."""
    network, states = trace.network, trace.kept
    found = list(layer_parts(trace))
    steps = network.steps((12, 28))
    for layer, parts in enumerate(found):
        with torch.inference_mode(), watching() as said:
            out = steps[layer](states[layer], softmax_attention)
        total = states[layer] + said.added["attention"] + said.added["MLP"]
        np.testing.assert_allclose(out.numpy(), total.numpy(), atol=1e-4)
        for name in ("attention", "MLP"):
            lengths = said.added[name][0].norm(dim=-1).numpy()
            np.testing.assert_allclose(parts.added[name], lengths, rtol=1e-4)
        np.testing.assert_allclose(parts.after, trace.norms[layer], rtol=1e-4)


def test_the_readers_add_up_to_the_answer(trace: Trace) -> None:
    classes = (6, 0, 3)
    found = readings(trace, classes)
    assert len(found) == (2 if "dist" in trace.outline.prefix else 1)
    logits = np.mean([one.products.sum(1) + one.biases for one in found], axis=0)
    np.testing.assert_allclose(logits, trace.logits[list(classes)], atol=1e-4)


def test_without_places_the_order_does_not_matter(trace: Trace) -> None:
    """A bag of patches: a closed form for "positions off" and "shuffle" together."""
    order = shuffled_order(21, 3)
    image = np.random.default_rng(1).normal(size=(3, 12, 28)).astype(np.float32)
    whole, unplaced = trace.network, trace.network.unplaced()
    there, shuffled = (torch.tensor(one[None]) for one in (image, with_order(image, 4, order)))
    assert (with_order(image, 4, np.arange(21)) == image).all()
    with torch.no_grad():
        own, blind = unplaced(there), unplaced(shuffled)
        np.testing.assert_allclose(own.numpy(), blind.numpy(), atol=1e-4)
        assert (whole(there) - whole(shuffled)).abs().max() > 1e-3
        assert (whole(there) - own).abs().max() > 1e-3, "the whole one still knows places"


class Places(Network):
    """Nothing but what ``Network`` gives."""


def test_a_network_that_says_nothing_is_asked_nothing() -> None:
    network = Places()
    assert network.filters((8, 8)) is None
    assert network.placing((8, 8)) is None
    assert network.unplaced() is None
    assert network.readers(torch.zeros(1, 2, 3)) == ()


@pytest.mark.parametrize("family", ["efficientnet", "resnet", "convnext"])
def test_one_window_of_a_convolution(family: str) -> None:
    network, size = random_network(FAMILIES[family]), (56, 84)
    image = np.random.default_rng(2).normal(size=(3, *size)).astype(np.float32)
    image.flags.writeable = False
    outline = network.outline(size)
    trace = run(network, image, Geometry(size, size, (0, 0), size, outline.layers[0].patch))
    asked = 0
    for layer, of in enumerate(outline.layers):
        found = convolution_steps(trace, layer, (0, of.grid[1] - 1))
        if found is None:
            continue
        asked += 1
        bias = found.plane[0, of.grid[1] - 1] - found.total
        other = convolution_steps(trace, layer, (of.grid[0] // 2, 0), found.channel)
        here = other.plane[of.grid[0] // 2, 0]
        assert here == pytest.approx(other.total + bias, abs=1e-4), "one bias for all places"
        assert found.channel == found.strongest[0]
        if found.reads == 1:
            np.testing.assert_allclose(found.products, found.window * found.kernel, atol=1e-6)
    assert asked
    logits = np.mean([r.products.sum(1) + r.biases for r in readings(trace, (1, 0))], axis=0)
    np.testing.assert_allclose(logits, trace.logits[[1, 0]], atol=1e-4)
    first = embedding(trace)
    assert first is not None
    height, width = first.products.shape[:2]
    for row, col in ((0, 0), (height - 1, width - 1), (1, 2)):
        by_hand = (first.window(row, col) * first.filters).sum((1, 2, 3))
        by_hand = by_hand if first.bias is None else by_hand + first.bias
        np.testing.assert_allclose(first.products[row, col], by_hand, atol=1e-4)
