"""Photos of lists, tars and Parquet files: the same rows as of a folder, and nothing hostile."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.batch.test_batch_run import batch, errors, files_in, photos, silent, table
from tests.samples import save_photo
from vitviz.batch import inputs, parquet, tar
from vitviz.batch.inputs import Feed, Places, photos_of, read_item
from vitviz.batch.job import Batch, Columns, Outputs
from vitviz.batch.run import run
from vitviz.errors import PhotoError
from vitviz.paths import DEVICE, is_inside
from vitviz.progress import Control

__all__ = ["batch", "photos"]

NAMES = ("a.png", "b.png", "in/a.png", "in/b.png", "in/deeper/a.png", "in10/c.png")


def add(file: tarfile.TarFile, name: str, data: bytes = b"", **fields: Any) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    for field, value in fields.items():
        setattr(member, field, value)
    file.addfile(member, io.BytesIO(data))


@pytest.fixture
def shard(photos: Path) -> Path:
    """A tar as webdataset has them: photos, and what belongs to them."""
    path = photos.parent / "shard.tar"
    with tarfile.open(path, "w") as file:
        for name in NAMES:
            add(file, name, (photos / name).read_bytes())
            add(file, name.replace(".png", ".json"), b"{}")
        add(file, "in/._b.png", b"what macOS writes beside it")
    return path


@pytest.fixture
def columns(photos: Path) -> Path:
    """Two groups of rows, with names and photos as data sets have them."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    path = photos.parent / "rows.parquet"
    images = [{"bytes": (photos / name).read_bytes(), "path": name} for name in NAMES]
    write_table(pa.table({"name": list(NAMES), "image": images}), path, row_group_size=4)
    return path


def keys(source: Path, columns: Columns | None = None) -> list[str]:
    return [item.key for item in photos_of(source, columns or Columns())]


def rows(out: Path) -> list[dict[str, str]]:
    return [{**line, "photo": ""} for line in table(out)]


@pytest.mark.parametrize("kind", ["tar", "parquet", "list"])
def test_the_same_rows_as_from_the_folder(
    batch: Batch, kind: str, request: pytest.FixtureRequest
) -> None:
    batch = replace(batch, outputs=Outputs(map="none", classes=3))
    run(batch, silent)
    if kind == "list":
        source = batch.source.parent / "list.txt"
        source.write_text("\n".join(f"photos/{name}" for name in NAMES), encoding="utf-8")
    else:
        source = request.getfixturevalue("shard" if kind == "tar" else "columns")
    other = replace(batch, source=source, out=batch.out.with_name("other"))
    assert run(other, silent).failed == 0
    assert rows(other.out) == rows(batch.out)
    again = run(other, silent)
    assert again.before == 6, "a second run does nothing"


def test_what_photos_are_called(shard: Path, columns: Path, photos: Path) -> None:
    assert keys(shard) == list(NAMES)
    assert keys(columns) == list("012345")
    assert keys(columns, Columns(key="name")) == list(NAMES)
    lines = ["# mine", "", "photos/a.png", "shard.tar", "rows.parquet", "photos/a.png", "gone.tar"]
    (photos.parent / "some.txt").write_text("\n".join(lines), encoding="utf-8")
    found = keys(photos.parent / "some.txt")
    assert found[0] == "photos/a.png"
    assert found[1:7] == [f"shard.tar/{name}" for name in NAMES]
    assert found[7:] == [*(f"rows.parquet/{row}" for row in range(6)), "gone.tar"]


def test_maps_of_members_get_names_of_their_own(batch: Batch, shard: Path) -> None:
    out = replace(batch, source=shard, outputs=Outputs(map="jpg")).out
    run(replace(batch, source=shard, outputs=Outputs(map="jpg")), silent)
    assert {"a.png-attention.jpg", "in/deeper/a.png-attention.jpg"} <= files_in(out).keys()


def test_members_that_are_no_photos_of_the_archive(batch: Batch) -> None:
    path, data = batch.source.parent / "bad.tar", (batch.source / "a.png").read_bytes()
    with tarfile.open(path, "w") as file:
        add(file, "../../out.png", data)
        add(file, "/etc/x.png", data)
        add(file, "link.png", type=tarfile.SYMTYPE, linkname="/etc/passwd")
        add(file, "good.png", data)
        add(file, "good.png", data)
        add(file, f"{'n' * 5000}.png", data)
        add(file, "empty.png")
    summary = run(replace(batch, source=path), silent)
    said = errors(batch.out)
    assert (summary.done, summary.failed) == (7, 5)
    assert "leads out of the archive" in said["../../out.png"]
    assert "leads out of the archive" in said["/etc/x.png"]
    assert "is a link" in said["link.png"]
    assert "is empty" in said["empty.png"]
    assert any("more than 4,096 letters" in why for why in said.values())
    assert "good.png#2" in {line["photo"] for line in table(batch.out)}
    assert not (batch.out.parent.parent / "out.png-attention.png").exists()


def huge(header: bytearray) -> None:
    """A size of eight exabytes, in base 256."""
    header[124:136] = b"\x80" + (1 << 62).to_bytes(11)


def negative(header: bytearray) -> None:
    header[124:136] = b"\xff" * 10 + (0x10000 - 2048).to_bytes(2)


def long_name(header: bytearray) -> None:
    """A name of four gigabytes."""
    header[156:157], header[124:136] = b"L", b"40000000000\0"


@pytest.mark.parametrize(
    ("change", "words"),
    [(huge, "no photo has"), (negative, "circle|cannot|header|seek"), (long_name, "header")],
)
def test_headers_that_lie(shard: Path, change: Callable[[bytearray], None], words: str) -> None:
    data = bytearray(shard.read_bytes())
    header = data[:512]
    change(header)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    data[:512] = header
    shard.write_bytes(data)
    try:
        problems = [str(item.problem) for item in photos_of(shard, Columns()) if item.problem]
    except PhotoError as error:
        problems = [str(error)]
    assert any(part in " ".join(problems) for part in words.split("|"))


def test_a_tar_that_is_broken_in_the_middle(shard: Path, photos: Path) -> None:
    data = bytearray(shard.read_bytes())
    at = data.index(b"in/b.png\0")
    data[at : at + 512] = b"x" * 512
    shard.write_bytes(data)
    items = list(photos_of(shard, Columns()))
    assert [item.key for item in items if not item.problem] == ["a.png", "b.png", "in/a.png"]
    assert "there is no header at byte" in str(items[-1].problem), "not in silence"
    shard.write_bytes(data[: at - 600])
    items = list(photos_of(shard, Columns()))
    assert "cut off" in str(items[-1].problem) or "not a tar" in str(items[-1].problem)


def test_a_compressed_tar_is_refused_in_words(shard: Path) -> None:
    import gzip

    shard.write_bytes(gzip.compress(shard.read_bytes()))
    with pytest.raises(PhotoError, match="it is compressed"):
        keys(shard)


def test_a_tar_that_became_shorter(shard: Path) -> None:
    last = list(photos_of(shard, Columns()))[-1]
    shard.write_bytes(shard.read_bytes()[:2000])
    with pytest.raises(PhotoError, match="cut off"):
        read_item(last, Control())


def test_values_that_are_no_photos(batch: Batch) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    path = batch.source.parent / "bad.parquet"
    values = [(batch.source / "a.png").read_bytes(), None, b"", b"no photo", b"\0" * (65 << 20)]
    write_table(pa.table({"jpg": values, "text": list("abcde")}), path, compression="zstd")
    summary = run(replace(batch, source=path), silent)
    said = errors(batch.out)
    assert (summary.done, summary.failed) == (5, 4)
    assert "is empty" in said["1"]
    assert "is empty" in said["2"]
    assert "no photo has" in said["4"], f"of {path.stat().st_size:,} bytes"


def test_a_value_that_is_there_many_times(photos: Path) -> None:
    """A dictionary in a file of a kilobyte stands for 160 GB."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    path = photos.parent / "bomb.parquet"
    values = pa.DictionaryArray.from_arrays(
        pa.array([0] * 20_000, pa.int32()), pa.array([b"\0" * (8 << 20)], pa.binary())
    )
    write_table(pa.table({"image": values}), path, compression="zstd")
    assert path.stat().st_size < 1 << 12
    items, feed, before = photos_of(path, Columns()), Feed(), pa.default_memory_pool().max_memory()
    for _ in range(3):
        item = feed.ready(next(items))
        assert item.data is not None
        assert len(item.data) == 8 << 20
    taken = pa.default_memory_pool().max_memory() - min(before, 64 << 20)
    assert taken < 1 << 28, "a value at a time"


def test_groups_that_say_they_are_too_large(columns: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "LARGEST_GROUP", 100)
    assert {str(item.problem)[:32] for item in photos_of(columns, Columns())} == {
        "A group of rows of rows.parquet "
    }


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Columns("picture"), "no column “picture”.*could be it: “image”"),
        (Columns("name"), "no column “name” with the bytes"),
        (Columns(key="image"), "no column “image” of texts"),
        (Columns(key="none"), "no column “none”"),
    ],
)
def test_columns_that_are_not_there(columns: Path, asked: Columns, words: str) -> None:
    with pytest.raises(PhotoError, match=words):
        keys(columns, asked)


def test_names_that_are_none_or_twice(photos: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    path = photos.parent / "twice.parquet"
    names = ["x", "x", None, "y" * 5000, "../../z", "nul.png"]
    write_table(pa.table({"image": [b"1"] * 6, "key": names}), path)
    items = list(photos_of(path, Columns(key="key")))
    assert [item.key for item in items] == [
        "x", "x#2", "row 2", "row 3", "../../z", "nul.png"
    ]  # fmt: skip
    assert [item.place for item in items[-2:]] == ["z", "_nul.png"]


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1" + b"\xff" * 50 + b"PAR1", b"x" * 4000])
def test_files_that_are_no_parquet(tmp_path: Path, data: bytes) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "x.parquet").write_bytes(data)
    with pytest.raises(PhotoError, match="not a Parquet file that can be read"):
        keys(tmp_path / "x.parquet")


def test_rows_out_of_order_and_anew(columns: Path, photos: Path) -> None:
    reader = parquet.Rows()
    for row in (2, 0, 3, 3, 1):
        data = reader.read(columns, "image.bytes", NAMES[row], 0, row)
        assert data == (photos / NAMES[row]).read_bytes()
    assert reader.read(columns, "image.bytes", "", 1, 1) == (photos / NAMES[5]).read_bytes()


def test_lists_of_what_must_not_be_looked_at(tmp_path: Path) -> None:
    lines = ["//server/share/x.png", "\\\\server\\x.png", "/dev/zero", "a\0b.png", "http://x/y.png"]
    (tmp_path / "x.txt").write_text("\n".join(lines), encoding="utf-8")
    items = list(photos_of(tmp_path / "x.txt", Columns()))
    assert all("another computer or to a device" in str(item.problem) for item in items)
    assert len(items) == 5


def test_a_list_without_lines(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(b"x" * 10_000)
    with pytest.raises(PhotoError, match="a line of more than"):
        keys(tmp_path / "x.txt")


def test_what_is_no_source(tmp_path: Path) -> None:
    save_photo(tmp_path / "x.png", 1)
    with pytest.raises(PhotoError, match=r"x\.png is not a folder of photos"):
        keys(tmp_path / "x.png")
    with pytest.raises(PhotoError, match="cannot be read"):
        keys(tmp_path / "gone.tar")


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=12).map(lambda t: f"{t}/x.png")))
def test_places_stay_inside_and_apart(names: list[str]) -> None:
    places = Places()
    chosen = [places.of(name) for name in names]
    assert len({place.casefold() for place in chosen}) == len(names)
    for place in chosen:
        assert is_inside(place)
        assert not any(
            inputs.UNFIT.search(part) or DEVICE.fullmatch(part) or part in ("", ".", "..")
            for part in place.split("/")
        )


def test_no_more_than_headers_are_read(shard: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = tar._Headers.read
    sizes: list[int] = []
    monkeypatch.setattr(
        tar._Headers, "read", lambda self, size=-1: (sizes.append(size), read(self, size))[1]
    )
    keys(shard)
    assert max(sizes) <= 512
