"""``vitviz train`` as a user meets it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.conftest import classes, photos, teacher, write_photo
from vitviz.__main__ import main
from vitviz.imaging.samples import sample_photos
from vitviz.models.loading import load_model
from vitviz.training.checkpoint import read_log

__all__ = ["classes", "photos", "teacher"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def distilling(teacher: Path, photos: Path, steps: int = 4) -> list[str]:
    return [
        "train", "distil", str(teacher), str(photos), "--out", "student", "--depth", "2",
        "--embedding", "1", "--end-to-end", "2", "--steps", str(steps), "--cool-down", "1",
        "--full-size", "1", "--batch", "4", "--sides", "8,16", "--device", "cpu",
    ]  # fmt: skip


def test_distil(
    teacher: Path, photos: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(distilling(teacher, photos)) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert lines[0].startswith("step 0: first ")
    assert lines[-3].startswith("step 4: first ")
    assert lines[-2:] == [f"wrote {Path('student/student.safetensors')}",
                          f"wrote {Path('student/student.json')}"]  # fmt: skip
    model = load_model(here / "student" / "student.safetensors", "cpu")
    assert model.card.config.depth == 2
    assert main(distilling(teacher, photos, 4)) == 0  # finished: nothing to do
    assert (
        len([line for line in read_log(here / "student" / "log.jsonl") if "seconds" in line]) == 1
    )


def test_finetune_and_explain(
    teacher: Path, classes: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "finetune", str(classes), "--model", str(teacher), "--out", "colours"]
    fast = ["--epochs", "8", "--rate", "0.02", "--patience", "0", "--device", "cpu", "--quiet"]
    assert main([*command, *fast]) == 0
    assert capsys.readouterr().out.startswith("wrote ")
    photo = write_photo(here / "green.png", 500, tint=1)
    model = str(Path("colours", "colours.safetensors"))
    assert main(["explain", str(photo), "--model", model, "--out", "map.png"]) == 0
    assert capsys.readouterr().out.splitlines()[1].endswith("%  greens")


@pytest.mark.slow
def test_the_bundled_model_learns_two_classes_from_a_handful_of_photos(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, path in enumerate(sample_photos()[:4]):
        for copy in range(3):
            target = here / "photos" / f"class {number % 2}" / f"{number} {copy}{path.suffix}"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes() + bytes(copy))
    fast = ["--epochs", "2", "--batch", "6", "--head-only", "--device", "cpu"]
    assert main(["train", "finetune", "photos", "--out", "two", *fast]) == 0
    out = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in out[:3]] == ["step 0", "epoch 1", "epoch 2"]
    card = load_model(here / "two" / "two.safetensors", "cpu").card
    assert card.class_names == ("class 0", "class 1")


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_keeps_what_was_learned(teacher: Path, photos: Path, here: Path) -> None:
    command = [sys.executable, "-m", "vitviz", *distilling(teacher, photos, 100_000)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("step 0: first ")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert err.startswith("Stopped; what was learned is kept. To go on: vitviz train distil ")
    assert (here / "student" / "last.pt").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["finetune", "nowhere", "--out", "x"], "The folder nowhere cannot be read"),
        (["distil", "vitviz-small-v9", ".", "--out", "x"], 'no model called "vitviz-small-v9"'),
    ],
)
def test_what_cannot_be_done_is_said(
    arguments: list[str], said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert not (here / "x").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["distil", "t", "p"],
        ["distil", "t", "p", "--out", "x", "--sides", "128,x"],
        ["distil", "t", "p", "--out", "x", "--rate", "0"],
        ["finetune", "p", "--out", "x", "--epochs", "0"],
        ["finetune", "p", "--out", "x", "--smoothing", "2"],
    ],
)
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["train", *arguments])
    assert ended.value.code == 2
    assert "usage: vitviz train" in capsys.readouterr().err
