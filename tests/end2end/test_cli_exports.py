"""Exports of the command line, their provenance, and what is left when one fails."""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vitviz
from tests.end2end.test_cli import here, names_in, refused, small_photo
from tests.samples import NOBODY, of_class, save_checkpoint
from vitviz.__main__ import main
from vitviz.session import session_file
from vitviz.session.state import PhotoRef

__all__ = ["here"]


def test_every_format_and_what_made_it(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = small_photo(here / "photo.png")
    formats = [part for name in ("png", "jpg", "tiff", "npy", "npz", "csv", "values-tiff")
               for part in ("--format", name)]  # fmt: skip
    assert main(["explain", str(photo), *formats, "--all", "--out", "maps"]) == 0
    capsys.readouterr()
    endings = (".csv", ".jpg", ".npy", ".npz", ".png", ".tiff", "-values.tiff")
    assert names_in(here / "maps") == sorted(f"photo-rollout{ending}" for ending in endings)
    for name in names_in(here / "maps"):
        if not name.endswith(".npy"):
            assert main(["provenance", f"maps/{name}"]) == 0
            words = capsys.readouterr().out
            assert "photo.png, 64 x 48" in words
            assert "rollout: discard 0.0, residual 0.5, start 1" in words
            assert str(here) not in words
    with Image.open(here / "maps" / "photo-rollout-values.tiff") as image:
        assert (image.mode, image.n_frames) == ("F", 12)  # type: ignore[attr-defined]
    with Image.open(here / "maps" / "photo-rollout.tiff") as image:
        assert image.mode == "RGB"


def test_an_array_of_its_own_has_its_provenance_beside_it(here: Path) -> None:
    photo = small_photo(here / "photo.png")
    assert main(["explain", str(photo), "--out", "one.npy"]) == 0
    assert names_in(here) == ["one.npy", "one.npy.json", "photo.png"]
    assert main(["explain", str(photo), "--out", "maps"]) == 0
    assert names_in(here / "maps") == ["photo-rollout.npy", "photo-rollout.png"]
    assert main(["explain", str(photo), "--out", "maps", "--provenance"]) == 0
    assert len(names_in(here / "maps")) == 4


def test_a_file_s_session_is_the_one_that_made_it(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = small_photo(here / "photo.png")
    options = ["--method", "attention", "--layer", "2", "--head", "3", "--query", "30,20"]
    assert main(["explain", str(photo), *options, "--out", "map.png"]) == 0
    assert main(["provenance", "map.png", "--session", "again.vitviz"]) == 0
    session = session_file.read(here / "again.vitviz")
    assert session.photos == (PhotoRef(str(photo)),)
    assert (session.view.layer, session.view.head, session.view.query) == (1, 2, (30.0, 20.0))
    capsys.readouterr()
    assert main(["provenance", "map.png", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["maps"][0]["query_point"] == [30.0, 20.0]
    photo.unlink()
    assert main(["provenance", "map.png", "--session", "again.vitviz"]) == 0
    assert "photo.png was not found" in capsys.readouterr().out


def test_what_has_none_says_so(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = small_photo(here / "photo.png")
    assert "no provenance" in refused(capsys, "provenance", photo)
    assert "No such file" in refused(capsys, "provenance", "nowhere.png")
    assert main(["explain", str(photo), "--out", "map.png"]) == 0
    assert main(["provenance", "map.png", "--session", "again.txt"]) == 1
    assert not (here / "again.txt").exists()


def test_nothing_in_a_stranger_s_file_steers_the_terminal(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", str(small_photo(here / "photo.png")), "--out", "map.npy"]) == 0
    companion = here / "map.npy.json"
    value = json.loads(companion.read_text("utf-8"))
    value["maps"][0]["photo"]["name"] = "\x1b[2Jevil\r\n.png"
    companion.write_text(json.dumps(value), encoding="utf-8")
    capsys.readouterr()
    assert main(["provenance", "map.npy"]) == 0
    words = capsys.readouterr().out
    assert "\x1b" not in words
    assert "\r" not in words
    assert "evil" in words


def test_films(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = small_photo(here / "photo.png")
    model = of_class(save_checkpoint(here / "small.safetensors"), f"cat {NOBODY}")
    options = ["--model", str(model), "--method", "relevance", "--class", "0", "--out", "cat.gif"]
    assert main(["animate", str(photo), *options]) == 0
    assert f"No installed font has {NOBODY}: a box" in capsys.readouterr().err
    assert main(["animate", str(photo)]) == 0
    assert "font" not in capsys.readouterr().err
    with Image.open(here / "photo-rollout-depth.gif") as image:
        assert image.n_frames == 12  # type: ignore[attr-defined]
    arguments = ["--method", "attention", "--along", "heads", "--fps", "5", "--once", "--bare"]
    assert main(["animate", str(photo), *arguments, "--out", "heads.apng"]) == 0
    with Image.open(here / "heads.apng") as image:
        assert (image.n_frames, image.size) == (3, (64, 48))  # type: ignore[attr-defined]
        assert image.info["loop"] == 1
    capsys.readouterr()
    assert "does not move along layers" in capsys_of(photo, capsys, "--along", "layers")
    assert "frames a second" in capsys_of(photo, capsys, "--fps", "99")
    assert "animations cannot be" in capsys_of(photo, capsys, "--out", "film.avi")


def capsys_of(photo: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["animate", str(photo), *arguments]) == 1
    return capsys.readouterr().err


def test_the_photo_itself_is_never_overwritten(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = small_photo(here / "photo.png")
    before = photo.read_bytes()
    assert "overwritten" in capsys_of(photo, capsys, "--out", "photo.png")
    assert photo.read_bytes() == before


# Where it cannot be written


@contextmanager
def small_disk(folder: Path, flags: int = 0) -> Iterator[Path]:
    """A file system of its own with no more than 8 kilobytes."""
    libc = ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True)
    folder.mkdir()
    if not sys.platform.startswith("linux") or libc.mount(
        b"tmpfs", os.fsencode(folder), b"tmpfs", flags, b"size=8k"
    ):
        pytest.skip("no file system can be made here")
    try:
        yield folder
    finally:
        libc.umount(os.fsencode(folder))


@pytest.fixture
def full_disk(here: Path) -> Iterator[Path]:
    with small_disk(here / "full") as folder:
        yield folder


def test_a_full_disk_is_told_and_loses_nothing(
    here: Path, full_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = small_photo(here / "photo.png", size=(300, 200))
    old = full_disk / "map.png"
    old.write_bytes(b"old")
    for out in ("full/map.png", "full/map.tiff"):
        assert main(["explain", str(photo), "--out", out]) == 1
        assert "No space left on device" in capsys.readouterr().err
    assert main(["animate", str(photo), "--out", "full/film.gif"]) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert names_in(full_disk) == ["map.png"]
    assert old.read_bytes() == b"old"


def test_a_full_disk_keeps_a_file_and_its_companion_together(here: Path, full_disk: Path) -> None:
    photo = small_photo(here / "photo.png")
    arguments = ["--input", "whole4", "--out", "full/map.npy"]  # 12,544 bytes and more
    assert main(["explain", str(photo), "--all", *arguments]) == 1
    assert names_in(full_disk) == []


def test_a_folder_that_cannot_be_written(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = small_photo(here / "photo.png")
    read_only = 1
    with small_disk(here / "locked", read_only) as locked:
        for arguments in (["explain", "--out", "locked/map.npy"],
                          ["animate", "--out", "locked/film.gif"]):  # fmt: skip
            assert main([arguments[0], str(photo), *arguments[1:]]) == 1
            assert "could not be written: Read-only file system" in capsys.readouterr().err
        assert names_in(locked) == []


HALF = """
import os, signal, sys
from pathlib import Path

def half(path, content):
    with path.open("wb") as file:
        file.write(content[: len(content) // 2])
    os.kill(os.getpid(), signal.SIGKILL)

Path.write_bytes = half
from vitviz.__main__ import main
main(sys.argv[1:])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX does")
@pytest.mark.parametrize(
    ("command", "name"), [("animate", "film.gif"), ("explain", "map.npz"), ("explain", "map.tiff")]
)
def test_killed_in_the_middle_of_writing(here: Path, command: str, name: str) -> None:
    photo, out = small_photo(here / "photo.png"), here / name
    out.write_bytes(b"old")
    arguments = [command, str(photo), "--out", str(out)]
    repository = Path(vitviz.__file__).parent.parent
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    killed = subprocess.run([sys.executable, "-c", HALF, *arguments], env=environment,
                            stdout=subprocess.DEVNULL, check=False)  # fmt: skip
    assert killed.returncode == -9
    assert out.read_bytes() == b"old"
    assert [left for left in names_in(here) if not left.startswith(".")] == [name, "photo.png"]
    assert main(arguments) == 0
    assert main(["provenance", name]) == 0


def test_values_read_as_the_guide_says(here: Path) -> None:
    photo = small_photo(here / "photo.png")
    for ending in ("npz", "csv"):
        assert main(["explain", str(photo), "--out", f"values.{ending}"]) == 0
    archive = np.load("values.npz")
    table = np.genfromtxt("values.csv", delimiter=",", names=True, skip_header=1)
    np.testing.assert_allclose(table["value"], archive["values"].ravel(), rtol=1e-6)
