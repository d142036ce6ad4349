"""One test for each way in which a file is too large, damaged or no photo: one clear refusal."""

from __future__ import annotations

import os
import struct
import sys
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitviz.errors import PhotoTooLarge
from vitviz.imaging import load as load_module
from vitviz.imaging.load import HARD_LIMIT, MAX_PIXELS, load

BLACK_DOT = (b"IDAT", zlib.compress(bytes(4)))


def test_above_the_limit_is_a_question_asked_before_decoding(tmp_path, make_png, refusal):
    # There is nothing to decode: reading further would be another error.
    (tmp_path / "x.png").write_bytes(make_png(20_000, 6_000, (b"IDAT", b"rubbish")))
    error = refusal(tmp_path / "x.png")
    assert isinstance(error, PhotoTooLarge)
    assert (error.pixels, error.limit) == (120_000_000, MAX_PIXELS)
    assert "20000 x 6000" in error.message


def test_the_limit_is_the_users(tmp_path, scene, refusal):
    Image.fromarray(scene).save(tmp_path / "x.png")
    assert isinstance(refusal(tmp_path / "x.png", max_pixels=40 * 24 - 1), PhotoTooLarge)
    assert load(tmp_path / "x.png", max_pixels=40 * 24).size == (40, 24)


@pytest.mark.slow
def test_a_photo_above_pillows_own_limit_opens_without_a_warning(tmp_path, make_png):
    rows = zlib.compress(bytes(20_000 // 8 + 1) * 6_000)
    (tmp_path / "x.png").write_bytes(make_png(20_000, 6_000, (b"IDAT", rows), depth=1, colour=0))
    assert load(tmp_path / "x.png", max_pixels=None).size == (6_000, 20_000)


@pytest.mark.parametrize("max_pixels", [MAX_PIXELS, None])
def test_more_than_memory_holds_is_refused_whatever_the_user_says(
    tmp_path, max_pixels, make_png, refusal
):
    edge = int(HARD_LIMIT**0.5) + 1
    (tmp_path / "x.png").write_bytes(make_png(edge, edge, BLACK_DOT))
    error = refusal(tmp_path / "x.png", max_pixels=max_pixels)
    assert not isinstance(error, PhotoTooLarge)
    assert "memory" in error.message


def test_a_small_icon_with_a_huge_image_inside(tmp_path, make_png, refusal):
    hidden = make_png(60_000, 60_000, BLACK_DOT)
    entry = struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(hidden), 22)
    (tmp_path / "x.ico").write_bytes(struct.pack("<HHH", 0, 1, 1) + entry + hidden)
    refusal(tmp_path / "x.ico")


def test_a_missing_file(tmp_path, refusal):
    assert "gone.jpg" in refusal(tmp_path / "gone.jpg").message


def test_a_folder(tmp_path, refusal):
    assert "folder" in refusal(tmp_path).message


def test_an_empty_file(tmp_path, refusal):
    (tmp_path / "x.jpg").touch()
    assert "empty" in refusal(tmp_path / "x.jpg").message


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch, refusal):
    def refuse(self: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "x.jpg").write_bytes(b"x")
    monkeypatch.setattr(Path, "open", refuse)
    assert "may not read" in refusal(tmp_path / "x.jpg").message


def test_a_disk_that_fails(tmp_path, monkeypatch, refusal):
    def fail(self: Path, mode: str) -> None:
        raise OSError(5, "Input/output error")

    (tmp_path / "x.jpg").write_bytes(b"x")
    monkeypatch.setattr(Path, "open", fail)
    assert "Input/output error" in refusal(tmp_path / "x.jpg").message


def test_a_name_that_no_file_can_have(refusal):
    refusal(Path("a\0b.jpg"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="only POSIX has named pipes")
def test_a_pipe_is_not_waited_for(tmp_path, refusal):
    os.mkfifo(tmp_path / "x.jpg")
    assert "not a file" in refusal(tmp_path / "x.jpg").message


def test_a_file_larger_than_memory(tmp_path, monkeypatch, refusal):
    (tmp_path / "x.tif").write_bytes(b"II*\0" * 100)
    monkeypatch.setattr(load_module, "physical_bytes", lambda: 1000)
    assert "too large a file" in refusal(tmp_path / "x.tif").message


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "gif", "bmp", "webp", "jp2", "avif"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_a_file_cut_short(tmp_path, suffix, kept, refusal):
    noise = np.random.default_rng(0).integers(0, 256, (120, 90, 3), np.uint8)
    whole = tmp_path / f"whole.{suffix}"
    Image.fromarray(noise).save(whole)
    data = whole.read_bytes()
    path = tmp_path / f"cut.{suffix}"
    path.write_bytes(data[: int(len(data) * kept)])
    assert path.name in refusal(path).message


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "gif", "webp", "bmp", "psd", "heic"])
def test_noise_after_a_promising_start(tmp_path, suffix, refusal):
    starts = {
        "png": b"\x89PNG\r\n\x1a\n", "jpg": b"\xff\xd8\xff\xe0", "tif": b"II*\0\x08\0\0\0",
        "gif": b"GIF89a", "webp": b"RIFF\0\x10\0\0WEBPVP8 ", "bmp": b"BM", "psd": b"8BPS\0\x01",
        "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    }  # fmt: skip
    noise = np.random.default_rng(1).bytes(4096)
    (tmp_path / "x").write_bytes(starts[suffix] + noise)
    refusal(tmp_path / "x")


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"%PDF-1.7\n", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript"),
        (b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="x"/>', "SVG"),
        (b"\xff\x0a\x00\x10", "JPEG XL"),
        (b"\0\0\0\x18ftypisom\0\0\2\0", "film"),
        (b"PK\x03\x04", "archive"),
        (b"<!doctype html><html>", "web page"),
        (b"just some words", "not in any photo format"),
    ],
)
def test_what_is_no_photo_is_named(tmp_path, start, kind, refusal):
    (tmp_path / "x.jpg").write_bytes(start + b"\0" * 600)
    assert kind in refusal(tmp_path / "x.jpg").message


def test_postscript_runs_no_other_program(tmp_path, monkeypatch, refusal):
    def run(*args: object, **kwargs: object) -> None:
        pytest.fail("a program was started")

    monkeypatch.setattr("subprocess.Popen", run)
    monkeypatch.setattr("subprocess.check_call", run)
    data = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"
    (tmp_path / "x.eps").write_bytes(data)
    assert "PostScript" in refusal(tmp_path / "x.eps").message


def test_heic_without_its_package_names_it(tmp_path, monkeypatch, refusal):
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    (tmp_path / "x.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    assert "pi-heif" in refusal(tmp_path / "x.heic").hint


@pytest.mark.parametrize("name", [b"zTXt", b"iTXt", b"iCCP"])
def test_a_png_with_a_bomb_in_its_texts_opens_without_them(tmp_path, name, make_png):
    bomb = zlib.compress(bytes(80_000_000), 9)
    start = {b"zTXt": b"key\0\0", b"iTXt": b"key\0\1\0\0\0", b"iCCP": b"name\0\0"}[name]
    (tmp_path / "x.png").write_bytes(make_png(1, 1, (name, start + bomb), BLACK_DOT))
    photo = load(tmp_path / "x.png")
    assert (photo.pixels == 0).all()
    assert "only the pixels read" in photo.notes[0]


def test_a_decompression_bomb_in_the_pixels_stays_inside_the_photo(tmp_path, make_png):
    bomb = (b"IDAT", zlib.compress(bytes(50_000_000), 9))
    (tmp_path / "x.png").write_bytes(make_png(1, 1, bomb))
    assert load(tmp_path / "x.png").size == (1, 1)


@pytest.mark.parametrize(
    "error", [RuntimeError("odd"), RecursionError(), MemoryError(), KeyError(3), AssertionError()]
)
def test_whatever_a_decoder_raises_is_one_photo_error(tmp_path, monkeypatch, scene, error, refusal):
    def fail(*args: object, **kwargs: object) -> None:
        raise error

    Image.fromarray(scene).save(tmp_path / "x.bmp")
    monkeypatch.setattr("PIL.BmpImagePlugin.BmpImageFile.load", fail)
    assert refusal(tmp_path / "x.bmp").__cause__ is error


def test_no_warning_escapes(tmp_path, make_png):
    # Pillow warns about an animation of no frames.
    none = (b"acTL", struct.pack(">II", 0, 0))
    (tmp_path / "x.png").write_bytes(make_png(1, 1, none, BLACK_DOT))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        Image.open(tmp_path / "x.png").close()
        assert len(seen) == 1
        load(tmp_path / "x.png")
    assert len(seen) == 1


def test_many_threads_open_photos_at_once(tmp_path, scene):
    for i in range(8):
        Image.fromarray(np.roll(scene, i, axis=0)).save(tmp_path / f"{i}.png")
    opened = {}

    def work(i: int) -> None:
        opened[i] = load(tmp_path / f"{i}.png").pixels

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(8):
        np.testing.assert_array_equal(opened[i], np.roll(scene, i, axis=0))
