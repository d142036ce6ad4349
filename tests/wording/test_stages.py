"""Every stage has words."""

from __future__ import annotations

from typing import get_args

import pytest

from vitviz.progress import Kind, Stage
from vitviz.wording.stages import WORDS, stage_words


def test_every_kind_has_words() -> None:
    assert set(WORDS) == set(get_args(Kind))
    for kind in WORDS:
        words = stage_words(Stage(kind, 2, 12, "rollout"))
        assert words
        assert "{" not in words


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        (Stage("loading_torch"), "Loading PyTorch"),
        (Stage("block", 2, 12), "block 3 of 12"),
        (Stage("gradient_block", 0, 12), "gradient, block 1 of 12"),
        (Stage("method", name="attention"), "attention"),
        (Stage("method_layer", 1, 12, "gradient-rollout"), "gradient rollout, layer 2 of 12"),
        (Stage("opening_photos", 1233, 20_000), "opening photo 1,234 of 20,000"),
        (Stage("step", 40, 4000), "step 41 of 4,000"),
    ],
)
def test_words(stage: Stage, words: str) -> None:
    assert stage_words(stage) == words
