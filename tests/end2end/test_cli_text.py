"""Names that were chosen to steer the terminal, in every command."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.hostile import CLASS_NAMES, CONTROLS, FILE_NAMES, save_hostile_checkpoint, steering
from tests.samples import save_photo
from vitviz.__main__ import main, window_options
from vitviz.cli import COMMANDS
from vitviz.cli.batch import Line
from vitviz.cli.terminal import say, warn, write_over
from vitviz.session import session_file
from vitviz.session.state import PhotoRef, Session

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="other systems have no such names of files"
)

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with hostile photos in "photos" and a hostile model, to work in."""
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(FILE_NAMES):
        (tmp_path / "photos").mkdir(exist_ok=True)
        save_photo(tmp_path / "photos" / name, seed)
    save_hostile_checkpoint(tmp_path / "m.safetensors")
    return tmp_path


def said(capsys: Capture, code: int, *arguments: object) -> str:
    """What a command says, all of it; that it ends so, and steers nothing."""
    assert main([str(argument) for argument in arguments]) == code
    out, err = capsys.readouterr()
    assert steering(out) == []
    assert steering(err) == []
    assert "Traceback" not in err
    return str(out + err)


def test_explain(here: Path, capsys: Capture) -> None:
    words = said(capsys, 0, "explain", "photos", "--model", "m.safetensors", "--out", "maps")
    assert FILE_NAMES[0] in words
    assert "�[2Ja�b��gpj��.png" in words
    assert f"%  {CLASS_NAMES[0]}" in words
    assert words.count("wrote") == 2 * len(FILE_NAMES)
    assert len(list((here / "maps").glob("*.png"))) == len(FILE_NAMES)
    for path in sorted((here / "maps").iterdir()):
        if path.suffix == ".png" and "W" * 240 not in path.name:
            described = said(capsys, 0, "provenance", path, "--session", "again.vitviz")
            assert "rollout" in described
            value = json.loads(said(capsys, 0, "provenance", path, "--json"))
            assert value["maps"][0]["photo"]["name"] in FILE_NAMES
    Path("photos/empty\x1b[2J\n.png").write_bytes(b"")
    words = said(capsys, 1, "explain", "photos", "--model", "m.safetensors", "--out", "maps")
    assert "empty�[2J�.png" in words


def test_batch(here: Path, capsys: Capture) -> None:
    Path("photos/empty\x1b[2J\n.png").write_bytes(b"")
    (here / "photos" / "sub\x1b[31m").mkdir()
    save_photo(here / "photos" / "sub\x1b[31m" / "x.png", 9)
    words = said(capsys, 1, "batch", "photos", "--model", "m.safetensors", "--figure", "svg",
                 "--values", "npz", "--out", "out\x1b[1m")  # fmt: skip
    assert "empty�[2J�.png is empty" in words
    assert "wrote out�[1m/table.csv" in words
    table = (here / "out\x1b[1m" / "table.csv").read_text(encoding="utf-8")
    assert steering(table) == []
    assert "'=1+1.png" in table
    assert "bytes\\udcff\\udce4.png" in table


def test_figure_render_and_animate(here: Path, capsys: Capture) -> None:
    photos = [f"photos/{name}" for name in FILE_NAMES]
    for suffix in ("svg", "pdf"):
        words = said(capsys, 0, "figure", *photos, "--model", "m.safetensors", "--out",
                     f"f\x1b[1m.{suffix}", "--title", f"$x^2 {CONTROLS}")  # fmt: skip
        assert words.startswith(f"wrote f�[1m.{suffix}\n")  # and which letters are missing
    session = Session(tuple(PhotoRef(str(Path(p).absolute())) for p in photos),
                      model=str(here / "m.safetensors"))  # fmt: skip
    session = replace(session, figure=replace(session.figure, title=f"$\\frac {CONTROLS}\udcff"))
    session_file.save(session, here / "s\x1b[1m.vitviz")
    for suffix in ("svg", "pdf", "png", "tiff"):
        said(capsys, 0, "render", "s\x1b[1m.vitviz", "--out", f"r\x1b[1m.{suffix}")
    for name in (FILE_NAMES[1], FILE_NAMES[3]):
        words = said(capsys, 0, "animate", f"photos/{name}", "--model", "m.safetensors")
        assert "wrote" in words


def test_train(here: Path, capsys: Capture) -> None:
    for number, name in enumerate(("<b>\x1b[2J\n", "\u202ex\udcff")):
        (here / "classes" / name).mkdir(parents=True)
        for seed in range(4):
            save_photo(here / "classes" / name / f"\udce4\n{seed}.png", 10 * number + seed)
    (here / "classes" / name / "empty\udcff.png").write_bytes(b"")
    words = said(capsys, 0, "train", "finetune", "classes", "--model", "m.safetensors", "--out",
                 "run\x1b[1m", "--epochs", "1", "--device", "cpu")  # fmt: skip
    assert "wrote run�[1m/" in words
    (made,) = (here / "run\x1b[1m").glob("run*.safetensors")
    words = said(capsys, 0, "explain", "photos/=1+1.png", "--model", made)
    assert "<b>�[2J�" in words
    (here / "classes" / "one\x1b[2J").mkdir()
    said(capsys, 1, "train", "finetune", "classes", "--model", "m.safetensors", "--out", "other")


def test_models_says_nothing_of_strangers(capsys: Capture) -> None:
    assert "vitviz" in said(capsys, 0, "models")


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("check", "models")])
def test_what_is_not_there(here: Path, capsys: Capture, command: str) -> None:
    missing = f"no\x1b[2J\n\u202e{CONTROLS}"
    out = ["--out", "f.png"]
    rest = {
        "figure": out, "render": out, "charts": ["--chart", "filters"],
        "reconstruct": ["--model", "m.safetensors"],
    }.get(command, [])  # fmt: skip
    arguments = ["train", "finetune", missing, "--out", "x"] if command == "train" else [
        command, missing, *rest
    ]  # fmt: skip
    assert "no�[2J�" in said(capsys, 1, *arguments)


WRONG = [
    ["explain", "x.png", "--\x1b[2J\nevil.png"],
    ["explain", "x.png", "--layer", "\x1b[2J"],
    ["--x", "\x1b[2J"],
]


@pytest.mark.parametrize("arguments", WRONG)
def test_wrong_usage(arguments: list[str], capsys: Capture) -> None:
    parse = main if arguments[0] in COMMANDS else window_options().parse_args
    with pytest.raises(SystemExit):
        parse(arguments)
    out, err = capsys.readouterr()
    assert steering(out + err) == []
    assert "usage" in err


def test_lines_that_are_written_over(capsys: Capture) -> None:
    say(CONTROLS)
    warn(f"a\n{CONTROLS}")
    write_over(f"a\r\n{CONTROLS}", 40)
    write_over("", 40)
    out, err = capsys.readouterr()
    assert steering(out + err) == ["\r"] * 3
    assert out.count("\n") == err.count("\n") == 1
    assert err.endswith(f"\r{'':40}\r")
    assert Line(quiet=True)
