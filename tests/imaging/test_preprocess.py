"""Preprocessing against torchvision's and timm's own transforms, and against what it claims."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from vitviz.imaging.load import from_pixels
from vitviz.imaging.photo import Photo
from vitviz.imaging.preprocess import (
    MOST_TOKENS,
    InputChoice,
    Preprocessing,
    displayed_input,
    fit,
    model_input,
    whole_photo_grid,
)

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
DEIT = Preprocessing((224, 224), 16, MEAN, STD)
AS_TRAINED, WHOLE = InputChoice(), InputChoice("whole photo")

SIZES = [(300, 401), (401, 300), (224, 224), (256, 256), (61, 77), (1000, 333), (1, 40), (2, 1)]


def noise(size: tuple[int, int]) -> Photo:
    return from_pixels(np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8))


def prepared(photo: Photo, preprocessing: Preprocessing, choice: InputChoice) -> np.ndarray:
    return model_input(photo, fit(photo.size, preprocessing, choice), preprocessing)


# As trained


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("size", SIZES)
def test_shortest_edge_then_crop_is_torchvisions_bit_for_bit(size, interpolation):
    from torchvision import transforms

    reference = transforms.Compose(
        [
            transforms.Resize(256, transforms.InterpolationMode(interpolation)),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )
    photo = noise(size)
    ours = prepared(photo, replace(DEIT, interpolation=interpolation), AS_TRAINED)
    theirs = reference(Image.fromarray(photo.pixels)).numpy()
    assert ours.dtype == np.float32
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("edge", [224, 225, 242, 248, 255, 333])
@pytest.mark.parametrize("crop", [(224, 224), (224, 160), (32, 224)])
def test_every_edge_and_crop_rounds_as_torchvision_does(edge, crop):
    from torchvision import transforms

    reference = transforms.Compose(
        [transforms.Resize(edge), transforms.CenterCrop(crop), transforms.ToTensor()]
    )
    plain = Preprocessing(crop, 16, (0, 0, 0), (1, 1, 1), edge=edge, interpolation="bilinear")
    for size in ((301, 440), (439, 300)):
        photo = noise(size)
        theirs = reference(Image.fromarray(photo.pixels)).numpy()
        np.testing.assert_array_equal(prepared(photo, plain, AS_TRAINED), theirs)


@pytest.mark.parametrize("size", SIZES)
def test_squash_is_torchvisions_bit_for_bit(size):
    from torchvision import transforms

    reference = transforms.Compose(
        [
            transforms.Resize((160, 224), transforms.InterpolationMode.BICUBIC),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )
    photo = noise(size)
    ours = prepared(photo, replace(DEIT, input_size=(160, 224), rule="squash"), AS_TRAINED)
    np.testing.assert_array_equal(ours, reference(Image.fromarray(photo.pixels)).numpy())


@pytest.mark.parametrize("size", SIZES)
def test_deit_as_timm_evaluates_it(size):
    from timm.data import create_transform

    reference = create_transform(
        (3, 224, 224), interpolation="bicubic", mean=MEAN, std=STD, crop_pct=0.9
    )
    photo = noise(size)
    ours = prepared(photo, replace(DEIT, edge=248), AS_TRAINED)
    np.testing.assert_array_equal(ours, reference(Image.fromarray(photo.pixels)).numpy())


@pytest.mark.parametrize("size", [(300, 401), (401, 300), (224, 224), (61, 78), (1000, 333)])
def test_longest_edge_then_pad_is_timms_border_mode(size):
    from timm.data import create_transform

    reference = create_transform(
        (3, 224, 224), interpolation="bicubic", mean=MEAN, std=STD, crop_pct=1.0, crop_mode="border"
    )
    padded = replace(DEIT, rule="longest edge, then pad", edge=224)
    photo = noise(size)
    geometry = fit(photo.size, padded, AS_TRAINED)
    ours = model_input(photo, geometry, padded)
    theirs = reference(Image.fromarray(photo.pixels)).numpy()
    inside = np.zeros((224, 224), bool)
    (top, left), (height, width) = geometry.window_origin, geometry.resized_size
    inside[-top : height - top, -left : width - left] = True
    np.testing.assert_array_equal(ours[:, inside], theirs[:, inside])
    assert (ours[:, ~inside] == 0).all()


def test_a_crop_larger_than_the_photo_is_padded_as_torchvision_does():
    from torchvision import transforms

    reference = transforms.Compose(
        [transforms.Resize(101), transforms.CenterCrop((224, 128)), transforms.ToTensor()]
    )
    # A mean of 0 is torchvision's black padding.
    plain = Preprocessing((224, 128), 16, (0, 0, 0), (1, 1, 1), edge=101, interpolation="bilinear")
    for size in ((120, 170), (170, 120), (50, 200)):
        photo = noise(size)
        theirs = reference(Image.fromarray(photo.pixels)).numpy()
        np.testing.assert_array_equal(prepared(photo, plain, AS_TRAINED), theirs)


@pytest.mark.parametrize("rule", ["shortest edge, then centre crop", "squash"])
@pytest.mark.parametrize("size", [(1, 3000), (3000, 1), (1, 1)])
def test_extreme_shapes_work(size, rule):
    photo = noise(size)
    tensor = prepared(photo, replace(DEIT, rule=rule), AS_TRAINED)
    assert tensor.shape == (3, 224, 224)
    assert np.isfinite(tensor).all()


def test_a_line_is_padded_to_a_line():
    padded = replace(DEIT, rule="longest edge, then pad", edge=224)
    assert fit((1, 3000), padded, AS_TRAINED).resized_size == (1, 224)


def test_a_window_made_by_itself_is_the_one_cut_from_the_whole(monkeypatch):
    photo = noise((30, 900))
    whole = prepared(photo, DEIT, AS_TRAINED)
    monkeypatch.setattr("vitviz.imaging.preprocess.RESIZED_PIXELS", 0)
    alone = prepared(photo, DEIT, AS_TRAINED)
    np.testing.assert_allclose(alone, whole, atol=1.01 / 255 / min(STD))


def test_a_geometry_of_another_photo_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        model_input(noise((30, 40)), fit((40, 30), DEIT, AS_TRAINED), DEIT)


# The whole photo


@pytest.mark.parametrize("size", [(600, 800), (400, 600), (1080, 1920), (333, 333), (500, 501)])
@pytest.mark.parametrize("patches", [196, 256, 49, 576])
def test_a_whole_photo_keeps_its_shape_and_the_models_count(size, patches):
    rows, cols = whole_photo_grid(size, patches)
    assert 0.85 * patches <= rows * cols <= MOST_TOKENS * patches
    assert abs(math.log((cols / rows) / (size[1] / size[0]))) < 0.12


def test_known_grids():
    assert whole_photo_grid((1000, 1000), 196) == (14, 14)
    assert whole_photo_grid((600, 800), 196) == (12, 16)
    assert whole_photo_grid((400, 600), 196) == (12, 18)
    assert whole_photo_grid((600, 400), 196) == (18, 12)


@pytest.mark.parametrize("size", [(480, 640), (37, 901), (1, 3000), (3000, 1), (777, 776)])
@pytest.mark.parametrize("patches", [1, 7, 49, 196])
def test_no_grid_costs_less(size, patches):
    def cost(rows: int, cols: int) -> float:
        shape = abs(math.log(cols / rows) - math.log(size[1] / size[0]))
        return 2 * shape + abs(math.log(rows * cols / patches))

    most = int(1.12 * patches)
    every = [cost(r, c) for r in range(1, most + 1) for c in range(1, most + 1) if r * c <= most]
    assert cost(*whole_photo_grid(size, patches)) == pytest.approx(min(every), abs=1e-9)


@pytest.mark.parametrize("fineness", [1, 2, 3, 4])
def test_fineness_multiplies_both_sides(fineness):
    geometry = fit((400, 600), DEIT, InputChoice("whole photo", fineness))
    assert geometry.grid == (12 * fineness, 18 * fineness)
    assert geometry.resized_size == geometry.input_size
    assert tuple(geometry.seen) == (0, 0, 600, 400)


def test_a_whole_photo_is_squashed_with_the_models_own_interpolation():
    from torchvision import transforms

    photo = noise((400, 600))
    reference = transforms.Compose(
        [
            transforms.Resize((192, 288), transforms.InterpolationMode.BICUBIC),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )
    ours = prepared(photo, DEIT, WHOLE)
    np.testing.assert_array_equal(ours, reference(Image.fromarray(photo.pixels)).numpy())


def test_fineness_leaves_the_trained_input_alone():
    assert fit((400, 600), DEIT, InputChoice("as trained", 3)) == fit((400, 600), DEIT, AS_TRAINED)


# Back for display


@pytest.mark.parametrize("choice", [AS_TRAINED, WHOLE])
def test_the_displayed_input_is_the_resized_photo(choice):
    photo = noise((300, 401))
    geometry = fit(photo.size, DEIT, choice)
    height, width = geometry.resized_size
    top, left = geometry.window_origin
    resized = np.asarray(
        Image.fromarray(photo.pixels).resize((width, height), Image.Resampling.BICUBIC)
    )
    expected = resized[top : top + geometry.input_size[0], left : left + geometry.input_size[1]]
    shown = displayed_input(model_input(photo, geometry, DEIT), DEIT)
    assert shown.dtype == np.uint8
    np.testing.assert_array_equal(shown, expected)


def test_padding_is_displayed_in_the_mean_colour():
    padded = replace(DEIT, rule="longest edge, then pad", edge=224)
    photo = from_pixels(np.zeros((20, 100, 3), np.uint8))
    shown = displayed_input(prepared(photo, padded, AS_TRAINED), padded)
    np.testing.assert_array_equal(shown[0, 0], np.rint(np.array(MEAN) * 255))
    np.testing.assert_array_equal(shown[112, 112], (0, 0, 0))


# Geometry is the inverse of all this

RULES = [
    replace(DEIT, input_size=(96, 64), edge=112),
    replace(DEIT, input_size=(96, 64), rule="squash"),
    replace(DEIT, input_size=(96, 96), rule="longest edge, then pad", edge=96),
    replace(DEIT, input_size=(64, 96), edge=48),
]


@pytest.mark.parametrize("choice", [AS_TRAINED, WHOLE, InputChoice("whole photo", 2)])
@pytest.mark.parametrize("preprocessing", RULES)
@pytest.mark.parametrize("size", [(600, 400), (350, 720)])
def test_a_patch_has_the_colour_of_the_photo_in_its_box(size, preprocessing, choice):
    """Every patch's box is painted in its own colour; the model's patch must have that colour."""
    geometry = fit(size, preprocessing, choice)
    rows, cols = geometry.grid
    colours = np.random.default_rng(1).permutation(rows * cols * 2)[: rows * cols]
    pixels = np.full((*size, 3), 128, np.uint8)
    for row in range(rows):
        for col in range(cols):
            pixels[_whole_pixels(geometry.patch_box(row, col), size)] = _colour(
                colours[row * cols + col]
            )
    shown = displayed_input(
        model_input(from_pixels(pixels), geometry, preprocessing), preprocessing
    )
    compared = 0
    for row in range(rows):
        for col in range(cols):
            box, seen = geometry.patch_box(row, col), geometry.seen
            if not (seen.left <= box.left and box.right <= seen.right):
                continue
            if not (seen.top <= box.top and box.bottom <= seen.bottom):
                continue
            # All but the border, where neighbours' colours ring.
            patch = shown[row * 16 + 3 : row * 16 + 13, col * 16 + 3 : col * 16 + 13].astype(int)
            wanted = np.array(_colour(colours[row * cols + col]))
            assert abs(patch - wanted).max() <= 12, (row, col)
            compared += 1
    assert compared >= rows * cols // 4


def _whole_pixels(box: tuple[float, ...], size: tuple[int, int]) -> tuple[slice, slice]:
    left, top, right, bottom = box
    return (
        slice(max(round(top), 0), min(round(bottom), size[0])),
        slice(max(round(left), 0), min(round(right), size[1])),
    )


def _colour(number: int) -> tuple[int, int, int]:
    """Colours 40 levels apart: at least 216 of them."""
    number = int(number)
    return 20 + number % 6 * 40, 20 + number // 6 % 6 * 40, 20 + number // 36 % 6 * 40
