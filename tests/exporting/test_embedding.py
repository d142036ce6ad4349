"""Provenance in files: other readers find it, the file is as it was, and nothing breaks on it."""

from __future__ import annotations

import io
import json
import struct
import xml.etree.ElementTree as ET
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PdfParser import PdfParser

from tests.samples import names_in
from vitviz.errors import VitvizError
from vitviz.exporting import film
from vitviz.exporting import stamp as embedding
from vitviz.exporting.film import Film
from vitviz.exporting.formats import CONTAINERS
from vitviz.exporting.map_files import encode_image
from vitviz.exporting.provenance import Provenance, to_json
from vitviz.exporting.stamp import beside_of, embed, read, write_with_provenance

MADE = Provenance(
    "map", "0.1.0", {"torch": "2.6"}, (),
    {"words": "(brackets) \\ <tags> & “quotes” ü 熊", "many": ["x" * 900] * 3},
)  # fmt: skip

PIXELS = np.random.default_rng(5).integers(0, 256, (9, 14, 3), np.uint8)


def image(kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, kind, **options)
    return stream.getvalue()


FRAMES = [np.roll(PIXELS, shift, 0) for shift in range(3)]


def drawn(kind: str) -> bytes:
    from matplotlib.figure import Figure

    figure, stream = Figure(figsize=(2, 1)), io.BytesIO()
    figure.add_subplot().plot([1, 3, 2])
    dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None, "Title": "A (title)"}}
    figure.savefig(stream, format=kind, metadata=dates[kind])
    return stream.getvalue()


def archive() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, values=np.arange(6.0))
    return stream.getvalue()


FILES: dict[str, Callable[[], bytes]] = {
    ".png": lambda: encode_image(PIXELS, Path("map.png"), "words"),
    ".apng": lambda: film.encode(".apng", FRAMES, Film()),
    ".gif": lambda: film.encode(".gif", FRAMES, Film()),
    ".jpg": lambda: image("JPEG"),
    ".jpeg": lambda: image("JPEG", comment=b"words"),
    ".tif": lambda: image("TIFF"),
    ".tiff": lambda: image("TIFF", compression="tiff_deflate", description="words"),
    ".svg": lambda: drawn("svg"),
    ".pdf": lambda: drawn("pdf"),
    ".npz": archive,
    ".csv": lambda: b"row,column,value\n1,1,0.5\n",
}


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """Without provenance."""
    return {suffix: make() for suffix, make in FILES.items()}


@pytest.fixture(scope="module")
def made_files(files: dict[str, bytes]) -> dict[str, bytes]:
    """With it, from the encoder or put in later."""
    text = to_json(MADE)
    encoded = {
        ".png": encode_image(PIXELS, Path("map.png"), "words", text),
        ".apng": film.encode(".apng", FRAMES, Film(), text),
        ".gif": film.encode(".gif", FRAMES, Film(), text),
    }
    return {s: encoded.get(s) or embed(content, s, MADE) for s, content in files.items()}


def test_every_kind_that_holds_it_is_tried() -> None:
    assert {*FILES, ".mp4"} == set(CONTAINERS)  # that one: test_film


@pytest.mark.parametrize("suffix", FILES)
def test_it_comes_back(
    tmp_path: Path, files: dict[str, bytes], made_files: dict[str, bytes], suffix: str
) -> None:
    path, by_encoder = tmp_path / f"file{suffix.upper()}", CONTAINERS[suffix].put is None
    write_with_provenance(path, (made_files if by_encoder else files)[suffix], MADE)
    assert read(path) == MADE
    assert names_in(tmp_path) == [path.name]
    renamed = path.rename(tmp_path / "file.dat")
    assert read(renamed) == MADE, "by what is in it, whatever its name"


@pytest.mark.parametrize("suffix", FILES)
def test_a_file_without_it_says_so(tmp_path: Path, files: dict[str, bytes], suffix: str) -> None:
    path = tmp_path / f"file{suffix}"
    path.write_bytes(files[suffix])
    with pytest.raises(VitvizError, match="no provenance in"):
        read(path)


@pytest.mark.parametrize("suffix", [".png", ".apng", ".gif", ".jpg", ".jpeg", ".tif", ".tiff"])
def test_pictures_are_what_they_were(
    files: dict[str, bytes], made_files: dict[str, bytes], suffix: str
) -> None:
    def frames(content: bytes) -> list[np.ndarray]:
        with Image.open(io.BytesIO(content)) as opened:
            found = []
            for number in range(getattr(opened, "n_frames", 1)):
                opened.seek(number)
                found.append(np.asarray(opened.convert("RGB")))
        return found

    before, after = frames(files[suffix]), frames(made_files[suffix])
    assert len(before) == len(after) == (3 if suffix in (".apng", ".gif") else 1)
    np.testing.assert_array_equal(before, after)


def test_other_readers_find_it(tmp_path: Path, made_files: dict[str, bytes]) -> None:
    text, content = to_json(MADE), made_files
    with Image.open(io.BytesIO(content[".png"])) as png:
        others = {"Description": "words", "Software": "vitviz"}
        assert png.text == {"vitviz": text, **others}  # type: ignore[attr-defined]
    with Image.open(io.BytesIO(content[".apng"])) as apng:
        assert apng.text == {"vitviz": text}  # type: ignore[attr-defined]
    with Image.open(io.BytesIO(content[".gif"])) as gif:
        assert gif.info["comment"].decode() == text
    with Image.open(io.BytesIO(content[".jpeg"])) as jpeg:
        comments = [data for name, data in jpeg.applist if name == "COM"]  # type: ignore[attr-defined]
        assert comments == [b"vitviz 1/1 " + text.encode(), b"words"]
    with tifffile.TiffFile(io.BytesIO(content[".tiff"])) as tiff:
        assert tiff.pages[0].description == text  # type: ignore[union-attr]
    element = ET.fromstring(content[".svg"]).find(".//{urn:vitviz:provenance}provenance")
    assert element is not None
    assert element.text == text
    with np.load(io.BytesIO(content[".npz"]), allow_pickle=False) as arrays:
        assert str(arrays["provenance"]) == text
        np.testing.assert_array_equal(arrays["values"], np.arange(6.0))
    (tmp_path / "file.pdf").write_bytes(content[".pdf"])
    with PdfParser(str(tmp_path / "file.pdf")) as pdf:
        assert pdf.info[b"vitviz"].decode() == text
        assert pdf.info[b"Title"] == b"A (title)"
        assert len(pdf.pages) == 1
    lines = content[".csv"].decode().splitlines()
    assert lines == ["# vitviz " + text, "row,column,value", "1,1,0.5"]
    assert np.genfromtxt(io.BytesIO(content[".csv"]), delimiter=",", skip_header=2).shape == (3,)


def test_the_same_provenance_gives_the_same_bytes(files: dict[str, bytes]) -> None:
    for suffix, content in files.items():
        assert embed(content, suffix, MADE) == embed(content, suffix, MADE)


def test_one_that_a_jpeg_s_comment_cannot_hold_is_beside_it(tmp_path: Path) -> None:
    made = Provenance("map", "0.1.0", {}, (), {"long": "y" * 65_000})
    write_with_provenance(tmp_path / "file.jpg", image("JPEG"), made)
    assert (tmp_path / "file.jpg").read_bytes() == image("JPEG")
    assert read(tmp_path / "file.jpg") == made


# As earlier versions wrote it


def test_a_jpeg_with_it_in_several_comments(tmp_path: Path) -> None:
    content, text = image("JPEG"), to_json(MADE).encode()
    parts = [text[:1000], text[1000:]]
    segments = [f"vitviz {number}/2 ".encode() + part for number, part in enumerate(parts, 1)]
    comments = [b"\xff\xfe" + struct.pack(">H", len(each) + 2) + each for each in segments]
    (tmp_path / "map.jpg").write_bytes(content[:2] + b"".join(comments) + content[2:])
    assert read(tmp_path / "map.jpg") == MADE


def test_a_gif_with_it_before_everything_else(tmp_path: Path, files: dict[str, bytes]) -> None:
    content, text = files[".gif"], to_json(MADE).encode()
    at = content.index(b"!\xff\x0bNETSCAPE")
    blocks = b"".join(
        bytes([len(text[i : i + 255])]) + text[i : i + 255] for i in range(0, len(text), 255)
    )
    path = tmp_path / "film.gif"
    path.write_bytes(content[:at] + b"!\xfe" + blocks + b"\0" + content[at:])
    assert read(path) == MADE
    with Image.open(path) as opened:
        assert opened.n_frames == 3  # type: ignore[attr-defined]


# Odd files


def test_a_big_endian_tiff_with_several_pages(tmp_path: Path) -> None:
    stream = io.BytesIO()
    tifffile.imwrite(
        stream, np.stack([PIXELS] * 2), byteorder=">", photometric="rgb", metadata=None
    )
    write_with_provenance(tmp_path / "file.tif", stream.getvalue(), MADE)
    assert read(tmp_path / "file.tif") == MADE
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "file.tif"), np.stack([PIXELS] * 2))


# Beside the file


def test_beside_it_too(tmp_path: Path, files: dict[str, bytes]) -> None:
    path = tmp_path / "map.svg"
    write_with_provenance(path, files[".svg"], MADE, beside=True)
    assert names_in(tmp_path) == ["map.svg", "map.svg.json"]
    assert read(beside_of(path)) == MADE
    path.write_bytes(files[".svg"])  # as a program that drops what it does not know
    assert read(path) == MADE


def test_a_kind_without_room_always_has_it_beside(tmp_path: Path) -> None:
    write_with_provenance(tmp_path / "map.npy", b"values", MADE)
    assert (tmp_path / "map.npy").read_bytes() == b"values"
    assert read(tmp_path / "map.npy") == MADE


def test_something_else_in_its_place_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "map.npy.json"
    other.write_text('{"mine": 1}', encoding="utf-8")
    with pytest.raises(VitvizError, match=r"map\.npy\.json is not a provenance"):
        write_with_provenance(tmp_path / "map.npy", b"values", MADE)
    assert names_in(tmp_path) == ["map.npy.json"]
    assert other.read_text("utf-8") == '{"mine": 1}'


@pytest.mark.parametrize("was_there", [False, True])
def test_a_failure_leaves_both_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, was_there: bool
) -> None:
    path = tmp_path / "map.npy"
    if was_there:
        write_with_provenance(path, b"old", Provenance("values", "old", {}, ()))
    write, before = embedding.write_whole, names_in(tmp_path)

    def full(target: Path, content: bytes) -> None:
        if target == path:
            raise VitvizError("No space left on device.")
        write(target, content)

    monkeypatch.setattr(embedding, "write_whole", full)
    with pytest.raises(VitvizError, match="No space left"):
        write_with_provenance(path, b"new", MADE)
    assert names_in(tmp_path) == before
    if was_there:
        assert path.read_bytes() == b"old"
        assert read(path).program == "old"


# Files from strangers


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere.png", tmp_path / "nul\0.png"):
        with pytest.raises(VitvizError):
            read(path)


@pytest.mark.parametrize("suffix", FILES)
def test_a_file_cut_anywhere_is_refused_or_read(
    tmp_path: Path, made_files: dict[str, bytes], suffix: str
) -> None:
    content, path = made_files[suffix], tmp_path / f"cut{suffix}"
    for length in {*range(0, min(len(content), 400)), *range(0, len(content), 211)}:
        path.write_bytes(content[:length])
        with suppress(VitvizError):
            assert read(path) == MADE


@pytest.mark.parametrize("suffix", FILES)
@settings(max_examples=25)
@given(data=st.data())
def test_a_file_with_other_bytes_in_it_never_breaks_the_reader(
    made_files: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
    suffix: str,
    data: st.DataObject,
) -> None:
    content = bytearray(made_files[suffix])
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, min(len(content), 600) - 1))
        content[data.draw(st.sampled_from([at, -at - 1]))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / f"changed{suffix}"
    path.write_bytes(bytes(content))
    with suppress(VitvizError):
        assert isinstance(read(path), Provenance)


@given(st.sampled_from([s for s in CONTAINERS if s not in (".apng", ".jpeg", ".tiff")]),
       st.binary(max_size=300))  # fmt: skip
def test_any_bytes_behind_a_beginning(suffix: str, rest: bytes) -> None:
    beginnings = {".png": b"\x89PNG\r\n\x1a\n", ".gif": b"GIF89a", ".jpg": b"\xff\xd8\xff",
                  ".tif": b"II*\0", ".svg": b"<svg", ".pdf": b"%PDF-", ".npz": b"PK\x03\x04",
                  ".csv": b"# vitviz ", ".mp4": b"\0\0\0\x18ftyp"}  # fmt: skip
    try:
        found = CONTAINERS[suffix].get(io.BytesIO(beginnings[suffix] + rest))
    except (ValueError, OSError):
        return
    assert found is None or isinstance(found, bytes)


def test_a_pickle_in_an_archive_is_not_opened(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.savez(stream, provenance=np.array([{"a": 1}], dtype=object))
    (tmp_path / "file.npz").write_bytes(stream.getvalue())
    with pytest.raises(VitvizError, match="no provenance"):
        read(tmp_path / "file.npz")


def test_xml_s_entities_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "file.svg").write_text(
        '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "boom">]><svg><metadata>'
        "<vitviz:provenance>&a;&a;</vitviz:provenance></metadata></svg>", encoding="utf-8"
    )  # fmt: skip
    with pytest.raises(VitvizError, match="damaged"):
        read(tmp_path / "file.svg")


def test_json_of_another_kind_is_no_provenance(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text(json.dumps({"id": "card"}), encoding="utf-8")
    with pytest.raises(VitvizError):
        read(tmp_path / "card.json")
