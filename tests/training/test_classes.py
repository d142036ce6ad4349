"""Class folders: what is refused, and how photos are divided."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.training.conftest import write_photo
from vitviz.errors import VitvizError
from vitviz.progress import silent
from vitviz.training.finetune.classes import LabelledPhotos, labelled_photos


@pytest.fixture
def folder(classes: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(classes, tmp_path / "classes"))


def opened(folder: Path, validation: Path | None = None) -> LabelledPhotos:
    return labelled_photos(folder, validation, 0.2, silent)


def hashes(photos: LabelledPhotos) -> tuple[set[str], set[str]]:
    return (
        {one.photo.sha256 for one in photos.training},
        {one.photo.sha256 for one in photos.validation},
    )


def test_folders_are_classes_in_the_order_of_the_alphabet(folder: Path) -> None:
    (folder / ".hidden").mkdir()
    (folder / "notes.txt").write_text("not a class", encoding="utf-8")
    photos = opened(folder)
    assert photos.names == ("blues", "greens", "reds")
    for one in (*photos.training, *photos.validation):
        assert photos.names[one.label] == one.photo.file.folder


def test_the_same_part_of_each_class_is_held_out(folder: Path) -> None:
    photos = opened(folder)
    assert Counter(one.label for one in photos.validation) == {0: 2, 1: 2, 2: 2}
    assert Counter(one.label for one in photos.training) == {0: 8, 1: 8, 2: 8}
    training, measured = hashes(photos)
    assert not training & measured


def test_the_division_does_not_depend_on_names(folder: Path) -> None:
    before = hashes(opened(folder))
    for number, photo in enumerate(sorted((folder / "reds").iterdir(), reverse=True)):
        photo.rename(photo.with_name(f"renamed {number}.png"))
    assert hashes(opened(folder)) == before


def test_photos_may_lie_deeper(folder: Path) -> None:
    write_photo(folder / "reds" / "more" / "deep.png", 999)
    photos = opened(folder)
    assert sum(one.label == 2 for one in (*photos.training, *photos.validation)) == 11


def test_a_copy_is_not_a_second_photo(folder: Path) -> None:
    for number in range(5):
        shutil.copy(folder / "reds" / "0.png", folder / "reds" / f"copy {number}.png")
    photos = opened(folder)
    training, measured = hashes(photos)
    assert len(photos.training) == len(training) == 24
    assert not training & measured


def test_a_photo_in_two_classes_is_left_out_and_listed(folder: Path) -> None:
    shutil.copy(folder / "reds" / "0.png", folder / "blues" / "red.png")
    photos = opened(folder)
    assert len(photos.training) + len(photos.validation) == 29
    assert (
        sorted(line.split(": ")[1] for line in photos.refused)
        == ["the same photo is in blues and reds"] * 2
    )


def test_a_corrupt_photo_is_left_out_and_listed(folder: Path) -> None:
    (folder / "reds" / "0.png").write_bytes(b"no photo")
    photos = opened(folder)
    assert len(photos.training) + len(photos.validation) == 29
    assert photos.refused[0].startswith("reds/0.png: ")


def test_a_class_with_one_photo_is_refused(folder: Path) -> None:
    write_photo(folder / "a lonely one" / "0.png", 905)
    with pytest.raises(VitvizError, match=r"class a lonely one has one photo .* it takes two"):
        opened(folder)


def test_a_class_with_two_photos_is_enough(folder: Path) -> None:
    for number in (905, 906):
        write_photo(folder / "a pair" / f"{number}.png", number)
    photos = opened(folder)
    assert Counter(one.label for one in photos.training)[0] == 1
    assert Counter(one.label for one in photos.validation)[0] == 1


def test_a_class_without_photos_is_refused(folder: Path) -> None:
    (folder / "nobody").mkdir()
    with pytest.raises(VitvizError, match="class nobody has no photo that can be used"):
        opened(folder)


@pytest.mark.parametrize("kept", [0, 1])
def test_fewer_than_two_classes_are_refused(kept: int, folder: Path) -> None:
    for name in ("reds", "greens", "blues")[kept:]:
        shutil.rmtree(folder / name)
    with pytest.raises(VitvizError, match="a classifier needs at least two"):
        opened(folder)


def test_more_names_than_a_card_holds_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vitviz.training.finetune.classes.LONGEST_NAMES", 14)
    with pytest.raises(VitvizError, match="do not fit on a model's card"):
        opened(folder)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VitvizError, match="cannot be read"):
        opened(tmp_path / "nothing")


def test_validation_of_its_own(folder: Path, tmp_path: Path) -> None:
    validation = tmp_path / "validation"
    for seed, name in enumerate(("reds", "greens", "blues")):
        write_photo(validation / name / "0.png", 700 + seed)
    photos = opened(folder, validation)
    assert (len(photos.training), len(photos.validation)) == (30, 3)


def test_a_validation_photo_is_not_trained_on(folder: Path, tmp_path: Path) -> None:
    validation = tmp_path / "validation"
    for name in ("reds", "greens", "blues"):
        (validation / name).mkdir(parents=True)
        shutil.copy(folder / name / "3.png", validation / name / "copy.png")
    photos = opened(folder, validation)
    training, measured = hashes(photos)
    assert (len(training), len(measured)) == (27, 3)
    assert not training & measured


@pytest.mark.parametrize("spoilt", ["folder", "validation"])
def test_a_missing_class_folder_is_named(spoilt: str, folder: Path, tmp_path: Path) -> None:
    validation = Path(shutil.copytree(folder, tmp_path / "validation"))
    missing = {"folder": folder, "validation": validation}[spoilt]
    shutil.rmtree(missing / "greens")
    with pytest.raises(VitvizError, match="has no folder for the class greens") as raised:
        opened(folder, validation)
    assert raised.value.message.startswith(str(missing))
