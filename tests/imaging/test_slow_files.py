"""Small files that ask for minutes: told before decoding, decoded in a child, ended at any time."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitviz.engine.photos import PhotoCache
from vitviz.errors import Cancelled, PhotoError, PhotoTooLarge
from vitviz.imaging import child, effort
from vitviz.imaging import load as load_module
from vitviz.imaging.decoding import gif
from vitviz.imaging.decoding.source import LONGEST_SIDE, Source
from vitviz.imaging.effort import QUICK
from vitviz.imaging.load import load
from vitviz.progress import Stage
from vitviz.session.state import PhotoRef

BACKGROUND = (250, 240, 230)


def with_scans(width: int, height: int, more: int) -> bytes:
    """A progressive JPEG whose last scan comes so many times more."""
    buffer = io.BytesIO()
    Image.new("L", (width, height), 90).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * more + data[-2:]


def work(data: bytes, frame: int = 0) -> int:
    return effort.effort(Source("x", data, frame)).work


@pytest.fixture
def animation() -> bytes:
    buffer = io.BytesIO()
    frames = [Image.new("RGB", (30, 20), (50 * i, 0, 0)) for i in range(5)]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def test_each_scan_of_a_jpeg_costs_all_pixels():
    once, often = with_scans(48, 32, 0), with_scans(48, 32, 200)
    assert work(often) - work(once) == 200 * 48 * 32


def test_what_lies_behind_a_jpeg_is_no_scan(monkeypatch):
    data = with_scans(48, 32, 20)
    expected = work(data)
    film = b"\xff\xda\0\2" * 10_000
    assert work(data + film) > expected
    monkeypatch.setattr(effort, "QUICK", 0)
    assert work(data) == expected
    assert work(data + film) == expected


def test_a_preview_inside_a_jpeg_is_not_its_size(scene):
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = with_scans(640, 480, 0).decode("latin-1")
    Image.fromarray(scene).save(buffer, "JPEG", exif=exif)
    assert effort.effort(Source("x", buffer.getvalue())).pixels == 40 * 24


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "gif", "bmp", "webp", "jp2", "avif"])
def test_pixels_are_read_from_the_header(suffix):
    buffer = io.BytesIO()
    Image.new("RGB", (57, 33)).save(buffer, Image.registered_extensions()[f".{suffix}"])
    found = effort.effort(Source("x", buffer.getvalue()))
    assert found.pixels == 57 * 33
    assert found.pixels <= found.work <= QUICK


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("alpha", ["RGB", "RGBA"])
def test_every_kind_of_webp_has_its_size_elsewhere(lossless, alpha):
    buffer = io.BytesIO()
    Image.new(alpha, (300, 70)).save(buffer, "WEBP", lossless=lossless)
    assert effort.effort(Source("x", buffer.getvalue())).pixels == 300 * 70


def test_rows_and_strips_cost_more_than_their_pixels(make_png):
    assert work(make_png(1, 10_000)) > 10 * work(make_png(100, 100))
    pages = [Image.new("L", (8, 4000))]
    one, many = io.BytesIO(), io.BytesIO()
    pages[0].save(one, "TIFF", tiffinfo={278: 4000})
    pages[0].save(many, "TIFF", tiffinfo={278: 1})
    assert work(many.getvalue()) > work(one.getvalue()) + 100 * 4000


def test_a_png_of_very_many_chunks_is_not_quick(make_png):
    assert work(make_png(2, 2, *[(b"tEXt", b"a\0b")] * 11_000)) > QUICK


def test_every_frame_before_the_one_wanted_counts(animation):
    assert work(animation, 4) - work(animation, 0) == 4 * (30 * 20 + effort._FRAME)
    assert work(animation, 10**9) == work(animation, 4)


def test_frames_of_a_gif_are_counted_as_pillow_does(animation):
    assert gif.survey(animation).frames == 5
    assert gif.survey(animation[:-10]).frames == 5
    assert gif.survey(b"GIF89a").frames == 0


def test_the_count_of_frames_ends(monkeypatch):
    block = b"!\xfe" + b"\1x" * 100 + b"\0"
    head = b"GIF89a" + struct.pack("<HHBBB", 3, 2, 0, 0, 0)
    monkeypatch.setattr(gif, "MOST_BLOCKS", 1000)
    assert gif.survey(head + block * 1000).blocks <= 1000 + 2


def test_more_scans_than_minutes_hold_are_refused_undecoded(tmp_path, monkeypatch, refusal):
    monkeypatch.setattr(effort, "QUICK", 1)
    monkeypatch.setattr(load_module, "MOST", 48 * 32 * 100)
    monkeypatch.setattr(load_module, "open_here", None)
    monkeypatch.setattr(load_module, "open_in_child", None)
    (tmp_path / "x.jpg").write_bytes(with_scans(48, 32, 200))
    assert "would take minutes" in refusal(tmp_path / "x.jpg").message


def test_a_side_longer_than_any_photo_s(tmp_path, make_png, refusal):
    (tmp_path / "x.png").write_bytes(make_png(1, LONGEST_SIDE + 1, (b"IDAT", zlib.compress(b""))))
    assert "one side is longer" in refusal(tmp_path / "x.png").message


@pytest.fixture
def all_in_a_child(monkeypatch) -> None:
    monkeypatch.setattr(load_module, "QUICK", -1)


def test_a_child_gives_the_same_photo(tmp_path, monkeypatch, scene):
    alpha = np.dstack([scene, np.full((40, 24), 120, np.uint8)])
    exif = Image.Exif()
    exif[0x0112] = 6
    name = "\N{CAT FACE} \udcff.png"
    path = tmp_path / (name if sys.platform == "linux" else "cat.png")
    Image.fromarray(alpha).save(path, exif=exif)
    here = load(path, background=BACKGROUND)
    monkeypatch.setattr(load_module, "QUICK", -1)
    there = load(path, background=BACKGROUND)
    np.testing.assert_array_equal(there.pixels, here.pixels)
    assert not there.pixels.flags.writeable
    facts = [(p.path, p.sha256, p.notes, p.frame, p.frames) for p in (here, there)]
    assert facts[0] == facts[1]


def test_a_child_says_why_not(tmp_path, scene, refusal, all_in_a_child):
    Image.fromarray(scene).save(tmp_path / "x.png")
    error = refusal(tmp_path / "x.png", max_pixels=7)
    assert isinstance(error, PhotoTooLarge)
    assert (error.pixels, error.limit) == (40 * 24, 7)
    (tmp_path / "y.png").write_bytes(b"just some words")
    error = refusal(tmp_path / "y.png")
    assert not isinstance(error, PhotoTooLarge)
    assert error.message == "y.png is not in any photo format that vitviz knows."


def test_a_child_does_not_use_what_lies_in_the_current_folder(
    tmp_path, monkeypatch, scene, all_in_a_child
):
    Image.fromarray(scene).save(tmp_path / "x.png")
    for name in ("json.py", "numpy.py", "sitecustomize.py"):
        (tmp_path / name).write_text(f"open({str(tmp_path / 'ran')!r}, 'w')", "utf-8")
    monkeypatch.chdir(tmp_path)
    assert load("x.png").size == (40, 24)
    assert not (tmp_path / "ran").exists()


@pytest.fixture
def children(monkeypatch) -> list[subprocess.Popen[bytes]]:
    """Those that were begun."""
    begun: list[subprocess.Popen[bytes]] = []
    begin = subprocess.Popen

    def remembered(*args, **options):
        begun.append(begin(*args, **options))
        return begun[-1]

    monkeypatch.setattr(child.subprocess, "Popen", remembered)
    return begun


def cancelling(calls: int) -> Callable[[Stage, float], None]:
    """A progress that cancels when it is called so many times."""
    left = iter(range(calls))

    def progress(stage: Stage, fraction: float) -> None:
        if next(left, None) is None:
            raise Cancelled

    return progress


def test_cancelling_ends_the_child(tmp_path, children):
    (tmp_path / "x.jpg").write_bytes(with_scans(4000, 3000, 300))
    with pytest.raises(Cancelled):
        load(tmp_path / "x.jpg", progress=cancelling(3))
    assert [one.poll() is None for one in children] == [False]


def test_what_takes_too_long_is_refused(tmp_path, monkeypatch, children, refusal):
    monkeypatch.setattr(child, "BUDGET_S", 0.2)
    (tmp_path / "x.jpg").write_bytes(with_scans(4000, 3000, 300))
    assert "takes more than" in refusal(tmp_path / "x.jpg").message
    assert [one.poll() is None for one in children] == [False]


PRINTS = "import sys; sys.stdin.buffer.read(); sys.stdout.write({!r}); sys.stdout.flush()"


def test_a_decoder_that_crashes_takes_only_the_child_along(
    tmp_path, monkeypatch, scene, refusal, all_in_a_child
):
    Image.fromarray(scene).save(tmp_path / "x.png")
    code = PRINTS.format(child.READY.decode()) + "; import os; os.abort()"
    monkeypatch.setattr(child, "_command", lambda budget: [sys.executable, "-c", code])
    assert "crashed" in refusal(tmp_path / "x.png").message


@pytest.mark.parametrize("command", [["/nowhere/python"], [sys.executable, "-c", ""]])
def test_where_no_child_can_be_begun_the_photo_still_opens(
    tmp_path, monkeypatch, scene, command, all_in_a_child
):
    Image.fromarray(scene).save(tmp_path / "x.png")
    monkeypatch.setattr(child, "_command", lambda budget: command)
    np.testing.assert_array_equal(load(tmp_path / "x.png").pixels, scene)


def test_a_frozen_program_is_its_own_child(monkeypatch):
    from vitviz import __main__

    monkeypatch.setattr(sys, "frozen", True, raising=False)
    program, *arguments = child._command(3.0)
    assert program == sys.executable
    monkeypatch.setattr(child, "main", lambda: 17)
    assert __main__.main(arguments) == 17


def test_who_waits_for_a_photo_that_another_opens_can_be_cancelled(tmp_path, monkeypatch, scene):
    Image.fromarray(scene).save(tmp_path / "x.png")
    goes_on, begun, load_now = threading.Event(), threading.Event(), load

    def slow(*args, **options):
        begun.set()
        goes_on.wait()
        return load_now(*args, **options)

    monkeypatch.setattr("vitviz.engine.photos.load", slow)
    photos, ref = PhotoCache(), PhotoRef(str(tmp_path / "x.png"))
    first = threading.Thread(target=photos.get, args=(ref, BACKGROUND))
    first.start()
    begun.wait()
    with pytest.raises(Cancelled):
        photos.get(ref, BACKGROUND, cancelling(2))
    goes_on.set()
    first.join()
    assert photos.get(ref, BACKGROUND).size == (40, 24)


def test_a_large_file_is_read_piece_by_piece(tmp_path, monkeypatch, scene):
    Image.fromarray(scene).save(tmp_path / "x.bmp")
    monkeypatch.setattr(load_module, "PIECE", 1000)
    np.testing.assert_array_equal(load(tmp_path / "x.bmp").pixels, scene)
    with pytest.raises(Cancelled):
        load(tmp_path / "x.bmp", progress=cancelling(1))


@pytest.mark.shared
@pytest.mark.parametrize("name", ["slow_scans.jpg", "slow_tall.png"])
def test_photos_made_to_be_slow_are_refused_at_once(shared, name, refusal, monkeypatch):
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", None)
    error = refusal(shared / "data" / "attacks" / name)
    assert "would take minutes" in error.message or "one side is longer" in error.message


def test_the_refusal_of_a_slow_photo_is_no_question(tmp_path, refusal):
    (tmp_path / "x.jpg").write_bytes(with_scans(8000, 6000, 420))
    error = refusal(tmp_path / "x.jpg", max_pixels=None)
    assert type(error) is PhotoError
    assert Path(error.message.split()[0]).name == "x.jpg"
