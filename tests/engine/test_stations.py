"""What is told of a photo, step by step, through the engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vitviz.engine.engine import Engine
from vitviz.engine.requests import LensRequest
from vitviz.errors import VitvizError
from vitviz.imaging.preprocess import InputChoice
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
