"""The panel of predictions says what each head of a distilled DeiT says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.samples import request_for
from vitviz.engine.engine import Engine
from vitviz.gui.panels.predictions import heads_words
from vitviz.models.outline import Outline


def test_each_head_is_named_with_its_first_class(checkpoint: Path, photo: Path) -> None:
    cell = Engine().answer(request_for(photo, checkpoint))
    assert heads_words(cell) == ""

    class Card(type(cell.card)):  # the card of a network with two heads
        def outline_at(self, input_size: tuple[int, int]) -> Outline:
            return replace(super().outline_at(input_size), readouts=("cls", "dist"))

    shares = np.full((2, 7), 0.05, np.float32)
    shares[0, 3], shares[1, 5] = 0.7, 0.6
    card = Card(**{name: getattr(cell.card, name) for name in cell.card.__dataclass_fields__})
    words = heads_words(replace(cell, card=card, readouts=shares))
    assert words == "The mean of 2 heads. cls: class 3, 70.0 %; dist: class 5, 60.0 %."
