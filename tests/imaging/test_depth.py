"""Photos of more than 8 bits are scaled, never clipped to white."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from vitviz.imaging.load import load

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def test_16_bit_grey_over_its_whole_range_keeps_its_exposure(tmp_path):
    values = np.array([[0, 257, 25700], [40000, 60000, 65000]], np.uint16)
    Image.fromarray(values).save(tmp_path / "x.png")
    photo = load(tmp_path / "x.png")
    np.testing.assert_array_equal(photo.pixels[..., 0], np.rint(values / 257))
    assert photo.notes == ("16-bit scaled from 0..65535",)


def test_12_bit_data_in_16_bits_is_spread(tmp_path):
    values = np.array([[12, 500, 1000], [2000, 3000, 4011]], np.uint16)
    Image.fromarray(values).save(tmp_path / "x.tif")
    photo = load(tmp_path / "x.tif")
    np.testing.assert_array_equal(photo.pixels[..., 2], np.rint((values - 12) / 3999 * 255))
    assert photo.notes == ("16-bit scaled from 12..4011",)


def test_32_bit_grey(tmp_path):
    values = np.array([[-1000, 0, 500], [1_000_000, 7, 2_000_000_000]], np.int32)
    Image.fromarray(values).save(tmp_path / "x.tif")
    photo = load(tmp_path / "x.tif")
    expected = np.rint((values.astype(float) + 1000) / (2e9 + 1000) * 255)
    np.testing.assert_array_equal(photo.pixels[..., 0], expected)
    assert photo.notes == ("32-bit scaled from -1000..2000000000",)


@pytest.mark.parametrize(("top", "low", "high"), [(0.9, 0, 1), (200.0, 0, 255), (3.5, 0.5, 3.5)])
def test_float_grey(tmp_path, top, low, high):
    values = np.linspace(0.5, top, 24, dtype=np.float32).reshape(4, 6)
    Image.fromarray(values).save(tmp_path / "x.tif")
    photo = load(tmp_path / "x.tif")
    expected = (values - low) / (high - low) * 255
    np.testing.assert_allclose(photo.pixels[..., 0], expected, atol=0.51)
    assert photo.notes == (f"float scaled from {low:g}..{high:g}",)


def test_floats_that_are_not_numbers(tmp_path):
    values = np.array([[np.nan, np.inf], [-np.inf, 0.25], [0.0, 1.0]], np.float32)
    Image.fromarray(values).save(tmp_path / "x.tif")
    photo = load(tmp_path / "x.tif")
    np.testing.assert_array_equal(photo.pixels[..., 0], [[0, 255], [0, 64], [0, 255]])
    assert photo.notes == ("float scaled from 0..1, 3 values that are not numbers",)


def test_floats_none_of_which_is_a_number(tmp_path):
    Image.fromarray(np.full((4, 6), np.nan, np.float32)).save(tmp_path / "x.tif")
    assert (load(tmp_path / "x.tif").pixels == 0).all()


@pytest.mark.parametrize("value", [0, 300, 65535])
def test_deep_photos_of_one_value_are_not_divided_by_zero(tmp_path, value):
    Image.fromarray(np.full((4, 6), value, np.uint16)).save(tmp_path / "x.png")
    assert (load(tmp_path / "x.png").pixels == round(value / 257)).all()


def test_16_bit_colour_is_noted(tmp_path, scene):
    tifffile.imwrite(tmp_path / "x.tif", scene.astype(np.uint16) * 257, photometric="rgb")
    photo = load(tmp_path / "x.tif")
    np.testing.assert_array_equal(photo.pixels, scene)
    assert photo.notes == ("16-bit colour reduced to 8-bit",)


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_float_rgb_tiff_which_pillow_cannot_read(tmp_path, scene, planar):
    values = scene.astype(np.float32) / 255
    if planar == "separate":
        values = np.moveaxis(values, 2, 0)
    tifffile.imwrite(tmp_path / "x.tif", values, photometric="rgb", planarconfig=planar)
    photo = load(tmp_path / "x.tif")
    np.testing.assert_array_equal(photo.pixels, scene)
    assert photo.notes == ("float scaled from 0..1",)


def test_32_bit_rgb_tiff_with_an_orientation(tmp_path, scene):
    stored = np.rot90(scene).astype(np.uint32)
    turned = [(274, 3, 1, 6, True)]
    tifffile.imwrite(tmp_path / "x.tif", stored, photometric="rgb", extratags=turned)
    photo = load(tmp_path / "x.tif")
    np.testing.assert_array_equal(photo.pixels, scene)
    assert photo.notes == ("rotated by EXIF", "32-bit scaled from 0..255")


def test_complex_numbers_are_no_photo(tmp_path, refusal):
    tifffile.imwrite(tmp_path / "x.tif", np.ones((4, 6), np.complex64))
    assert "complex64" in refusal(tmp_path / "x.tif").message
