"""A picture with its colour bar and words: the picture stays as it is, the bar is right."""

from __future__ import annotations

import numpy as np
import pytest

from vitviz.exporting.plate import Plate, Words, sheet
from vitviz.maps.bar import ColourBar
from vitviz.maps.overlay import over_grey
from vitviz.maps.style import Style

PIXELS = np.random.default_rng(1).integers(0, 256, (150, 220, 3), np.uint8)
BAR = ColourBar(0.0, 0.02, "attention", Style())
CAPTION = "Attention of CLS · layer 3 · mean of 6 heads · 6.3 % on CLS, not shown"


def test_the_picture_stands_in_it_pixel_for_pixel() -> None:
    words = Words("Layer 3 of 12", CAPTION)
    plate = Plate((150, 220), BAR, [words])
    drawn = plate.draw(PIXELS, words)
    assert drawn.shape == (*plate.size, 3)
    top, left = plate.origin
    np.testing.assert_array_equal(drawn[top : top + 150, left : left + 220], PIXELS)
    np.testing.assert_array_equal(drawn, plate.draw(PIXELS, words))


def test_nothing_is_cut_off_at_the_edges() -> None:
    for size in ((150, 220), (40, 30), (30, 400), (900, 300)):
        for style in (Style(), Style(scaling="log"), Style(scaling="root")):
            scale = ColourBar(1e-7, 0.123, "attention relevance", style, ("shared by a, b, c",))
            words = Words("a   layer 12 · head 3", CAPTION)
            plate = Plate(size, scale, [words])
            drawn = plate.draw(np.zeros((*size, 3), np.uint8), words)
            edges = (drawn[:4], drawn[-4:], drawn[:, :4], drawn[:, -4:])
            assert all((edge == 255).all() for edge in edges), (size, style.scaling)


def test_room_is_made_for_the_longest_caption() -> None:
    words = [Words("", "short"), Words("", CAPTION * 3)]
    plate = Plate((60, 80), None, words)
    assert (
        plate.draw(PIXELS[:60, :80], words[0]).shape == plate.draw(PIXELS[:60, :80], words[1]).shape
    )
    assert plate.size[0] > Plate((60, 80), None, words[:1]).size[0]


def test_without_words_and_bar_there_is_only_a_margin() -> None:
    plate = Plate((150, 220), None)
    top, left = plate.origin
    drawn = plate.draw(PIXELS, Words())
    mask = np.ones(drawn.shape[:2], bool)
    mask[top : top + 150, left : left + 220] = False
    assert (drawn[mask] == 255).all()


def test_the_bar_has_the_colours_from_high_to_low() -> None:
    style = Style(opacity=1, fade=False)
    plate = Plate((150, 220), ColourBar(0.0, 0.02, "attention", style), [])
    drawn = plate.draw(np.full((150, 220, 3), 255, np.uint8), Words()).astype(int)
    # Ink is grey; the bar is where most rows are not.
    coloured = np.ptp(drawn, axis=2) > 30
    column = int(np.argmax(coloured.sum(0))) + 2
    rows = coloured[:, column].nonzero()[0]
    found = drawn[rows[0] : rows[-1] + 1, column]
    bar = over_grey(style)[::-1].astype(int)
    assert len(found) > 60
    places = [int(np.abs(bar - colour).sum(1).argmin()) for colour in found]
    assert places == sorted(places)
    assert places[0] < 12
    assert places[-1] > 200, "the darkest colours are as grey as ink"


@pytest.mark.parametrize("value", [0.0, 0.02])
def test_a_range_without_length_has_a_bar_too(value: float) -> None:
    plate = Plate((150, 220), ColourBar(value, value, "attention", Style()), [])
    assert plate.draw(PIXELS, Words()).shape == (*plate.size, 3)


def test_a_sheet_has_everything_in_its_place() -> None:
    plates = [np.full((10 + i, 20 - i, 3), 50 * i, np.uint8) for i in range(5)]
    whole = sheet(plates, 3)
    assert whole.shape == (12 + 14, 20 + 19 + 18, 3)
    np.testing.assert_array_equal(whole[:11, 20:39], plates[1])
    np.testing.assert_array_equal(whole[12:26, 20:36], plates[4])
    assert (whole[12:, 39:] == 255).all()
