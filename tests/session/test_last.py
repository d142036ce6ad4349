"""The session of last time is never lost."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from tests.samples import names_in
from vitviz.errors import SessionError, VitvizError
from vitviz.session import session_file
from vitviz.session.last import LastSession
from vitviz.session.state import PhotoRef, Session, View


def session_of(*names: str, layer: int = 0) -> Session:
    return Session(tuple(map(PhotoRef, names)), model="m", view=View(layer=layer))


def test_the_last_three_are_kept_and_each_opens(tmp_path: Path) -> None:
    for layer in range(5):
        LastSession(tmp_path / "new").keep(session_of("a", layer=layer))
    last = LastSession(tmp_path / "new")
    there = (last.path, last.before(1), last.before(2))
    assert [session_file.read(path).view.layer for path in there] == [4, 3, 2]
    assert names_in(tmp_path / "new") == ["last.1.vitviz", "last.2.vitviz", "last.vitviz"]


def test_the_same_again_is_not_one_more(tmp_path: Path) -> None:
    for layer in (0, 1, 1, 1):
        LastSession(tmp_path).keep(session_of("a", layer=layer))
    last = LastSession(tmp_path)
    assert session_file.read(last.before(1)).view.layer == 0
    assert not last.before(2).exists()


def test_what_cannot_be_read_is_set_aside_whole(tmp_path: Path) -> None:
    last = LastSession(tmp_path)
    for content in (b"", b"{}", b'{"vitviz": 99}', b"\xff\xfe", b"[" * 100_000):
        last.path.write_bytes(content)
        with pytest.raises(SessionError):
            last.read()
        aside = last.set_aside()
        assert aside is not None
        assert aside.suffix == ".vitviz"
        assert aside.read_bytes() == content
    last.keep(session_of("a"))
    assert len(names_in(tmp_path)) == 6


def test_what_cannot_be_moved_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = LastSession(tmp_path)
    last.path.write_bytes(b"damaged")

    def no(*_: object) -> None:
        raise PermissionError(13, "no")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", no)
        assert last.set_aside() is None
    with pytest.raises(VitvizError):
        last.keep(session_of("a"))
    assert last.path.read_bytes() == b"damaged"


def test_what_was_left_out_stays_in_the_file_while_nothing_is_changed(tmp_path: Path) -> None:
    whole = session_of("a", "gone")
    LastSession(tmp_path).keep(whole)
    for _ in range(4):
        last = LastSession(tmp_path)
        assert last.read() == whole
        last.note_opened(session_of("a"))
        last.keep(session_of("a"))
    assert LastSession(tmp_path).read() == whole


def test_what_was_left_out_is_set_aside_when_something_is_changed(tmp_path: Path) -> None:
    whole = session_of("a", "gone")
    LastSession(tmp_path).keep(whole)
    last = LastSession(tmp_path)
    last.read()
    last.note_opened(session_of("a"))
    last.keep(session_of("a", layer=1))
    for layer in range(2, 6):
        LastSession(tmp_path).keep(session_of("a", layer=layer))
    asides = [name for name in names_in(tmp_path) if name.startswith("last-")]
    assert len(asides) == 1
    assert session_file.read(tmp_path / asides[0]) == whole


def test_a_photo_that_was_refused_counts_as_left_out(tmp_path: Path) -> None:
    whole = session_of("a", "damaged")
    LastSession(tmp_path).keep(whole)
    last = LastSession(tmp_path)
    last.read()
    last.note_opened(whole)
    last.note_refused({PhotoRef("another")})
    last.note_refused({whole.photos[1]})
    last.keep(session_of("a"))
    assert [name for name in names_in(tmp_path) if name.startswith("last-")]


def test_what_the_user_closed_is_not_set_aside(tmp_path: Path) -> None:
    whole = session_of("a", "b")
    LastSession(tmp_path).keep(whole)
    last = LastSession(tmp_path)
    last.read()
    last.note_opened(whole)
    last.keep(session_of("a"))
    assert names_in(tmp_path) == ["last.1.vitviz", "last.vitviz"]


def test_what_came_back_is_not_set_aside(tmp_path: Path) -> None:
    whole = session_of("a", "far")
    LastSession(tmp_path).keep(whole)
    last = LastSession(tmp_path)
    last.read()
    last.note_opened(session_of("a"))
    last.keep(replace(whole, view=View(layer=1)))
    assert names_in(tmp_path) == ["last.1.vitviz", "last.vitviz"]


@pytest.mark.parametrize("at", ["write_bytes", "link", "replace"])
def test_a_failure_at_any_point_leaves_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    for layer in (0, 1, 2):
        LastSession(tmp_path).keep(session_of("a", layer=layer))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os if at == "link" else Path, at, full)
        if at == "link":
            patched.setattr(Path, "replace", full)
        with pytest.raises(VitvizError):
            LastSession(tmp_path).keep(session_of("a", layer=3))
    last = LastSession(tmp_path)
    assert session_file.read(last.path).view.layer == 2
    assert session_file.read(last.before(1)).view.layer == 1
    assert not [name for name in names_in(tmp_path) if name.endswith(".part")]


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    for layer in range(3):
        LastSession(folder).keep(session_of("a", layer=layer))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_starts_that_never_got_anywhere_are_counted(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    assert [LastSession(folder).count_start() for _ in range(3)] == [0, 1, 2]
    last = LastSession(folder)
    last.went_well()
    last.went_well()
    assert last.count_start() == 0
    assert names_in(folder) == ["starts-without-end"]
    (folder / "starts-without-end").write_bytes(b"\xff many")
    assert last.count_start() == 0
    last.went_well()
    assert names_in(folder) == []


def test_starts_cannot_be_counted_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    last = LastSession(tmp_path / "file")
    assert [last.count_start(), last.count_start()] == [0, 0]
    last.went_well()
