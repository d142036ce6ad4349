"""Questions about files never raise, and what lies elsewhere is known by its name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vitviz import paths

QUESTIONS = (
    paths.is_file, paths.is_folder, paths.is_there, paths.is_something_else,
    paths.is_file_at_hand, paths.is_elsewhere, paths.absolute, paths.resolved,
)  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(
    "name",
    ["", ".", "n" * 300, "n/" * 5000, "nul\0l", "\udcff\udc00.png", "lone\ud800.png", "\\\\h\\s\\a",
     "//h/s", "a\nb", "CON", "COM1.png", "file://host/a.png", "~nobody/x", "?", "|", "x" * 100_000],
)  # fmt: skip
def test_no_question_raises(question: object, name: str) -> None:
    assert callable(question)
    for given in (name, Path(name)):
        assert isinstance(question(given), bool | Path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind here")
def test_a_folder_that_may_not_be_looked_into(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir()
    (tmp_path / "locked" / "a.png").touch()
    (tmp_path / "locked").chmod(0)
    try:
        assert not paths.is_file(tmp_path / "locked" / "a.png")
        assert not paths.is_there(tmp_path / "locked" / "a.png")
    finally:
        (tmp_path / "locked").chmod(0o700)


def test_whatever_the_system_raises_it_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.png"
    file.touch()
    assert paths.is_file(file)
    for error in (PermissionError(13, "no"), OSError(36, "long"), ValueError("NUL")):

        def failing(path: object, *, error: Exception = error, **_: object) -> object:
            raise error

        with monkeypatch.context() as patched:
            patched.setattr(os, "stat", failing)
            there = paths.is_file(file), paths.is_there(file), paths.is_folder(tmp_path)
        assert there == (False, False, False)


@pytest.mark.skipif(os.name == "nt", reason="links")
def test_links_in_circles(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert not paths.is_file(tmp_path / "a")
    assert paths.resolved(tmp_path / "a" / "c").name == "c"


@pytest.mark.skipif(os.name == "nt", reason="pipes")
def test_a_pipe_is_something_else(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert paths.is_something_else(tmp_path / "pipe.png")
    assert not paths.is_file(tmp_path / "pipe.png")
    assert paths.is_something_else(tmp_path)
    assert not paths.is_something_else(tmp_path / "nothing")


@pytest.mark.parametrize(
    "name",
    [r"\\evil\share\a.png", "//evil/share/a.png", r"\/evil\a", r"/\evil/a", r"\\?\UNC\evil\a.png",
     r"\\?\C:\a.png", r"\\.\pipe\x", r"\??\UNC\evil\a", "CON", "nul", "c:/photos/NUL.png",
     "aux.tar.gz", r"C:\x\COM1", "lpt9.png", "com¹.png", "CONIN$", "con .png", "NUL:", "file://evil/a.png",
     "FILE:a", "http://evil/a.png", "smb://evil/a", "/dev/zero", "/dev/../dev/zero", "/DEV/sda",
     "/tmp/../proc/self/mem", "/proc/kmsg", "/sys/x", "/net/evil/a.png", "/afs/evil/a", "/dev",
     "\\dev\\zero"],
)  # fmt: skip
def test_elsewhere(name: str) -> None:
    assert paths.is_elsewhere(name)
    assert not paths.is_file_at_hand(name)


@pytest.mark.parametrize(
    "name",
    ["/home/me/a.png", r"C:\Users\me\a.png", "D:/a.png", "a.png", "console.png",
     "/home/me/null.png", "/device/a.png", "/home/dev/a.png", "comet.png", "com10.png",
     "vitviz-small-v1", "/a/CON/b.png",
     "../a.png", "~/a.png", "a:b.png", "/tmp/file:a.png", "", "aux-1.png"],
)  # fmt: skip
def test_at_hand(name: str) -> None:
    assert not paths.is_elsewhere(name)


def test_a_home_on_a_server_is_near(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, "//homes/me")
    assert not paths.is_elsewhere(r"\\homes\me\photos\a.png")
    assert paths.is_elsewhere(r"\\homes\other\a.png")
    assert paths.is_elsewhere(r"\\homes\me\..\..\evil\a.png")
    assert paths.is_elsewhere(r"\\homes\me\NUL")
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, "/")
    assert paths.is_elsewhere("//evil/a.png")


@pytest.mark.parametrize(
    ("name", "inside"),
    [("a.png", True), ("in/a.png", True), ("a..b/c.png", True), ("/a.png", False), ("../a", False),
     ("in/../../a", False), (r"..\a", False), (r"\a", False), ("C:/a", False), ("//h/a", False)],
)  # fmt: skip
def test_inside(name: str, inside: bool) -> None:
    assert paths.is_inside(name) is inside
