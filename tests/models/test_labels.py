"""Names of classes."""

from __future__ import annotations

from vitviz.models.labels import SETS, class_names


def test_imagenet_has_a_thousand_names_that_can_be_told_apart() -> None:
    names = class_names("imagenet-1k")
    assert len(names) == SETS["imagenet-1k"] == 1000
    assert len({name.casefold() for name in names}) == 1000
    assert all(name and name == name.strip() for name in names)


def test_the_order_is_that_of_every_classifier() -> None:
    from torchvision.models import ViT_B_16_Weights

    published = ViT_B_16_Weights.IMAGENET1K_V1.meta["categories"]
    ours = class_names("imagenet-1k")
    assert {i: name for i, name in enumerate(ours) if name != published[i]} == {
        264: "Cardigan (dog)",
        474: "cardigan (garment)",
        517: "crane (machine)",
    }


def test_an_unknown_set_has_no_names() -> None:
    assert class_names("../../secrets") == ()
    assert class_names("") == ()
