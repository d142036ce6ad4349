"""A network in words follows from its outline."""

from __future__ import annotations

from dataclasses import replace

from vitviz.models.loading import bundled
from vitviz.models.outline import LayerOutline, Outline
from vitviz.wording.models import shape


def test_the_shape_of_a_vision_transformer() -> None:
    (card, *_) = bundled()
    assert shape(card.outline) == "12 layers, 3 heads, width 192, MLP 768, patch 16"


def test_what_a_network_does_not_have_is_not_said() -> None:
    layers = (LayerOutline("stage 1", (6, 10), 4), LayerOutline("stage 2", (3, 5), 8))
    network = Outline(layers, (), 0, 1000, frozenset({"states"}))
    assert shape(network) == "2 layers"
    heads = replace(layers[1], heads=4)
    named = replace(network, layers=(layers[0], heads), sizes=(("width", 96),))
    assert shape(named) == "2 layers, 4 heads, width 96"


def test_one_of_each_is_not_several() -> None:
    one = Outline((LayerOutline("block 1", (3, 5), 4, 1),), (), 1, 99, frozenset({"attention"}))
    assert shape(one) == "1 layer, 1 head"
