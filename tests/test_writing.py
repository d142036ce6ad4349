"""Files are written whole or not at all."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.samples import names_in
from vitviz.errors import VitvizError
from vitviz.writing import write_whole


def test_writing_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"first", b"", b"second"):
        write_whole(path, content)
        assert path.read_bytes() == content
    assert names_in(tmp_path) == ["file"]


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"not a folder")
    with pytest.raises(VitvizError, match="could not be written") as caught:
        write_whole(tmp_path / "file" / "inside", b"content")
    assert caught.value.hint
    assert (tmp_path / "file").read_bytes() == b"not a folder"


def test_a_folder_in_its_place_stays_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    with pytest.raises(VitvizError):
        write_whole(tmp_path / "folder", b"content")
    assert names_in(tmp_path) == ["folder"]


@pytest.mark.parametrize("name", ["n" * 300, "nul\0l"])
def test_a_name_that_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(VitvizError, match="could not be written"):
        write_whole(tmp_path / name, b"content")
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("method", ["write_bytes", "replace"])
def test_a_failure_half_way_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(self: Path, argument: object) -> None:
        Path.touch(self)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, method, full)
    with pytest.raises(VitvizError, match="No space left on device"):
        write_whole(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["file"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("links cannot be made here")
    write_whole(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_two_threads_writing_one_file_leave_one_whole(tmp_path: Path) -> None:
    start = threading.Barrier(2)
    contents = (b"a" * 200_000, b"b" * 300_000)

    def write(content: bytes) -> None:
        start.wait(30)
        for _ in range(20):
            write_whole(tmp_path / "file", content)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (tmp_path / "file").read_bytes() in contents
    assert names_in(tmp_path) == ["file"]
