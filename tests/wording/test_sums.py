"""What a map adds up to, in words."""

from __future__ import annotations

import pytest

from vitviz.maps.heat_map import Completeness
from vitviz.wording.caption import sums_words


@pytest.mark.parametrize(
    ("sums", "words"),
    [
        (
            Completeness(9.31, "the logit", 4.1, 2.2, 3.010003),
            "adds up to the logit, 9.31, within 3e-06: patches 4.1, prefix tokens 2.2, biases 3.01",
        ),
        (Completeness(-2.0, "the logit", -2.0), "adds up to the logit, -2, within 0: patches -2"),
        (
            Completeness(11.9, "the change", 11.08),
            "misses the change, 11.9, by 0.82: patches 11.1",
        ),
    ],
)
def test_sums(sums: Completeness, words: str) -> None:
    assert sums_words(sums) == words
