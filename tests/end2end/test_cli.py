"""The command line as a user meets it, on the bundled model."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vitviz
from vitviz.__main__ import main
from vitviz.cli import models
from vitviz.cli.options import stems
from vitviz.imaging.samples import sample_photos

COFFEE = next(path for path in sample_photos() if path.name == "coffee.jpg")
"""600 x 400: not square."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def small_photo(path: Path, seed: int = 0, size: tuple[int, int] = (64, 48)) -> Path:
    """A photo of random colours; size: width and height."""
    path.parent.mkdir(parents=True, exist_ok=True)
    small = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).save(path)
    return path


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What is said by a command that fails with nothing done."""
    assert main([str(argument) for argument in arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("vitviz: ")
    assert "Traceback" not in err
    return err


def test_explain_writes_a_picture_of_the_photo_s_size_and_the_raw_values(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", str(COFFEE), "--out", "maps"]) == 0
    assert names_in(here / "maps") == ["coffee-rollout.npy", "coffee-rollout.png"]
    with Image.open(here / "maps" / "coffee-rollout.png") as image:
        assert image.size == (600, 400)
        words = image.text["Description"]  # type: ignore[attr-defined]
    values = np.load(here / "maps" / "coffee-rollout.npy")
    assert values.shape == (14, 14)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{COFFEE}: {words}"
    assert words.startswith("Attention rollout of CLS · layers 1 to 12 · mean of 3 heads · ")
    assert lines[1].endswith("espresso")
    assert lines[-2:] == [
        f"  wrote {Path('maps/coffee-rollout.png')}", f"  wrote {Path('maps/coffee-rollout.npy')}"
    ]  # fmt: skip


def test_the_command_line_and_the_api_give_the_same(here: Path) -> None:
    options = ["--layer", "4", "--head", "2", "--query", "300,200", "--method", "attention"]
    arguments = ["explain", str(COFFEE), *options, "--input", "whole2", "--device", "cpu"]
    assert main([*arguments, "--out", "map.npy"]) == 0
    assert main([*arguments, "--out", "map.png"]) == 0
    photo = vitviz.load_photo(COFFEE)
    model = vitviz.load_model(device="cpu")
    trace = vitviz.trace(photo, model, whole=True, fineness=2)
    heat_map = vitviz.explain(trace, "attention", layer=3, head=1, query=(300, 200))
    np.testing.assert_array_equal(np.load("map.npy"), heat_map.values)
    assert heat_map.values.shape == trace.geometry.grid == (24, 36)
    with Image.open("map.png") as image:
        np.testing.assert_array_equal(
            np.asarray(image), vitviz.overlay(photo, heat_map, trace.geometry)
        )


def test_every_option_of_the_look_changes_the_picture(here: Path) -> None:
    photo = small_photo(here / "photo.png")
    looks = [[], ["--colours", "viridis"], ["--opacity", "0.3"], ["--nearest"]]
    pictures = []
    for index, look in enumerate(looks):
        out = here / f"{index}.png"
        assert main(["explain", str(photo), *look, "--out", str(out)]) == 0
        pictures.append(np.asarray(Image.open(out)).tobytes())
    assert len(set(pictures)) == len(looks)


def test_photos_of_one_name_do_not_overwrite_one_another(here: Path) -> None:
    photos = [small_photo(here / place, seed) for seed, place in enumerate(
        ("a/x.png", "b/X.bmp", "c/x.png", "c/x-2.png")
    )]  # fmt: skip
    assert main(["explain", *map(str, photos), "--out", "maps", "--method", "attention"]) == 0
    stems = ["X-3-attention", "x-2-attention", "x-4-attention", "x-attention"]
    assert names_in(here / "maps") == sorted(
        f"{stem}{suffix}" for stem in stems for suffix in (".npy", ".png")
    )
    maps = [np.load(path).tobytes() for path in (here / "maps").glob("*.npy")]
    assert len(set(maps)) == 4


def test_a_photo_is_never_overwritten(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = small_photo(here / "x.png")
    other = small_photo(here / "x-rollout.png", 1)
    before = photo.read_bytes(), other.read_bytes()
    assert "would be overwritten" in refused(capsys, "explain", photo, "--out", "x.png")
    assert "would be overwritten" in refused(capsys, "explain", photo, other)
    assert (photo.read_bytes(), other.read_bytes()) == before
    assert names_in(here) == ["x-rollout.png", "x.png"]


def test_a_folder_stands_for_its_photos(here: Path) -> None:
    for index in range(3):
        small_photo(here / "photos" / f"{index}.png", index)
    (here / "photos" / "notes.txt").write_text("no photo", encoding="utf-8")
    assert main(["explain", "photos", "--out", "maps"]) == 0
    assert len(names_in(here / "maps")) == 6


def test_the_others_go_on_after_a_photo_that_cannot_be_opened(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "bad.png").write_bytes(b"no photo")
    good = small_photo(here / "good.png")
    assert main(["explain", "bad.png", "none.png", str(good), "--out", "maps"]) == 1
    out, err = capsys.readouterr()
    assert names_in(here / "maps") == ["good-rollout.npy", "good-rollout.png"]
    assert out.startswith(str(good))
    assert [line for line in err.splitlines() if line.startswith("vitviz: bad.png")]
    assert "vitviz: There is no file none.png" in err


def test_a_model_that_cannot_be_used_is_said_once(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = [small_photo(here / f"{i}.png", i) for i in range(2)]
    (here / "bad.pth").write_bytes(b"no weights")
    err = refused(capsys, "explain", *photos, "--model", "bad.pth")
    assert err.count("vitviz: ") == 1
    assert "bad.pth" in err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--layer", "13"], "There is no layer 13: the model has 12."),
        (["--method", "attention", "--head", "7"], "There is no head 7: the model has 3."),
        (["--query", "dist"], "no token “dist” (it has: cls)"),
        (["--query", "1,30"], "did not see the point 1,30"),
        (["--query", "1000,2"], "not on the photo, which is 100 x 60"),
        (["--set", "discard=2"], "“2” is not a value of discard"),
        (["--set", "colour=red"], "has no parameter “colour”"),
        (["--direction", "to"], "has no direction “to”"),
        (["--model", "nonesuch"], "no model called"),
        (["--device", "cuda:99"], "no device"),
        (["--frame", "3"], "no frame 3"),
        (["--out", "map.gif"], "cannot be written as .gif"),
        (["--out", "file/folder"], "The folder"),
    ],
)
def test_what_is_not_there_is_refused_in_words(
    here: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    photo = small_photo(here / "photo.png", size=(100, 60))
    (here / "file").touch()
    assert words in refused(capsys, "explain", photo, *options)
    assert not list(here.glob("*rollout*"))


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--layer", "x", "“x” is neither a number from 1 nor last"),
        ("--layer", "0", "“0” is neither"),
        ("--head", "median", "“median” is neither a number from 1 nor mean, max, min"),
        ("--query", "1,2,3", "“1,2,3” is not a point X,Y"),
        ("--query", "nan,2", "not a point"),
        ("--opacity", "3", "“3” is not a number from 0 to 1"),
        ("--frame", "-1", "not a number from 1"),
        ("--method", "magic", "invalid choice: 'magic'"),
    ],
)
def test_wrong_usage_is_explained(
    capsys: pytest.CaptureFixture[str], option: str, value: str, words: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["explain", "photo.jpg", f"{option}={value}"])
    assert caught.value.code == 2
    assert words in capsys.readouterr().err


def test_one_file_cannot_hold_two_maps(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = [small_photo(here / f"{i}.png", i) for i in range(2)]
    assert "one file, but there are 2 photos" in refused(
        capsys, "explain", *photos, "--out", "map.png"
    )


def test_an_existing_folder_may_be_called_like_a_file(here: Path) -> None:
    (here / "maps.v1").mkdir()
    (here / "maps.png").mkdir()
    photo = small_photo(here / "photo.png")
    for folder in ("maps.v1", "maps.png"):
        assert main(["explain", str(photo), "--out", folder]) == 0
        assert len(names_in(here / folder)) == 2


def test_a_file_name_that_is_no_text_is_no_obstacle(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = small_photo(here / "photo.png")
    odd = here / "odd\udcff.png"
    try:
        shutil.copyfile(photo, odd)
    except (OSError, UnicodeError):
        pytest.skip("the file system refuses such names")
    assert main(["explain", str(odd), "--out", "map.npy"]) == 0
    assert "odd\\udcff.png" in capsys.readouterr().out


def test_models_lists_the_bundled_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    assert "vitviz-small-v1" in out
    assert "12 layers, 3 heads, width 192, MLP 768, patch 16, 224 x 224, 5,717,416 param" in out


@pytest.mark.slow
def test_check_passes_and_tells_a_failure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from vitviz.selfcheck import numbers as checks
    from vitviz.selfcheck import program as program_checks

    assert main(["check"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "All checks passed."
    assert "the window opens on a photo, offscreen" in out
    assert out.startswith(f"vitviz: {vitviz.__version__}\n")
    failure = checks.Outcome("arithmetic", False, "2 + 2 = 5")
    monkeypatch.setattr(checks, "outcomes", lambda: iter([failure]))
    monkeypatch.setattr(program_checks, "program_outcomes", lambda: iter([]))
    assert main(["check"]) == 1
    out = capsys.readouterr().out
    assert "FAILED  arithmetic: 2 + 2 = 5" in out
    assert "All checks passed" not in out


def test_control_c_ends_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(options: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(models, "run", interrupted)
    assert main(["models"]) == 130
    assert capsys.readouterr().err == ""


def test_names_are_numbered_without_meeting() -> None:
    paths = [Path(name) for name in ("a.jpg", "b/A.png", "a-2.jpg", "a.png", "a-2.png")]
    assert stems(paths) == ["a", "A-3", "a-2", "a-4", "a-2-2"]


def run(*arguments: str, code: str = "") -> subprocess.CompletedProcess[str]:
    command = ["-c", code] if code else ["-m", "vitviz"]
    return subprocess.run(
        [sys.executable, "-W", "error", *command, *arguments],
        capture_output=True, text=True, encoding="utf-8", check=False,
        env={**os.environ, "QT_QPA_PLATFORM": "", "DISPLAY": "",
             "WAYLAND_DISPLAY": "", "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip


@pytest.mark.slow
def test_a_process_of_its_own_explains_without_a_warning(here: Path) -> None:
    done = run("explain", str(COFFEE), "--out", "map.png")
    assert (done.returncode, done.stderr) == (0, "")
    with Image.open(here / "map.png") as image:
        assert image.size == (600, 400)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="there always is a display there")
def test_without_a_display_the_other_way_is_named() -> None:
    done = run(str(COFFEE))
    assert done.returncode == 2
    assert "there is no display" in done.stderr
    assert "vitviz explain PHOTO" in done.stderr


@pytest.mark.slow
def test_without_qt_the_window_says_what_to_install_and_the_rest_works() -> None:
    blocked = (
        "import sys; sys.modules['PySide6'] = None; "
        "from vitviz.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    done = run(code=blocked)
    assert done.returncode == 2
    assert "pip install PySide6-Essentials" in done.stderr
    assert "Traceback" not in done.stderr
    assert run("models", code=blocked).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a shell's pipes")
def test_a_reader_that_has_seen_enough_is_no_failure_to_report() -> None:
    code = (
        "import os, subprocess, sys; r, w = os.pipe(); os.close(r); "
        "done = subprocess.run([sys.executable, '-m', 'vitviz', 'models'], stdout=w, "
        "stderr=subprocess.PIPE); sys.exit(done.stderr.decode())"
    )
    assert run(code=code).stderr.strip() == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["vit_cifar10.npz", "vit4mnist_torchscript.ptl", "vitviz_small_v0.json"]
)
def test_files_that_are_no_checkpoint_are_refused(
    shared: Path, here: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path = shared / "data" / "checkpoints" / name
    assert name in refused(capsys, "explain", COFFEE, "--model", path)
    assert names_in(here) == []


@pytest.mark.slow
def test_an_odd_file_is_explained_or_refused(
    shared: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = sorted((shared / "data" / "images-odd").rglob("*.*"))
    files = [path for path in odd if path.is_file()][::8]
    code = main(["explain", *map(str, files), "--out", "maps", "--method", "attention"])
    out, err = capsys.readouterr()
    explained = [line for line in out.splitlines() if not line.startswith(" ")]
    failures = [line for line in err.splitlines() if line.startswith("vitviz: ")]
    assert code == 1
    assert len(explained) + len(failures) == len(files)
    assert len(names_in(here / "maps")) == 2 * len(explained)
    assert all(len(line) < 400 for line in failures)


def test_a_class_by_its_name_and_by_its_number(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    maps = {}
    for asked in ("Espresso", "967", "cup"):
        arguments = ["explain", str(COFFEE), "--method", "relevance", "--class", asked]
        assert main([*arguments, "--out", f"{asked}.npy"]) == 0
        maps[asked] = np.load(f"{asked}.npy")
        name = "cup" if asked == "cup" else "espresso"
        assert f"Class relevance of CLS for “{name}” · layers 1 to 12" in capsys.readouterr().out
    np.testing.assert_array_equal(maps["Espresso"], maps["967"])
    assert (maps["Espresso"] != maps["cup"]).any()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--method", "relevance", "--class", "colie"], "Did you mean collie"),
        (["--method", "relevance", "--class", "1000"], "There is no class 1000"),
        (["--method", "rollout", "--class", "collie"], "not about a class"),
        (["--method", "relevance", "--direction", "to"], "no direction “to”"),
    ],
)
def test_a_class_that_is_not_there(
    here: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    assert words in refused(capsys, "explain", COFFEE, *options)
    assert names_in(here) == []
