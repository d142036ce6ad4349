"""``vitviz batch`` as a user meets it, on the bundled model."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.samples import NOBODY, of_class, save_checkpoint
from vitviz.__main__ import main
from vitviz.batch.progress import BatchProgress
from vitviz.cli import batch as command
from vitviz.progress import Stage

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with three photos in two folders."""
    monkeypatch.chdir(tmp_path)
    for index, name in enumerate(("photos/a.png", "photos/b.png", "photos/in/a.png")):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.linear_gradient("L").rotate(90 * index).resize((60, 40)).save(path)
    return tmp_path


def names_in(folder: Path) -> list[str]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def test_a_folder(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["batch", "photos"]) == 0
    names = names_in(here / "photos-maps")
    assert names[:3] == ["a-rollout.jpg", "b-rollout.jpg", "in/a-rollout.jpg"]
    assert {"table.csv", "vitviz-batch.jsonl"} <= set(names)
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("3 photos in ")
    assert f"  wrote {Path('photos-maps/table.csv')}" in out
    with (here / "photos-maps/table.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["photo"] for line in lines] == ["a.png", "b.png", "in/a.png"]
    assert sum(float(lines[0][f"top{i}_probability"]) for i in range(1, 6)) < 1
    assert main(["batch", "photos", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_what_is_written_can_be_chosen(here: Path) -> None:
    options = ["--map", "png", "--side", "30", "--values", "npz", "--classes", "2", "--method",
               "attention", "--layer", "2", "--head", "3", "--out", "x"]  # fmt: skip
    assert main(["batch", "photos", *options]) == 0
    assert [name for name in names_in(here / "x") if name.startswith("in/")] == [
        "in/a-attention.npz", "in/a-attention.png"
    ]  # fmt: skip
    with Image.open(here / "x/a-attention.png") as image:
        assert image.size == (30, 20)
        assert "layer 2 · head 3" in image.text["Description"]  # type: ignore[attr-defined]
    assert "top3" not in (here / "x/table.csv").read_text(encoding="utf-8")


def test_letters_that_no_font_has_are_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = of_class(save_checkpoint(here / "small.safetensors"), f"cat {NOBODY}")
    options = ["--model", str(model), "--map", "none", "--figure", "svg", "--method",
               "relevance", "--class", "0"]  # fmt: skip
    assert main(["batch", "photos", *options]) == 0
    assert f"3 figures with boxes for letters. No installed font has {NOBODY}" in (
        capsys.readouterr().err
    )


def test_only_the_table(here: Path) -> None:
    assert main(["batch", "photos", "--map", "none", "--out", "t"]) == 0
    assert not [name for name in names_in(here / "t") if "/" in name or "rollout" in name]


def test_failures_are_named_last(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "photos/bad.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    assert main(["batch", "photos"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("4 photos in ")
    lines = err.splitlines()
    assert lines[-2] == "vitviz: 1 of 4 failed:"
    assert lines[-1].startswith("  bad.png begins as PNG")


def test_refusals(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["batch", "photos", "--map", "none"]) == 0
    capsys.readouterr()
    (here / "empty").mkdir()
    for arguments, words in (
        (["empty"], "There are no photos in empty"),
        (["nowhere"], "cannot be read"),
        (["photos", "--out", "photos"], "holds other files"),
        (["photos", "--map", "none", "--method", "attention"], "was rollout and is attention"),
        (["photos", "--out", "new", "--layer", "99"], "There is no layer 99"),
        (["photos", "--out", "new", "--query", "reg7"], "no token “reg7”"),
    ):
        assert main(["batch", *arguments]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert words in err
        assert "Traceback" not in err
    assert main(["batch", "photos", "--map", "none", "--method", "attention", "--restart"]) == 0


@pytest.mark.parametrize("option", [["--side", "2"], ["--classes", "x"], ["--map", "gif"]])
def test_wrong_usage(here: Path, option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["batch", "photos", *option])
    assert ended.value.code == 2
    assert option[0] in capsys.readouterr().err


def test_interrupted_it_says_how_to_continue(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: object, progress: BatchProgress) -> None:
        if progress.done == 1:
            raise KeyboardInterrupt

    (here / "photos").rename(here / "my photos")
    with monkeypatch.context() as patch:
        patch.setattr(command.Line, "show", interrupt)
        assert main(["batch", "my photos", "--out", "x"]) == 130
    err = capsys.readouterr().err
    assert "what was finished is kept" in err
    if sys.platform != "win32":
        assert err.endswith("To continue: vitviz batch 'my photos' --out x\n")
    assert main(["batch", "my photos", "--out", "x"]) == 0
    assert "of them before" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a console's Ctrl+C")
def test_a_real_ctrl_c(here: Path) -> None:
    """In a process of its own: it ends by itself, without a traceback, and can be continued."""
    program = (
        "import sys; from vitviz.cli import batch, main; batch.LOGGED_EVERY_S = 0.0; "
        "sys.exit(main(sys.argv[1:]))"
    )
    for index in range(60):
        Image.new("RGB", (64, 48), (index, 9, 9)).save(here / f"photos/many{index}.png")
    command = [
        sys.executable,
        "-c",
        program,
        "batch",
        str(here / "photos"),
        "--out",
        str(here / "x"),
    ]
    with subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("2"):
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "Traceback" not in rest
    assert "To continue: vitviz batch" in rest
    assert not [name for name in names_in(here / "x") if name.endswith((".part", ".csv"))]
    assert main(["batch", str(here / "photos"), "--out", str(here / "x")]) == 0


def test_progress_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(command, "SHOWN_EVERY_S", 0.0)
    line = command.Line(quiet=False)
    line.show(BatchProgress(Stage("loading_model")))
    line.show(BatchProgress(None, 1, 2))
    line.end()
    assert capsys.readouterr().err == ("\rLoading the model…\r1 of 2            \r      \r")
