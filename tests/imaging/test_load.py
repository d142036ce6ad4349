"""What every opened photo is, its orientation and frames, and photos that come from memory."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from vitviz.errors import PhotoError
from vitviz.imaging.load import from_pixels, load, thumbnail

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
BLACK_DOT = (b"IDAT", zlib.compress(bytes(4)))


def test_pixels_are_read_only_contiguous_and_the_files_own(tmp_path, scene):
    path = tmp_path / "scene.png"
    Image.fromarray(scene).save(path)
    photo = load(str(path))
    assert photo.pixels.dtype == np.uint8
    assert photo.pixels.flags.c_contiguous
    assert not photo.pixels.flags.writeable
    np.testing.assert_array_equal(photo.pixels, scene)
    assert photo.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (photo.path, photo.size, photo.notes) == (path, (40, 24), ())
    assert (photo.frame, photo.frames) == (0, 1)


TURNS = {
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: np.rot90(upright),
    7: lambda upright: upright[::-1, ::-1].transpose(1, 0, 2),
    8: lambda upright: np.rot90(upright, -1),
}
"""What a camera that writes each orientation stores of an upright scene."""


@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "jpg"])
@pytest.mark.parametrize("orientation", range(9))
def test_exif_orientation_is_undone(tmp_path, scene, orientation, suffix):
    stored = np.ascontiguousarray(TURNS.get(orientation, lambda upright: upright)(scene))
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if suffix == "webp" else {}
    Image.fromarray(stored).save(tmp_path / f"x.{suffix}", exif=exif, **options)
    photo = load(tmp_path / f"x.{suffix}")
    assert photo.size == (40, 24)
    # Away from the quarters' borders, where JPEG blurs.
    np.testing.assert_allclose(photo.pixels[4:16:4, 4], [RED] * 3, atol=24)
    np.testing.assert_allclose(photo.pixels[4:16:4, 20], [GREEN] * 3, atol=24)
    np.testing.assert_allclose(photo.pixels[24:36:4, 4], [BLUE] * 3, atol=24)
    expected = () if orientation < 2 else ("mirrored by EXIF",) if orientation in (2, 4) else None
    assert photo.notes == (expected if expected is not None else ("rotated by EXIF",))


def test_a_deep_photo_is_turned_upright_too(tmp_path):
    values = np.linspace(0, 65535, 40 * 24).reshape(40, 24).astype(np.uint16)
    tifffile.imwrite(tmp_path / "x.tif", values, extratags=[(274, 3, 1, 6, True)])
    photo = load(tmp_path / "x.tif")
    assert photo.size == (24, 40)
    np.testing.assert_array_equal(photo.pixels[..., 0], np.rint(np.rot90(values, -1) / 257))


def test_broken_exif_does_not_matter(tmp_path, scene):
    Image.fromarray(scene).save(tmp_path / "x.png", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    np.testing.assert_array_equal(load(tmp_path / "x.png").pixels, scene)


@pytest.fixture
def animation(tmp_path) -> Path:
    frames = [Image.new("RGB", (6, 4), colour) for colour in (RED, GREEN, BLUE)]
    path = tmp_path / "x.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    return path


@pytest.mark.parametrize(("frame", "colour"), [(0, RED), (1, GREEN), (2, BLUE)])
def test_frames_of_an_animation(animation, frame, colour):
    photo = load(animation, frame=frame)
    assert (photo.frame, photo.frames) == (frame, 3)
    assert (photo.pixels == colour).all()


@pytest.mark.parametrize("frame", [3, -1, 10**9])
def test_a_frame_that_is_not_there(animation, frame, refusal):
    assert "there are 3" in refusal(animation, frame=frame).message


def test_pages_of_a_tiff(tmp_path):
    pages = [Image.new("L", (6 + i, 4), 50 * i) for i in range(4)]
    pages[0].save(tmp_path / "x.tif", save_all=True, append_images=pages[1:])
    photo = load(tmp_path / "x.tif", frame=3)
    assert (photo.frames, photo.size) == (4, (4, 9))
    assert (photo.pixels == 150).all()


def test_a_tiff_whose_pages_go_round_in_a_circle(tmp_path):
    Image.new("L", (6, 4)).save(tmp_path / "x.tif")
    data = bytearray((tmp_path / "x.tif").read_bytes())
    (first,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, first)
    struct.pack_into("<I", data, first + 2 + 12 * entries, first)
    (tmp_path / "x.tif").write_bytes(data)
    assert load(tmp_path / "x.tif").frames == 1


def test_a_tiff_with_very_many_pages(tmp_path):
    count = 30_000
    fields = ((256, 1), (257, 1), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 1))
    entries = [struct.pack("<HHII", tag, 3, 1, value) for tag, value in (*fields, (279, 1))]
    size = 2 + 12 * len(entries) + 4
    pages = (
        struct.pack("<H", len(entries)) + b"".join(entries) + struct.pack("<I", following)
        for following in (*range(8 + size, 8 + count * size, size), 0)
    )
    (tmp_path / "x.tif").write_bytes(b"II*\0" + struct.pack("<I", 8) + b"".join(pages))
    assert load(tmp_path / "x.tif").frames == count


def test_a_claim_of_two_thousand_million_frames_is_not_believed(tmp_path, make_png, refusal):
    count = (b"acTL", struct.pack(">II", 2**31, 0))
    control = (b"fcTL", struct.pack(">IIIIIHHBB", 0, 1, 1, 0, 0, 1, 1, 0, 0))
    path = tmp_path / "x.png"
    path.write_bytes(make_png(1, 1, count, control, BLACK_DOT))
    assert load(path).frames <= path.stat().st_size
    refusal(path, frame=5)


def test_layers_are_not_frames(tmp_path, monkeypatch, scene):
    Image.fromarray(scene).save(tmp_path / "x.png")
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.format", "PSD")
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.n_frames", 7, raising=False)
    assert load(tmp_path / "x.png").frames == 1


def test_pasted_pixels_are_copied_and_read_only(scene):
    original = scene.copy()
    photo = from_pixels(scene, notes=("pasted",))
    scene[:] = 0
    np.testing.assert_array_equal(photo.pixels, original)
    assert not photo.pixels.flags.writeable
    assert photo.pixels.flags.c_contiguous
    assert (photo.path, photo.notes, photo.frames) == (None, ("pasted",), 1)


def test_pasted_pixels_are_known_by_their_content(scene):
    assert from_pixels(scene).sha256 == from_pixels(scene.copy()).sha256
    assert from_pixels(scene).sha256 != from_pixels(scene.transpose(1, 0, 2)).sha256


@pytest.mark.parametrize("channels", [None, 1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.uint16, np.float32])
def test_pasted_pixels_of_any_kind(channels, dtype):
    top = {"b": 1, "u": np.iinfo(dtype).max if dtype not in (np.bool_, np.float32) else 1, "f": 1}
    shape = (4, 6) if channels is None else (4, 6, channels)
    photo = from_pixels(np.full(shape, top[np.dtype(dtype).kind], dtype), background=RED)
    assert photo.size == (4, 6)
    assert (photo.pixels == 255).all()


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((4, 6, 5), np.uint8), np.zeros((4, 6), np.complex64), np.zeros((0, 6, 3), np.uint8)],
)
def test_arrays_that_are_no_photo(pixels):
    with pytest.raises(PhotoError) as caught:
        from_pixels(pixels)
    assert caught.value.hint


@pytest.mark.parametrize(("edge", "size"), [(10, (10, 6)), (20, (20, 12)), (400, (40, 24))])
def test_a_thumbnail_keeps_the_shape_and_the_colours(scene, edge, size):
    small = thumbnail(from_pixels(scene), edge)
    assert small.shape == (*size, 3)
    np.testing.assert_allclose(small[0, 0], RED, atol=2)
    np.testing.assert_allclose(small[-1, 0], BLUE, atol=2)


def test_a_thumbnail_of_a_line_has_pixels():
    assert thumbnail(from_pixels(np.zeros((1, 3000, 3), np.uint8)), 64).shape == (1, 64, 3)


def test_files_and_memory_give_the_same_photo(tmp_path, scene):
    buffer = io.BytesIO()
    Image.fromarray(scene).save(buffer, "PNG")
    (tmp_path / "no extension").write_bytes(buffer.getvalue())
    photo = load(tmp_path / "no extension")
    np.testing.assert_array_equal(photo.pixels, from_pixels(scene).pixels)
