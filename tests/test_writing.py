"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from tests.samples import names_in
from vitviz import writing
from vitviz.errors import VitvizError
from vitviz.session import session_file
from vitviz.session.state import Session
from vitviz.writing import whole, write_whole


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


def left_over(folder: Path, process: int, machine: str = "") -> Path:
    """What a killed process leaves."""
    path = folder / f".{process}-7{machine and f'-{machine}'}.part"
    path.write_bytes(b"half")
    return path


GONE = 2**30
"""A process that there can't be."""


def test_what_a_killed_process_left_goes_with_the_next_file(tmp_path: Path) -> None:
    for machine in ("", writing._machine()):
        left_over(tmp_path, GONE, machine)
    stays = [left_over(tmp_path, os.getppid(), writing._machine()),
             left_over(tmp_path, GONE, "0badf00d"), tmp_path / ".1-x.part"]  # fmt: skip
    stays[2].write_bytes(b"somebody else's")
    write_whole(tmp_path / "file", b"whole")
    assert names_in(tmp_path) == sorted(["file", *(path.name for path in stays)])
    os.utime(stays[1], (1, 1))  # after a day, what another machine wrote is taken for left over
    writing.remove_parts(tmp_path)
    assert names_in(tmp_path) == sorted(["file", stays[0].name, stays[2].name])


def test_exports_and_sessions_clean_up_too(tmp_path: Path) -> None:
    session_file.save(Session(), tmp_path / "a.vitviz")
    left_over(tmp_path, GONE, writing._machine())
    writing._look_again.clear()
    session_file.save(Session(), tmp_path / "a.vitviz")
    assert names_in(tmp_path) == ["a.vitviz"]


def test_parts_in_folders_inside_are_left_unless_asked_for(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    part = left_over(tmp_path / "in", GONE)
    writing.remove_parts(tmp_path)
    assert part.exists()
    writing.remove_parts(tmp_path, below=True)
    assert not part.exists()


def test_a_large_folder_is_not_looked_through_for_each_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Path] = []

    def slow(folder: Path) -> None:
        looked.append(folder)
        clock[0] += 1.0

    clock = [0.0]
    monkeypatch.setattr(writing.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(writing, "remove_parts", slow)
    writing._look_again.clear()
    for _ in range(200):
        write_whole(tmp_path / "file", b"")
        clock[0] += 1.0
    writing._look_again.clear()
    assert len(looked) == 2, "a hundredth of the time"


def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is done, in order, as far as it matters to a power cut."""
    seen: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(number: int) -> None:
        seen.append("folder" if stat.S_ISDIR(os.fstat(number).st_mode) else "file")
        fsync(number)

    def replaced(self: Path, target: Path) -> Path:
        seen.append("replace")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    return seen


@pytest.mark.skipif(sys.platform != "linux", reason="macOS has a call of its own")
def test_what_is_durable_is_on_the_disk_before_the_old_one_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = calls(monkeypatch)
    write_whole(tmp_path / "file", b"result")
    assert seen == ["replace"]
    seen.clear()
    write_whole(tmp_path / "file", b"session", durable=True)
    assert seen == ["file", "replace", "folder"]
    seen.clear()
    session_file.save(Session(), tmp_path / "a.vitviz")
    assert seen == ["file", "replace", "folder"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_where_there_is_no_such_thing_it_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def cannot(_: int) -> None:
        raise OSError(number, "not here")

    monkeypatch.setattr(os, "fsync", cannot)
    write_whole(tmp_path / "file", b"content", durable=True)
    assert (tmp_path / "file").read_bytes() == b"content"


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_disk_that_does_not_take_it_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    write_whole(tmp_path / "file", b"old")

    def broken(_: int) -> None:
        raise OSError(number, "broken")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(VitvizError, match="broken"):
        write_whole(tmp_path / "file", b"new", durable=True)
    assert (tmp_path / "file").read_bytes() == b"old"
    assert names_in(tmp_path) == ["file"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_private_files_are_so_from_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o644)
    with whole(path, private=True) as part:
        assert stat.S_IMODE(part.stat().st_mode) == 0o600
        part.write_bytes(b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    writing.private_folder(tmp_path / "a" / "b")
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
