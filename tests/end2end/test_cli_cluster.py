"""Specs, parts and other inputs on the command line."""

from __future__ import annotations

import shlex
import shutil
import tarfile
from pathlib import Path

import pytest

from tests.end2end.test_cli_batch import here, names_in
from vitviz.__main__ import main
from vitviz.batch import on_ray, spec
from vitviz.models.loading import bundled

__all__ = ["here"]

WORK = ["--method", "attention", "--layer", "2", "--map", "none"]


def said(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return out + err


def test_a_spec_does_what_the_options_do(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["batch", "photos", *WORK, "--write-spec", "work.json"]) == 0
    assert names_in(here)[-1] == "work.json", "nothing else was done"
    shown = said(capsys).splitlines()
    assert shown[0] == "wrote work.json"
    assert spec.read(Path("work.json")).sha256 == bundled()[0].sha256
    assert main(["batch", "photos", *WORK, "--out", "a", "--quiet"]) == 0
    for number in range(1, 9):
        command = shlex.split(shown[1].replace("1/8", f"{number}/8"))
        assert main([*command[1:], "--quiet"]) == 0
    assert main(shlex.split(shown[2])[1:]) == 0
    assert Path("a/table.csv").read_bytes() == Path("photos-maps/table.csv").read_bytes()


def test_what_a_spec_says_is_not_said_again(
    here: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["batch", "photos", *WORK, "--write-spec", "work.json"]) == 0
    again = ["batch", "photos", "--spec", "work.json"]
    assert main([*again, "--layer", "3", "--class", "collie"]) == 1
    assert "--layer, --class: the work spec says that" in said(capsys)
    work = Path("work.json").read_text(encoding="utf-8")
    Path("work.json").write_text(work.replace(bundled()[0].sha256, "0" * 64), encoding="utf-8")
    assert main(again) == 1
    assert "begins with 000000000000; those of" in said(capsys)
    assert not Path("photos-maps").exists()


def test_a_part_names_what_comes_next(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["batch", "photos", *WORK, "--shard", "1/2"]) == 0
    assert "Part 1/2 is done. Once all are: vitviz batch merge photos-maps" in said(capsys)
    assert main(["batch", "merge", "photos-maps"]) == 1
    assert "Part 2 of 2 is not there" in said(capsys)


def test_a_folder_called_merge(here: Path) -> None:
    shutil.move("photos", "merge")
    assert main(["batch", "merge", *WORK, "--quiet"]) == 0
    assert Path("merge-maps/table.csv").exists()


def test_a_tar(here: Path) -> None:
    with tarfile.open("some.tar", "w") as file:
        file.add("photos/a.png")
    assert main(["batch", "some.tar", *WORK, "--quiet"]) == 0
    assert "photos/a.png" in Path("some-maps/table.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["photos", "more"], "A batch has one source of photos"),
        (["photos", "--address", "auto"], "--address and --num-gpus are Ray's"),
        (["photos", "--engine", "ray", "--shard", "1/2"], "Ray divides the work itself"),
        (["photos/a.png"], "is not a folder of photos, a text"),
        (["photos", "--spec", "photos"], "is not a file"),
    ],
)
def test_what_does_not_go(
    here: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(on_ray.importlib.util, "find_spec", lambda _: object())
    assert main(["batch", *options]) == 1
    assert words in said(capsys)


def test_without_ray(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_ray.importlib.util, "find_spec", lambda _: None)
    assert main(["batch", "photos", *WORK, "--engine", "ray"]) == 1
    assert 'pip install "vitviz[ray]"' in said(capsys)


@pytest.mark.parametrize("options", [["--shard", "3/2"], ["--num-gpus", "1.5"], ["--engine", "x"]])
def test_wrong_usage(here: Path, options: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(["batch", "photos", *options])
