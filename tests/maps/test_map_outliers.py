"""Outlier patches under a map: what they hold, and maps without them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.explanations import explanation_of, plain_geometry
from vitviz.errors import VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.maps.heat_map import Explanation, Quantity
from vitviz.maps.outliers import OnOutliers, on_outliers, strokes
from vitviz.maps.overlay import drawn
from vitviz.maps.ranges import look, value_range
from vitviz.maps.style import Style
from vitviz.models.tokens import TokenLayout
from vitviz.trust.judgement import require_judgeable
from vitviz.wording.caption import outlier_words, outlier_words_of_each

LAYOUT = TokenLayout(("cls", "reg1"), (3, 5))
MASK = np.zeros(15, bool)
MASK[[1, 7]] = True


def explanation(choice: str = "show", known: bool = True) -> Explanation:
    """Two layers, one head; patches 1 and 7 of each are outliers, and hold 40 of 53."""
    values = np.ones((2, 1, 17), np.float32)
    values[:, :, [2 + 1, 2 + 7]] = 10, 30
    values[1] *= 2
    made = explanation_of(values, (0, 1), "mean", LAYOUT, "attention", shares=False)
    return replace(made, outliers={0: MASK, 1: MASK} if known else {}, choice=choice)  # type: ignore[arg-type]


def test_what_outliers_hold_is_of_the_maps_positive_sum() -> None:
    on = explanation().map(0, "mean").outliers
    assert on is not None
    assert (on.count, on.share, on.signed) == (2, pytest.approx(40 / 53), False)
    signed = on_outliers(np.array([[-5, 3, 1]], np.float32), np.array([True, True, False]), "show")
    assert signed is not None
    assert (signed.count, signed.share, signed.signed) == (2, 0.75, True)
    nothing = on_outliers(np.full((1, 3), -1, np.float32), np.array([True, False, False]), "show")
    assert nothing is not None
    assert nothing.share == 0


def test_maps_of_layers_of_which_nothing_is_known_say_nothing() -> None:
    for choice in ("show", "highlight", "exclude"):
        heat_map = explanation(choice, known=False).map(1, "mean")
        assert heat_map.outliers is None
        assert np.isfinite(heat_map.values).all()
    no_outliers = replace(explanation("exclude"), outliers={0: np.zeros(15, bool)})
    assert no_outliers.map(0, "mean").outliers is None


@pytest.mark.parametrize(
    ("count", "share", "dominate"),
    [(2, 0.09, False), (2, 0.11, True), (10, 0.19, False), (10, 0.21, True)],
)
def test_they_dominate_where_they_hold_much_and_more_than_their_part(
    count: int, share: float, dominate: bool
) -> None:
    """Of 200: two are a hundredth; ten are a twentieth, four times which is a fifth."""
    patches = np.zeros((10, 20), bool)
    patches.ravel()[:count] = True
    assert OnOutliers(patches, share, False, "show").dominate is dominate


def test_those_left_out_are_in_no_map_and_in_no_range() -> None:
    shown, left_out = explanation(), explanation("exclude")
    whole, part = shown.map(0, "mean"), left_out.map(0, "mean")
    assert np.flatnonzero(np.isnan(part.values)).tolist() == [1, 7]
    assert part.known == 13
    assert value_range("each", whole, shown) == (1, 30)
    assert value_range("each", part, left_out) == (1, 1)
    assert value_range("shared", whole, shown) == (1, 60)
    assert value_range("shared", part, left_out) == (1, 2)
    assert part.rank(0, 0) == 1
    assert part.outliers is not None
    assert part.outliers.share == pytest.approx(40 / 53), "of the whole map all the same"
    assert np.isfinite(shown.by_layer[0].values).all(), "the answer itself is not changed"
    highlighted = explanation("highlight").map(0, "mean")
    assert (highlighted.values == whole.values).all()


def test_a_map_without_them_is_not_judged_as_if_it_were_whole() -> None:
    require_judgeable(explanation().map(0, "mean"))
    require_judgeable(explanation("highlight").map(0, "mean"))
    with pytest.raises(VitvizError, match="left out"):
        require_judgeable(explanation("exclude").map(0, "mean"))


@pytest.mark.parametrize(
    ("count", "share", "signed", "choice", "words"),
    [
        (3, 0.412, False, "show", "3 outlier patches hold 41.2 % of this map"),
        (1, 0.41, False, "show", "1 outlier patch holds 41 % of this map"),
        (3, 0.05, False, "show", ""),
        (3, 0.05, False, "exclude",
         "left out, hatched: 3 outlier patches, which hold 5 % of this map"),
        (1, 0.05, True, "highlight",
         "framed: 1 outlier patch, which holds 5 % of the positive values of this map"),
    ],
)  # fmt: skip
def test_what_is_said(count: int, share: float, signed: bool, choice: str, words: str) -> None:
    patches = np.zeros((10, 20), bool)
    patches.ravel()[:count] = True
    on = OnOutliers(patches, share, signed, choice)  # type: ignore[arg-type]
    assert outlier_words(on) == words


def test_what_is_said_of_several_maps() -> None:
    patches = np.zeros((10, 20), bool)
    patches[0, 0] = True
    low, high = (OnOutliers(patches, share, False, "show") for share in (0.02, 0.5))
    assert outlier_words_of_each([low]) == ""
    assert outlier_words_of_each([low, high]) == "outlier patches hold up to 50 % of a map"
    left_out = replace(low, choice="exclude")
    assert outlier_words_of_each([left_out, left_out]) == (
        "left out, hatched: outlier patches, which hold up to 2 % of a map"
    )


@pytest.mark.parametrize("smooth", [False, True])
def test_those_left_out_show_the_photo_under_a_hatch(smooth: bool) -> None:
    geometry = Geometry((300, 500), (12, 20), (0, 0), (12, 20), 4)
    by_layer = {
        layer: replace(maps, geometry=geometry) for layer, maps in explanation().by_layer.items()
    }
    photo, style = np.full((300, 500, 3), 90, np.uint8), Style(smooth=smooth, fade=False)
    pictures = {}
    for choice in ("show", "highlight", "exclude"):
        known = replace(explanation(choice), by_layer=by_layer)
        heat_map = known.map(0, "mean")
        pictures[choice] = drawn(photo, heat_map, look(style, heat_map, known))
    patch = pictures["exclude"][4:96, 104:196].reshape(-1, 3)
    bare = (patch == 90).all(axis=1).mean()
    assert 0.3 < bare < 0.95, "the photo, and lines over it"
    framed = (pictures["highlight"] != pictures["show"]).any(axis=2)
    assert framed[50, 100]
    assert framed[100, 150]
    assert not framed[10:90, 110:190].any()
    assert not framed[:, 320:].any()


def test_lines_stay_on_the_photo_and_in_their_patches() -> None:
    padded = Geometry((20, 30), (20, 30), (-5, 0), (30, 30), 10)
    patches = np.zeros((3, 3), bool)
    patches[0, 1] = True
    lines = strokes(OnOutliers(patches, 0.5, False, "exclude"), padded)
    assert len(lines) > 4
    assert all(10 <= x <= 20 for line in lines for x in (line.left, line.right))
    assert all(0 <= y <= 5 for line in lines for y in (line.top, line.bottom))
    assert strokes(OnOutliers(patches, 0.5, False, "show"), padded) == ()
    assert strokes(None, plain_geometry((3, 3))) == ()


def test_signed_maps_without_them_keep_zero_in_the_middle() -> None:
    made = replace(explanation("exclude"), quantity=Quantity("relevance", "signed"))
    assert value_range("each", made.map(0, "mean"), made) == (-1, 1)
