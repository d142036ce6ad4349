"""Profiles, colour models and transparency become sRGB on a background."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from vitviz.imaging.load import load

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def profile_with_red_and_green_exchanged() -> bytes:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    table, data = srgb[:400], srgb[400:]
    exchanged = table.replace(b"rXYZ", b"?XYZ").replace(b"gXYZ", b"rXYZ").replace(b"?XYZ", b"gXYZ")
    named = exchanged + data
    return named.replace("sRGB built-in".encode("utf-16-be"), "exchanged RGB".encode("utf-16-be"))


def test_an_icc_profile_is_applied(tmp_path, scene):
    profile = profile_with_red_and_green_exchanged()
    Image.fromarray(scene).save(tmp_path / "x.png", icc_profile=profile)
    photo = load(tmp_path / "x.png")
    np.testing.assert_allclose(photo.pixels, scene[..., [1, 0, 2]], atol=2)
    assert photo.notes == ("colours converted from exchanged RGB to sRGB",)


def test_an_srgb_profile_changes_nothing(tmp_path, scene):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(scene).save(tmp_path / "x.png", icc_profile=profile)
    photo = load(tmp_path / "x.png")
    np.testing.assert_array_equal(photo.pixels, scene)
    assert photo.notes == ()


def test_an_rgb_profile_on_a_grey_photo_is_applied(tmp_path):
    grey = np.arange(0, 240, 10, dtype=np.uint8).reshape(4, 6)
    profile = profile_with_red_and_green_exchanged()
    Image.fromarray(grey).save(tmp_path / "x.png", icc_profile=profile)
    photo = load(tmp_path / "x.png")
    np.testing.assert_allclose(photo.pixels, np.dstack([grey] * 3), atol=2)
    assert photo.notes == ("colours converted from exchanged RGB to sRGB",)


@pytest.mark.parametrize("profile", [b"no profile", b"\0" * 200])
def test_a_bad_icc_profile_is_left_out_and_said(tmp_path, scene, profile):
    Image.fromarray(scene).save(tmp_path / "x.png", icc_profile=profile)
    photo = load(tmp_path / "x.png")
    np.testing.assert_array_equal(photo.pixels, scene)
    assert photo.notes == ("colour profile unreadable, colours taken as sRGB",)


def test_cmyk_becomes_rgb(tmp_path, scene):
    Image.fromarray(scene).convert("CMYK").save(tmp_path / "x.tif")
    photo = load(tmp_path / "x.tif")
    np.testing.assert_allclose(photo.pixels, scene, atol=2)
    assert photo.notes == ("CMYK without a colour profile, colours approximate",)


def test_lab_becomes_rgb(tmp_path, scene):
    muted = scene // 2 + np.uint8(60)  # 8-bit LAB is coarse where colours are pure.
    to_lab = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )
    lab = ImageCms.applyTransform(Image.fromarray(muted), to_lab)
    assert lab is not None
    lab.save(tmp_path / "x.tif")
    np.testing.assert_allclose(load(tmp_path / "x.tif").pixels, muted, atol=6)


def test_one_bit_becomes_black_and_white(tmp_path):
    bits = np.eye(5, 7, dtype=bool)
    Image.fromarray(bits).save(tmp_path / "x.png")
    np.testing.assert_array_equal(load(tmp_path / "x.png").pixels[..., 1], bits * 255)


@pytest.mark.parametrize("background", [WHITE, (10, 200, 30)])
def test_alpha_lies_on_the_background(tmp_path, scene, background):
    alpha = np.full((40, 24, 1), 255, np.uint8)
    alpha[:20], alpha[20:30] = 0, 128
    Image.fromarray(np.dstack([scene, alpha])).save(tmp_path / "x.png")
    photo = load(tmp_path / "x.png", background=background)
    mixed = scene * (alpha / 255) + np.array(background) * (1 - alpha / 255)
    np.testing.assert_allclose(photo.pixels, mixed, atol=1)
    assert photo.notes == ("transparency laid on the background colour",)


def test_an_opaque_alpha_is_not_worth_a_note(tmp_path, scene):
    opaque = np.dstack([scene, np.full((40, 24), 255, np.uint8)])
    Image.fromarray(opaque).save(tmp_path / "x.png")
    photo = load(tmp_path / "x.png", background=(1, 2, 3))
    np.testing.assert_array_equal(photo.pixels, scene)
    assert photo.notes == ()


def test_grey_with_alpha(tmp_path):
    grey_alpha = np.zeros((4, 6, 2), np.uint8)
    grey_alpha[:2] = (77, 255)
    Image.fromarray(grey_alpha).save(tmp_path / "x.png")
    pixels = load(tmp_path / "x.png", background=RED).pixels
    assert (pixels[:2] == 77).all()
    assert (pixels[2:] == RED).all()


@pytest.mark.parametrize("transparency", [1, bytes([255, 0])])
def test_a_palette_with_a_transparent_colour(tmp_path, transparency):
    image = Image.fromarray(np.eye(4, 6, dtype=np.uint8)).convert("P")
    image.putpalette([*BLUE, *GREEN])
    image.save(tmp_path / "x.png", transparency=transparency)
    pixels = load(tmp_path / "x.png", background=RED).pixels
    np.testing.assert_array_equal(pixels[0, 0], RED)
    np.testing.assert_array_equal(pixels[0, 1], BLUE)


def test_a_transparent_colour_in_rgb(tmp_path, scene):
    Image.fromarray(scene).save(tmp_path / "x.png", transparency=GREEN)
    pixels = load(tmp_path / "x.png", background=(5, 6, 7)).pixels
    np.testing.assert_array_equal(pixels[0, 23], (5, 6, 7))
    np.testing.assert_array_equal(pixels[0, 0], RED)


def test_a_transparent_value_in_16_bit_grey(tmp_path, make_png):
    values = struct.pack(">2H", 0, 65535)
    rows = b"".join(b"\0" + values for _ in range(3))
    key = (b"tRNS", struct.pack(">H", 65535))
    (tmp_path / "x.png").write_bytes(
        make_png(2, 3, key, (b"IDAT", zlib.compress(rows)), depth=16, colour=0)
    )
    pixels = load(tmp_path / "x.png", background=GREEN).pixels
    np.testing.assert_array_equal(pixels[:, 0], [(0, 0, 0)] * 3)
    np.testing.assert_array_equal(pixels[:, 1], [GREEN] * 3)
