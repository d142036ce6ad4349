"""Geometry inverts preprocessing for any photo and any rule."""

from __future__ import annotations

import itertools
import math
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitviz.imaging.geometry import Geometry
from vitviz.imaging.preprocess import MOST_TOKENS, InputChoice, Preprocessing, ResizeRule, fit

sides = st.integers(1, 6000)
photo_sizes = st.tuples(sides, sides)
rules = st.sampled_from(list(get_args(ResizeRule)))


@st.composite
def preprocessings(draw: st.DrawFn) -> Preprocessing:
    patch = draw(st.sampled_from([8, 14, 16, 32]))
    rows, cols = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    return Preprocessing(
        input_size=(rows * patch, cols * patch),
        patch=patch,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        rule=draw(rules),
        edge=draw(st.integers(1, 600)),
    )


choices = st.builds(InputChoice, st.sampled_from(["as trained", "whole photo"]), st.integers(1, 4))
geometries = st.builds(fit, photo_sizes, preprocessings(), choices)


def close(point: tuple[float, float], other: tuple[float, float], geometry: Geometry) -> bool:
    """Equal but for rounding, whatever the size of the numbers on the way."""
    largest = max(*geometry.photo_size, *geometry.resized_size)
    return all(abs(a - b) <= 1e-9 * largest for a, b in zip(point, other, strict=True))


@given(geometries, st.floats(-100, 7000), st.floats(-100, 7000))
def test_to_photo_undoes_to_input(geometry, x, y):
    assert close(geometry.to_photo(*geometry.to_input(x, y)), (x, y), geometry)


@given(geometries, st.floats(-100, 7000), st.floats(-100, 7000))
def test_to_input_undoes_to_photo(geometry, x, y):
    assert close(geometry.to_input(*geometry.to_photo(x, y)), (x, y), geometry)


@given(geometries, st.data())
def test_the_patch_at_a_patchs_centre_is_that_patch(geometry, data):
    rows, cols = geometry.grid
    row, col = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, cols - 1))
    assert geometry.patch_at(*geometry.patch_box(row, col).centre) == (row, col)


@given(geometries, st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_a_point_lies_in_the_box_of_the_patch_over_it(geometry, across, down):
    window = geometry.window
    x, y = window.left + across * window.width, window.top + down * window.height
    patch = geometry.patch_at(x, y)
    slack = 1e-9 * max(*geometry.photo_size, *geometry.resized_size)
    if patch is None:  # Rounding may push a point on the border outside.
        assert min(x - window.left, window.right - x, y - window.top, window.bottom - y) <= slack
        return
    box = geometry.patch_box(*patch)
    assert box.left - slack <= x <= box.right + slack
    assert box.top - slack <= y <= box.bottom + slack


@given(geometries)
def test_patch_boxes_tile_the_window_exactly(geometry):
    rows, cols = geometry.grid
    window = geometry.window
    for row in range(rows):
        boxes = [geometry.patch_box(row, col) for col in range(cols)]
        assert (boxes[0].left, boxes[-1].right) == (window.left, window.right)
        for box, following in itertools.pairwise(boxes):
            assert box.right == following.left
    column = [geometry.patch_box(row, 0) for row in range(rows)]
    assert (column[0].top, column[-1].bottom) == (window.top, window.bottom)
    for box, following in itertools.pairwise(column):
        assert box.bottom == following.top


@given(geometries)
def test_what_was_seen_is_a_part_of_the_photo(geometry):
    seen, (height, width) = geometry.seen, geometry.photo_size
    assert 0 <= seen.left < seen.right <= width
    assert 0 <= seen.top < seen.bottom <= height


@given(geometries)
def test_outside_the_window_there_is_no_patch(geometry):
    window = geometry.window
    x, y = window.centre
    far = max(*geometry.photo_size) + 1.0
    assert geometry.patch_at(window.left - far, y) is None
    assert geometry.patch_at(window.right + far, y) is None
    assert geometry.patch_at(x, window.top - far) is None
    assert geometry.patch_at(x, window.bottom + far) is None


@given(photo_sizes, preprocessings(), st.integers(1, 4))
def test_the_whole_photo_is_seen_and_nothing_else(photo_size, preprocessing, fineness):
    geometry = fit(photo_size, preprocessing, InputChoice("whole photo", fineness))
    height, width = photo_size
    assert tuple(geometry.seen) == tuple(geometry.window) == (0, 0, width, height)
    rows, cols = geometry.grid
    own = math.prod(side // preprocessing.patch for side in preprocessing.input_size)
    assert rows % fineness == cols % fineness == 0
    assert rows * cols <= MOST_TOKENS * own * fineness**2


@given(photo_sizes, preprocessings())
def test_as_trained_is_the_models_own_input_centred_on_the_photo(photo_size, preprocessing):
    geometry = fit(photo_size, preprocessing, InputChoice())
    assert geometry.input_size == preprocessing.input_size
    vertical, horizontal = geometry.scale
    x, y = geometry.window.centre
    # Half a pixel of the resized photo: origins are whole.
    assert abs(x - photo_size[1] / 2) <= 0.5 * horizontal + 1e-6
    assert abs(y - photo_size[0] / 2) <= 0.5 * vertical + 1e-6


@given(photo_sizes, preprocessings())
def test_padding_never_crops(photo_size, preprocessing):
    if preprocessing.rule != "longest edge, then pad" or preprocessing.edge > min(
        preprocessing.input_size
    ):
        return
    height, width = photo_size
    seen = fit(photo_size, preprocessing, InputChoice()).seen
    assert tuple(seen) == pytest.approx((0, 0, width, height))


@given(geometries, st.sampled_from([-1, 10_000]))
def test_there_are_no_patches_off_the_grid(geometry, number):
    with pytest.raises(IndexError):
        geometry.patch_box(number, 0)
    with pytest.raises(IndexError):
        geometry.patch_box(0, number)
