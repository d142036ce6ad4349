"""Folders that come divided into train and val, and photos that are left out."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.training.conftest import classes, teacher, write_photo
from vitviz.__main__ import main
from vitviz.errors import VitvizError
from vitviz.models.loading import load_model
from vitviz.training.finetune.class_photos import class_photos
from vitviz.training.finetune.divided import Parts, parts_of
from vitviz.training.left_out import REFUSED, left_out
from vitviz.training.recipes import FinetuneOptions
from vitviz.training.result import write_refused
from vitviz.training.runs import finetune

__all__ = ["classes", "teacher"]


def folders(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).mkdir(parents=True)
    return root


@pytest.mark.parametrize(
    ("names", "training", "validation", "left"),
    [
        (("train/cat", "train/dog", "val/cat", "val/dog"), "train", "val", ()),
        (("Train/cat", "Train/dog", "VALID/cat"), "Train", "VALID", ()),
        (("train/a", "train/b", "val/a", "val/b", "test/a", "test/b"), "train", "val", ("test",)),
        (("training/a", "training/b", "test/a", "test/b"), "training", "test", ()),
        (("train/a", "train/b", "test"), "train", None, ("test",)),
        (("train/a", "train/b"), "train", None, ()),
        (("train/a", "train/b", "val/a", "annotations/x"), "train", "val", ("annotations",)),
        (("train/a", "train/b", "val/a", ".git/x"), "train", "val", ()),
        (("train", "bus", "tram"), "", None, ()),
        (("train", "val"), "", None, ()),
        (("train/old", "train/new", "bus"), "", None, ()),
        (("cat", "dog"), "", None, ()),
        (("val/a", "test/a"), "", None, ()),
        ((), "", None, ()),
    ],
)
def test_parts(
    tmp_path: Path, names: tuple[str, ...], training: str, validation: str | None,
    left: tuple[str, ...],
) -> None:  # fmt: skip
    root = folders(tmp_path / "root", *names)
    wanted = None if validation is None else root / validation
    assert parts_of(root) == Parts(root / training if training else root, wanted, left)


def test_what_is_asked_for_goes_before_what_is_found(tmp_path: Path) -> None:
    root = folders(tmp_path / "root", "train/a", "train/b", "val/a", "val/b")
    mine = folders(tmp_path / "mine", "a", "b")
    assert parts_of(root, mine) == Parts(root / "train", mine, ("val",))
    assert parts_of(mine, root) == Parts(mine, root)


@pytest.fixture
def divided(classes: Path, tmp_path: Path) -> Path:
    """Seven photos of each of three classes to learn from, three to measure on."""
    root = tmp_path / "colours"
    for folder in sorted(classes.iterdir()):
        for number in range(10):
            part = root / ("train" if number < 7 else "val") / folder.name
            part.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / f"{number}.png", part)
    return root


def test_finetune(
    teacher: Path, divided: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (divided / "train" / "reds" / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n cut")
    shutil.copy(divided / "val" / "reds" / "9.png", divided / "train" / "reds" / "known.png")
    shutil.copy(divided / "train" / "reds" / "1.png", divided / "train" / "reds" / "twice.png")
    out = tmp_path / "run"
    command = ["train", "finetune", str(divided), "--model", str(teacher), "--out", str(out),
               "--epochs", "1", "--device", "cpu", "--head-only"]  # fmt: skip
    assert main(command) == 0
    said, err = capsys.readouterr()
    assert said.splitlines()[0] == "Learns from the classes in train, measured on those in val."
    assert err.splitlines()[-1] == f"vitviz: 3 photos were left out: see {out / REFUSED}"
    card = load_model(out / "run.safetensors", "cpu").card
    assert card.class_names == ("blues", "greens", "reds")
    assert dict(card.measured)[next(n for n, _ in card.measured if n.startswith("accuracy on 9 "))]
    reasons = (out / REFUSED).read_text(encoding="utf-8")
    for name in ("reds/cut.png", "reds/known.png", "reds/twice.png"):
        assert name in reasons
    assert main([*command, "--quiet"]) == 0
    assert "3 photos were left out" in capsys.readouterr().err


def test_the_parts_given_by_hand_are_the_same_run(
    teacher: Path, divided: Path, tmp_path: Path
) -> None:
    results = []
    for number, (folder, validation) in enumerate(
        ((divided, None), (divided / "train", divided / "val"))
    ):
        out = tmp_path / f"{number}" / "run"
        options = FinetuneOptions(
            str(teacher), folder, out, validation, epochs=1, device="cpu", freeze="all but the head"
        )
        path = finetune(options)
        results.append(path.read_bytes())
    assert results[0] == results[1]


def test_the_dialog_counts_the_parts(divided: Path) -> None:
    found = class_photos(divided)
    assert found.problem == ""
    assert found.counts == (("blues", 7), ("greens", 7), ("reds", 7))
    assert Counter(dict(found.measured)).total() == 9
    assert found.words == (
        "3 classes, 21 photos; fewest: blues, 7. 9 more to measure on. "
        "Learns from the classes in train, measured on those in val."
    )
    assert found.commonest(0.2) == pytest.approx(1 / 3)


def test_one_photo_to_learn_from_is_enough_where_others_are_measured_on(tmp_path: Path) -> None:
    for number, name in enumerate(("train/a", "train/b", "val/a", "val/b")):
        write_photo(tmp_path / name / "1.png", number)
    assert class_photos(tmp_path).problem == ""
    (tmp_path / "train" / "a" / "1.png").unlink()
    assert "it takes one to learn from" in class_photos(tmp_path).problem


def test_other_classes_in_val_are_refused(teacher: Path, divided: Path, tmp_path: Path) -> None:
    (divided / "val" / "reds").rename(divided / "val" / "red")
    with pytest.raises(VitvizError, match="has no folder for the class reds"):
        finetune(FinetuneOptions(str(teacher), divided, tmp_path / "run", device="cpu"))


def test_reasons_are_a_line_each_whatever_the_names(tmp_path: Path) -> None:
    write_refused(tmp_path, ["a\nb.png: cut", "\udcff.png: cut", "c\u2028d.png: cut"])
    assert left_out(tmp_path) == 3
    write_refused(tmp_path, [])
    assert left_out(tmp_path) == 0


def test_a_folder_that_cannot_be_changed_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", no)
    with pytest.raises(VitvizError, match="Permission denied"):
        write_refused(tmp_path, [])
