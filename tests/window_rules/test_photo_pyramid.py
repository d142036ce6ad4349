"""Halvings of a photo."""

from __future__ import annotations

import numpy as np
import pytest

from vitviz.gui.canvas.pyramid import pyramid


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (701, 1234, 3), dtype=np.uint8)


def test_every_level_is_half_the_one_before_rounded_up(pixels: np.ndarray) -> None:
    levels = pyramid(pixels).levels
    assert levels[0] is pixels
    assert [level.shape[:2] for level in levels] == [(701, 1234), (351, 617), (176, 309), (88, 155)]


def test_every_pixel_is_the_mean_of_four(pixels: np.ndarray) -> None:
    half = pyramid(pixels).levels[1]
    four = pixels[:700, :1234].reshape(350, 2, 617, 2, 3).astype(float).mean(axis=(1, 3))
    assert np.abs(half[:350] - four).max() <= 0.5


@pytest.mark.parametrize(
    ("scale", "level"), [(4.0, 0), (1.0, 0), (0.51, 0), (0.5, 1), (0.3, 1), (0.25, 2), (0.001, 3)]
)
def test_the_level_has_a_pixel_for_every_pixel_drawn(
    pixels: np.ndarray, scale: float, level: int
) -> None:
    assert pyramid(pixels).level(scale) == level


def test_small_photos_have_one_level() -> None:
    assert len(pyramid(np.zeros((200, 256, 3), np.uint8)).levels) == 1
