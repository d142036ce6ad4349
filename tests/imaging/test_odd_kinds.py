"""What is said of files that hold more, less or something else than a photo."""

from __future__ import annotations

import io
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from vitviz.errors import PhotoError
from vitviz.imaging.decoding import tiff
from vitviz.imaging.decoding.formats import EXTENSIONS
from vitviz.imaging.decoding.source import Source
from vitviz.imaging.load import from_source, load

STARTS = (
    b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1",
    b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff,", b"II*\0\x08\0\0\0\1\0\0\1\3\0\1\0\0\0\1\0",
    b"MM\0+\0\x08\0\0\0\0\0\0\0\0\0\x10\0\0\0\0", b"RIFF\x10\0\0\0WEBPVP8X\x0a\0\0\0",
    b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\1\0", b"8BPS\0\1\0\0\0\0\0\0\0\3\0\0\0\1\0\0",
    b"\0\0\0\x18ftypheic\0\0\0\0mif1", b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\0ftyp",
    b"\xff\x4f\xff\x51\0\x29\0\0\0\0\0\1\0\0\0\1\0\0\0\0", b"P6 9 9 255\n\0\0\0aaaaaaa",
    b"P1#x\n9 9 1 1 1 1 1 11", b"qoif\0\0\0\x09\0\0\0\1\4\0\xff\1\2\3\4\0", b"\0\0\1\0\1\0\1\1\0\0",
    b"icns\0\0\0\x10ic07\0\0\0\x08\0\0\0\0", b"DDS |\0\0\0\7\x10\0\0\1\0\0\0\1\0\0\0",
    b"SIMPLE  =          T", b"/* XPM */\nstatic cha", b"#define x_width 1\n##",
    b"\x0a\5\1\x08\0\0\0\0\0\0\0\0\1\0\1\0", b"BLP2\1\0\0\0\2\0\0\0\1\0\0\0\1\0\0\0",
    bytes(20), b" " * 20,
)  # fmt: skip
"""How files of many kinds begin, twenty bytes of each at most."""


@pytest.mark.parametrize("start", STARTS)
def test_a_file_of_a_few_bytes_is_refused_in_words(start):
    for length in range(1, 21):
        with pytest.raises(PhotoError) as caught:
            from_source(Source("few.bin", start[:length]))
        assert caught.value.hint


def test_no_suffix_makes_a_few_bytes_raise_anything_else(tmp_path, refusal):
    for suffix in EXTENSIONS:
        for length in (0, 1, 2, 3, 20):
            path = tmp_path / f"few{suffix}"
            path.write_bytes(bytes(range(length)))
            refusal(path)


@pytest.mark.parametrize(
    ("suffix", "word"), [("tif", "page"), ("gif", "frame"), ("png", "frame"), ("webp", "frame")]
)
def test_which_of_several_pictures_is_shown_is_said(tmp_path, suffix, word):
    frames = [Image.new("RGB", (6, 4), (i * 60, 0, 0)) for i in range(3)]
    path = tmp_path / f"x.{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert f"{word} 1 of 3" in load(path).notes
    assert f"{word} 3 of 3" in load(path, frame=2).notes


def test_pages_of_a_deep_tiff_are_said_too(tmp_path):
    values = np.random.default_rng(0).random((2, 12, 7, 3)).astype(np.float32)
    tifffile.imwrite(tmp_path / "x.tif", values, photometric="rgb")
    assert "page 2 of 2" in load(tmp_path / "x.tif", frame=1).notes


def test_nothing_is_said_of_a_file_of_one_picture(tmp_path, scene):
    Image.fromarray(scene).save(tmp_path / "x.gif")
    assert load(tmp_path / "x.gif").notes == ()


def test_a_wholly_transparent_picture_is_said(tmp_path, scene):
    alpha = np.zeros((40, 24), np.uint8)
    Image.fromarray(np.dstack([scene, alpha])).save(tmp_path / "x.png")
    photo = load(tmp_path / "x.png", background=(1, 2, 3))
    assert (photo.pixels == (1, 2, 3)).all()
    assert [note for note in photo.notes if "wholly transparent" in note] == list(photo.notes)
    alpha[3, 4] = 1
    Image.fromarray(np.dstack([scene, alpha])).save(tmp_path / "x.png")
    assert load(tmp_path / "x.png").notes == ("transparency laid on the background colour",)


def small_tiff(*pages: dict[int, int], inside: tuple[dict[int, int], ...] = ()) -> bytes:
    """A little-endian TIFF of grey pages of 2 x 2 pixels, with more fields; others in a SubIFD."""
    data = bytearray(b"II*\0\0\0\0\0" + bytes(64))

    def written(fields: dict[int, int], following: int) -> int:
        place = len(data)
        base = {256: 2, 257: 2, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 2, 279: 4}
        every = sorted((base | fields).items())
        data.extend(struct.pack("<H", len(every)))
        data.extend(b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in every))
        data.extend(struct.pack("<I", following))
        return place

    subs = [written(fields, 0) for fields in inside]
    following = 0
    for number, fields in reversed(list(enumerate(pages))):
        more = {330: subs[0]} if subs and number == 0 else {}
        following = written(fields | more, following)
    struct.pack_into("<I", data, 4, following)
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        small_tiff({254: 1}, inside=({256: 400, 257: 300, 262: 32803},)),
        small_tiff({254: 1}, inside=({256: 400, 257: 300, 262: 34892},)),
        small_tiff({254: 1}, {262: 32803}),
        small_tiff({50706: 0x0401}),
        b"II*\0\x10\0\0\0CR\2\0" + bytes(200),
    ],
)
def test_a_raw_file_s_preview_is_not_the_photo(data):
    with pytest.raises(PhotoError, match="camera's raw file"):
        from_source(Source("x.tif", data))


@pytest.mark.parametrize("start", [b"FOVb", b"\0MRM", b"IIRS", b"MMOR", b"II\x1a\0\0\0HEAPCCDR"])
def test_raw_files_of_other_kinds_are_named(start):
    with pytest.raises(PhotoError, match="camera's raw file"):
        from_source(Source("x", start + bytes(2000)))


def test_a_reduced_copy_is_said_where_the_file_has_a_larger_one():
    reduced = from_source(Source("x", small_tiff({254: 1}, inside=({256: 400, 257: 300},))))
    assert reduced.notes == ("a reduced copy, the file holds a larger picture",)
    pyramid = from_source(Source("x", small_tiff({}, inside=({254: 1, 256: 1, 257: 1},))))
    assert pyramid.notes == ()
    assert from_source(Source("x", small_tiff({254: 1}))).notes == ()


def test_numbers_of_a_tiff_that_point_nowhere_are_not_followed():
    data = small_tiff({330: 2**32 - 1, 254: 1})
    assert not tiff.is_raw(data)
    assert from_source(Source("x", data)).size == (2, 2)
    big = b"II+\0\x08\0\0\0" + struct.pack("<Q", 2**64 - 2) + bytes(50)
    assert tiff.page_count(big) == 1


@pytest.mark.parametrize("bits", [10, 14, 24])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("order", ["<", ">"])
def test_packed_samples_of_any_depth(bits, channels, order):
    """As they lie in the file: each row's bits one after the other, the highest first."""
    height, width = 5, 7
    values = np.random.default_rng(bits).integers(0, 2**bits, (height, width * channels))
    rows = []
    for row in values:
        ones = "".join(f"{value:0{bits}b}" for value in row)
        whole = int(ones.ljust(-(-len(ones) // 8) * 8, "0"), 2).to_bytes(-(-len(ones) // 8), "big")
        if bits == 24 and order == "<":  # whole bytes stand in the file's order
            whole = b"".join(whole[i : i + 3][::-1] for i in range(0, len(whole), 3))
        rows.append(whole)
    strip = b"".join(rows)
    fields = {256: width, 257: height, 258: bits, 259: 1, 262: 2 if channels == 3 else 1,
              273: 8, 277: channels, 278: height, 279: len(strip)}  # fmt: skip
    directory = struct.pack(order + "H", len(fields))
    for tag, value in sorted(fields.items()):
        directory += struct.pack(order + "HHII", tag, 4, 1, value)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8 + len(strip))
    photo = from_source(Source("x", head + strip + directory + bytes(4)))
    expected = np.rint(values * 255 / (2**bits - 1)).reshape(height, width, channels)
    np.testing.assert_array_equal(photo.pixels, np.broadcast_to(expected, (height, width, 3)))
    assert f"{bits}-bit scaled from 0..{2**bits - 1}" in photo.notes


def test_what_is_only_rare_is_not_called_damaged(tmp_path, scene):
    buffer = io.BytesIO()
    Image.fromarray(scene).save(buffer, "BMP")
    data = bytearray(buffer.getvalue())
    struct.pack_into("<H", data, 28, 2)  # bits of a pixel
    with pytest.raises(PhotoError) as caught:
        from_source(Source("x.bmp", bytes(data)))
    assert "of a rare kind" in caught.value.message
    assert "damaged" not in caught.value.message


def test_what_is_cut_short_is_called_damaged(scene):
    buffer = io.BytesIO()
    Image.fromarray(scene).save(buffer, "JPEG")
    with pytest.raises(PhotoError, match="damaged or cut short"):
        from_source(Source("x.jpg", buffer.getvalue()[:-200]))


def test_libtiff_writes_nothing_to_the_terminal(capfd):
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 2, (50, 40)).astype(bool)
    Image.fromarray(noise).save(buffer, "TIFF", compression="group4")
    data = bytearray(buffer.getvalue())
    data[8:40] = b"\x55" * 32
    with suppress(PhotoError):
        from_source(Source("x.tif", bytes(data)))
    assert capfd.readouterr() == ("", "")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("M1_three_pages.tif", "page 1 of 3"),
        ("N1_all_transparent.png", "wholly transparent"),
        ("K1_10bit.tif", "10-bit scaled from 0..1023"),
    ],
)
def test_cases_of_people_are_said(shared, name, words):
    assert words in " ".join(load(shared / "data" / "cases" / name).notes)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "words"),
    [("cases/L1_raw.dng", "camera's raw file"), ("attacks/one_byte.jpg", "not in any photo")],
)
def test_cases_that_are_no_photo(shared, name, words, refusal):
    assert words in refusal(Path(shared / "data" / name)).message
