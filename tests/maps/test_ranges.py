"""Shared and separate ranges of maps beside each other."""

from __future__ import annotations

import numpy as np

from tests.explanations import explanation_of
from vitviz.maps.ranges import ColourRange, ExplainedMap, ranges
from vitviz.models.tokens import TokenLayout

LAYOUT = TokenLayout(("cls", "dist"), (3, 5))


def made(low: float, high: float, unit: str = "attention") -> ExplainedMap:
    """Layer 1 reaches from low to high, layer 2 ten times as far."""
    row = np.linspace(low, high, 15, dtype=np.float32)
    values = np.stack([np.concatenate([[99, 99], row * factor]) for factor in (1, 10)])
    explanation = explanation_of(values[:, None].astype(np.float32), (0, 1), None, LAYOUT, unit)
    return ExplainedMap(explanation.map(0, "mean"), explanation)


MAPS = [made(1, 2), None, made(3, 8, "rollout"), made(-1, 1.5), made(0.5, 4)]


def test_each_has_its_own() -> None:
    expected = (
        ColourRange(1, 2),
        None,
        ColourRange(3, 8),
        ColourRange(-1, 1.5),
        ColourRange(0.5, 4),
    )
    assert ranges(MAPS, "each", shared=False) == expected


def test_one_unit_shares_one_range_and_says_with_whom() -> None:
    together = ColourRange(-1, 4, (0, 3, 4))
    assert ranges(MAPS, "each", shared=True) == (
        together,
        None,
        ColourRange(3, 8),
        together,
        together,
    )


def test_ranges_from_zero_and_of_all_layers_are_shared_too() -> None:
    assert ranges(MAPS, "zero", shared=True)[0] == ColourRange(0, 4, (0, 3, 4))
    assert ranges(MAPS, "shared", shared=True)[0] == ColourRange(-10, 40, (0, 3, 4))
    assert ranges(MAPS, (0.0, 7.0), shared=True)[0] == ColourRange(0, 7, (0, 3, 4))
    assert ranges(MAPS, (0.0, 7.0), shared=False)[0] == ColourRange(0, 7)


def test_nothing() -> None:
    assert ranges([], "each", shared=True) == ()
