"""What is told of a photo, step by step, through the engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vitviz.engine.engine import Engine
from vitviz.engine.station_requests import (
    BlockRequest,
    EmbeddingRequest,
    LensRequest,
    PartsRequest,
    ReadingsRequest,
    WhatIfRequest,
)
from vitviz.errors import VitvizError
from vitviz.imaging.preprocess import InputChoice
from vitviz.probing.ablation import Ablation
from vitviz.session.state import PhotoRef

WHITE = (255, 255, 255)


def test_the_race_ends_with_the_answer(checkpoint: Path, photo: Path) -> None:
    request = LensRequest(PhotoRef(str(photo)), WHITE, str(checkpoint), InputChoice(), device="cpu")
    lens = Engine().answer(request)
    assert lens.logits.shape == (3, 7)
    np.testing.assert_allclose(lens.shares.sum(1), 1, rtol=1e-5)
    assert lens.target == lens.logits[-1].argmax()
    assert lens.patches is not None
    assert lens.patches.best.shape == (3, 15)
    assert (lens.patches.best_share >= lens.patches.target_share).all()


def test_a_head_that_can_read_the_last_layer_alone(photo: Path) -> None:
    request = LensRequest(PhotoRef(str(photo)), WHITE, "efficientnet-lite0", InputChoice())
    with pytest.raises(VitvizError, match="can read its last layer alone"):
        Engine().answer(request)


def asked(kind: type, model: str, photo: Path, **more: object):  # type: ignore[no-untyped-def]
    request = kind(PhotoRef(str(photo)), WHITE, model, InputChoice(), device="cpu", **more)
    return Engine().answer(request)


def test_a_block_is_asked_about_one_token(checkpoint: Path, photo: Path) -> None:
    """The query of the session: a name, a place on the photo; of all patches the middle one."""
    cls = asked(BlockRequest, str(checkpoint), photo)
    assert (cls.layer, cls.token) == (1, 0)
    assert cls.attention.weights.shape == (3, 18)
    place = cls.geometry.patch_box(2, 4).centre
    assert asked(BlockRequest, str(checkpoint), photo, query=place).token == 3 + 14
    assert asked(BlockRequest, str(checkpoint), photo, query="reg2").token == 2
    middle = asked(BlockRequest, str(checkpoint), photo, query="patches", layer=-9)
    assert (middle.layer, middle.token) == (0, 3 + 7)
    silent = asked(BlockRequest, str(checkpoint), photo, ablation=Ablation(((1, 0),)))
    assert (silent.attention.weights == cls.attention.weights).all(), "silent heads still look"


def test_removed_patches_are_not_looked_at(checkpoint: Path, photo: Path) -> None:
    whole = asked(BlockRequest, str(checkpoint), photo)
    gone = Ablation().with_place(whole.geometry.patch_box(1, 1), gone=True)
    without = asked(BlockRequest, str(checkpoint), photo, ablation=gone)
    assert (without.attention.weights[:, 3 + 6] == 0).all()
    assert (whole.attention.weights[:, 3 + 6] > 0).all()
    assert np.isneginf(without.attention.scaled[:, 3 + 6]).all()


def test_a_convolution_is_asked_about_one_place(photo: Path) -> None:
    steps = asked(BlockRequest, "efficientnet-lite0", photo, layer=4, channel=3)
    assert steps.attention is None
    assert steps.convolution.kernel.shape == (5, 5)
    assert steps.convolution.channel == 3
    first = asked(EmbeddingRequest, "efficientnet-lite0", photo)
    assert first.embedding.filters.shape == (32, 3, 3, 3)
    assert first.embedding.places is None


def test_scores_are_what_the_heads_read(checkpoint: Path, photo: Path) -> None:
    best = asked(ReadingsRequest, str(checkpoint), photo)
    assert len(best.classes) == 5
    assert (np.diff(best.logits) <= 0).all()
    (reading,) = best.readings
    np.testing.assert_allclose(reading.products.sum(1) + reading.biases, best.logits, atol=1e-5)
    chosen = asked(ReadingsRequest, str(checkpoint), photo, classes=(6, 99, 2))
    assert chosen.classes == (6, 2), "what there is of them"


def test_what_if(checkpoint: Path, photo: Path) -> None:
    """Shuffled, without places: the answer is that of the ordered photo without places."""
    usual = asked(WhatIfRequest, str(checkpoint), photo)
    assert (usual.shares == usual.usual).all()
    blind = asked(WhatIfRequest, str(checkpoint), photo, unplaced=True)
    both = asked(WhatIfRequest, str(checkpoint), photo, unplaced=True, shuffled=True, seed=4)
    np.testing.assert_allclose(blind.shares, both.shares, rtol=1e-3)
    assert np.abs(blind.shares - usual.shares).max() > 1e-3
    assert (both.input_pixels != usual.input_pixels).any()
    assert both.method == "attention"
    with pytest.raises(VitvizError, match="no positions that could be left out"):
        asked(WhatIfRequest, "efficientnet-lite0", photo, unplaced=True)
    assert asked(WhatIfRequest, "efficientnet-lite0", photo, shuffled=True).method == "feature-norm"


def test_parts_of_each_layer(checkpoint: Path, photo: Path) -> None:
    parts = asked(PartsRequest, str(checkpoint), photo)
    assert [one.layer for one in parts.layers] == [0, 1]
    assert set(parts.layers[0].added) == {"attention", "MLP"}
    assert parts.layers[0].before.shape == (18,)
    assert (parts.layers[0].after == parts.layers[1].before).all()
