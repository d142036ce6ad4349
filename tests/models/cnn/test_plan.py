"""Where patches of convolutional networks lie and what they see, against the networks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.models.cnn.networks import FAMILIES, random_input, random_network
from vitviz.imaging.geometry import Geometry
from vitviz.models.cnn.efficientnet.config import BlockShape, EfficientNetConfig, plan
from vitviz.models.cnn.efficientnet.family import EFFICIENTNET
from vitviz.models.cnn.plan import Axis, Conv
from vitviz.models.loading import bundled
from vitviz.models.network import Network, softmax_attention

SIZES = [(45, 67), (64, 96), (33, 40)]


def states(network: Network, image: Tensor) -> list[Tensor]:
    found = [network.embed(image)]
    for step in network.steps((image.shape[2], image.shape[3])):
        found.append(step(found[-1], softmax_attention))
    return found[1:]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
def test_grids_and_widths_are_the_networks_own(family, size) -> None:
    network = random_network(family)
    layers = network.outline(size).layers
    found = states(network, random_input(*size))
    assert [layer.grid for layer in layers] == [tuple(z.shape[2:]) for z in found]
    assert [layer.width for layer in layers] == [z.shape[1] for z in found]
    assert len({layer.name for layer in layers}) == len(layers)
    tokens = [network.as_tokens(z).shape[1] for z in found]
    assert network.cost(size).tokens >= max(tokens)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
def test_parameters_are_counted_right(family) -> None:
    network = random_network(family)
    learned = sum(parameter.numel() for parameter in network.parameters())
    assert network.outline(SIZES[0]).parameters == learned
    assert family.outline(family.specimen(), SIZES[0]) == network.outline(SIZES[0])


def depends(z: Tensor, image: Tensor, row: int, col: int) -> np.ndarray:
    """Which pixels of the input one place of a layer depends on."""
    (slopes,) = torch.autograd.grad(z[0, :, row, col].abs().sum(), image, retain_graph=True)
    return slopes[0].abs().sum(0).numpy() > 0


@pytest.mark.parametrize("size", [(45, 67), (64, 96)])
@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
def test_the_receptive_field_against_gradients(family, size) -> None:
    """Nothing outside of it has a gradient, and its own edges have, in some channel."""
    network = random_network(family).double()
    image = random_input(*size).double().requires_grad_()
    with torch.enable_grad():
        found = states(network, image)
        first_state = network.embed(image).abs().sum()
    (slopes,) = torch.autograd.grad(first_state, image)
    read = slopes[0].abs().sum(0).numpy() > 0  # a stem without padding leaves a last row unread
    for layer, z in zip(network.outline(size).layers, found, strict=True):
        rows, cols = layer.grid
        for row, col in {(0, 0), (rows // 2, cols // 2), (rows - 1, cols - 1)}:
            seen = depends(z, image, row, col)
            if math.isinf(layer.receptive):
                assert seen.mean() > 0.9, layer.name
                continue
            for axis, at in ((0, row), (1, col)):
                length = np.flatnonzero(read.any(axis=1 - axis))[-1] + 1
                centre = layer.offset[axis] + (at + 0.5) * layer.patch
                first, last = centre - layer.receptive / 2, centre + layer.receptive / 2
                places = np.flatnonzero(seen.any(axis=1 - axis))
                assert first == int(first), "between whole pixels"
                assert places[0] == max(first, 0), layer.name
                assert places[-1] + 1 == min(last, length), layer.name


def test_the_bundled_one_sees_what_its_gradients_say() -> None:
    card = next(card for card in bundled() if card.family == "efficientnet")
    layers = card.outline_at((224, 224)).layers
    assert [layer.receptive for layer in layers][:4] == [7, 11, 19, 35]
    assert layers[-1].name == "last convolution"
    assert layers[-1].grid == (7, 7)
    assert layers[-1].offset == (15.5, 15.5), "as TensorFlow pads: half a patch towards the end"
    geometry = Geometry((224, 224), (224, 224), (0, 0), (224, 224), 32)
    there = card.outline_at((224, 224)).geometry(16, geometry)
    assert there.patch_box(0, 0) == (0, 0, 47.5, 47.5)
    assert there.patch_box(1, 1) == (47.5, 47.5, 79.5, 79.5)
    assert there.patch_box(6, 6) == (207.5, 207.5, 224, 224)


def test_each_point_is_of_the_patch_whose_centre_is_nearest() -> None:
    network = random_network(FAMILIES["resnet"])
    size = (45, 67)
    geometry = Geometry(size, size, (0, 0), size, 32)
    for number, layer in enumerate(network.outline(size).layers):
        there = network.outline(size).geometry(number, geometry)
        assert there.grid == layer.grid
        centres = [
            [layer.offset[axis] + (i + 0.5) * layer.patch for i in range(layer.grid[axis])]
            for axis in (0, 1)
        ]
        for y in np.arange(0.25, size[0]):
            for x in np.arange(0.25, size[1], 3):
                nearest = tuple(
                    int(np.abs(np.array(of_axis) - at).argmin())
                    for of_axis, at in zip(centres, (y, x), strict=True)
                )
                assert there.patch_at(x, y) == nearest
                box = there.patch_box(*nearest)
                assert box.left <= x <= box.right
                assert box.top <= y <= box.bottom


@pytest.mark.parametrize(
    ("conv", "size"),
    [(Conv(1, 1, 3, 2, 1), 224), (Conv(1, 1, 5, 2, None), 225), (Conv(1, 1, 2, 2, 0), 7),
     (Conv(1, 1, 7, 1, 3), 9), (Conv(1, 1, 3, 2, None), 10)],
)  # fmt: skip
def test_a_convolution_puts_places_where_its_weights_say(conv, size) -> None:
    """A ramp through a convolution of equal weights gives the middles of what each is made from."""
    after = Axis(size).after(conv)
    before, behind = conv.padded(size)
    ramp = torch.arange(-before, size + behind, dtype=torch.float64) + 0.5
    weights = torch.full((1, 1, conv.kernel), 1 / conv.kernel, dtype=torch.float64)
    middles = F.conv1d(ramp[None, None], weights, stride=conv.stride)[0, 0]
    assert len(middles) == after.count
    np.testing.assert_allclose(middles, after.centre + after.step * np.arange(after.count))


def test_too_small_an_input_is_refused() -> None:
    with pytest.raises(ValueError, match="too small"):
        FAMILIES["convnext"].outline(FAMILIES["convnext"].specimen(), (3, 40))


@pytest.mark.parametrize(
    ("stages", "said"),
    [((), "at least 1"), (((BlockShape(8, 9, expands=False),),), "does not widen"),
     (((BlockShape(8, 0),),), "hidden channels")],
)  # fmt: skip
def test_what_is_no_network_is_refused(stages, said) -> None:
    with pytest.raises(ValueError, match=said):
        EfficientNetConfig(stages, stem=8, last=16)


def test_operations_of_the_bundled_one() -> None:
    """As published: 407 million products and sums (tensorflow/tpu, EfficientNet-Lite)."""
    card = next(card for card in bundled() if card.family == "efficientnet")
    assert EFFICIENTNET.cost(card.config, (224, 224)).flops / 2 == pytest.approx(407e6, rel=0.06)
    assert plan(card.config).parameters == card.outline.parameters == 4_652_008
