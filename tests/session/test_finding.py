"""Files that were moved are found by what is in them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from vitviz.errors import Cancelled
from vitviz.progress import Stage
from vitviz.session import finding
from vitviz.session.finding import FileFacts, facts_of, find


def put(path: Path, content: bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def test_the_right_bytes_come_before_the_right_name(tmp_path: Path) -> None:
    put(tmp_path / "a" / "one.png", b"another")
    right = put(tmp_path / "b" / "deep" / "one.png", b"content")
    found = find({r"C:\photos\one.png": FileFacts(right)}, [tmp_path])
    assert dict(found.places) == {r"C:\photos\one.png": tmp_path / "b" / "deep" / "one.png"}
    assert found.changed == ()


def test_another_name_with_the_right_bytes(tmp_path: Path) -> None:
    put(tmp_path / "one.png", b"changed since")
    right = put(tmp_path / "two.png", b"content")
    put(tmp_path / "three.jpg", b"content")
    for facts in (FileFacts(right), FileFacts(right, len(b"content"))):
        found = find({"/gone/one.png": facts}, [tmp_path])
        assert found.places["/gone/one.png"].read_bytes() == b"content"
        assert found.changed == ()


def test_the_name_alone_where_nothing_else_is_known(tmp_path: Path) -> None:
    put(tmp_path / "x" / "One.PNG", b"anything")
    found = find({"one.png": FileFacts(), "two.png": FileFacts()}, [tmp_path])
    assert found.places.keys() == {"one.png"}
    assert found.changed == ()
    changed = find({"one.png": FileFacts("0" * 64)}, [tmp_path])
    assert changed.changed == ("one.png",)
    other_size = find({"one.png": FileFacts("", 3)}, [tmp_path])
    assert other_size.changed == ("one.png",)


def test_how_deep_it_looks(tmp_path: Path) -> None:
    put(tmp_path / "a" / "b" / "one.png", b"content")
    assert not find({"one.png": FileFacts()}, [tmp_path], deepest=1).places
    assert find({"one.png": FileFacts()}, [tmp_path], deepest=2).places
    assert not find(
        {"one.png": FileFacts()}, [tmp_path / "not there", tmp_path / "a"], deepest=0
    ).places


def test_links_in_circles_and_files_without_end_are_no_trap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)
    put(tmp_path / "a" / "one.png", b"content")
    assert find({"one.png": FileFacts()}, [tmp_path]).places
    monkeypatch.setattr(finding, "MOST_HASHED", 0)
    right = hashlib.sha256(b"content").hexdigest()
    assert not find({"other.png": FileFacts(right)}, [tmp_path]).places


def test_looking_can_be_cancelled(tmp_path: Path) -> None:
    def stop(stage: Stage, fraction: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        find({"one.png": FileFacts()}, [tmp_path], stop)


def test_what_is_known_without_reading(tmp_path: Path) -> None:
    put(tmp_path / "one.png", b"content")
    assert facts_of(tmp_path / "one.png", "ab") == FileFacts("ab", 7)
    assert facts_of(tmp_path / "gone.png") == FileFacts()
