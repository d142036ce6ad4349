"""Which photos a batch finds, in which order, and what their results are called."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitviz.batch import listing
from vitviz.batch.listing import JOURNAL, photos_below, places
from vitviz.errors import PhotoError
from vitviz.imaging.decoding import formats


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_nested_folders_in_natural_order(tmp_path: Path) -> None:
    touch(tmp_path, "b10.jpg", "b9.jpg", "a/x.png", "A2/x.png", "a10/y.bmp", "a/z/deep.webp",
          "notes.txt", ".hidden.jpg", ".cache/x.png", "empty/readme.md")  # fmt: skip
    found = list(photos_below(tmp_path))
    assert [f.key for f in found] == [
        "b9.jpg", "b10.jpg", "a/x.png", "a/z/deep.webp", "A2/x.png", "a10/y.bmp"
    ]  # fmt: skip
    assert [f.place for f in found] == ["b9", "b10", "a/x", "a/z/deep", "A2/x", "a10/y"]
    assert all(f.path == tmp_path / f.key for f in found)


def test_results_of_a_batch_are_no_photos(tmp_path: Path) -> None:
    touch(tmp_path, "x.png", f"maps/{JOURNAL}", "maps/x-rollout.jpg", "other/x.png")
    assert [f.key for f in photos_below(tmp_path)] == ["x.png", "other/x.png"]


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    touch(tmp_path, "a/x.png")
    try:
        (tmp_path / "a" / "round").symlink_to(tmp_path, target_is_directory=True)
    except OSError:
        pytest.skip("links cannot be made here")
    assert [f.key for f in photos_below(tmp_path)] == ["a/x.png"]


def test_a_folder_that_cannot_be_read_is_one_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "a/x.png", "b/x.png", "c/x.png")

    def photos_in(folder: Path) -> list[Path]:
        if folder.name == "b":
            raise PhotoError("The folder b cannot be read: Permission denied.", "Ask.")
        return formats.photos_in(folder)

    monkeypatch.setattr(listing, "photos_in", photos_in)
    found = list(photos_below(tmp_path))
    assert [(f.key, f.problem is None) for f in found] == [
        ("a/x.png", True), ("b/", False), ("c/x.png", True)
    ]  # fmt: skip


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="cannot be read"):
        next(photos_below(tmp_path / "nowhere"))


def test_only_what_is_asked_for_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "x.png", "a/x.png", "b/x.png")
    listed: list[str] = []

    def photos_in(folder: Path) -> list[Path]:
        listed.append(folder.name)
        return formats.photos_in(folder)

    monkeypatch.setattr(listing, "photos_in", photos_in)
    assert next(photos_below(tmp_path)).key == "x.png"
    assert listed == [tmp_path.name]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a.jpg", "b.jpg"], ["a", "b"]),
        (["bear.jpg", "bear.png", "fox.png"], ["bear.jpg", "bear.png", "fox"]),
        (["Bear.jpg", "bear.png"], ["Bear.jpg", "bear.png"]),
        (["x.jpg", "X.jpg"], ["x.jpg", "X.jpg-2"]),
        (["a.jpg", "a.png", "a.jpg.png"], ["a.jpg", "a.png", "a.jpg.png"]),
    ],
)
def test_places(names: list[str], expected: list[str]) -> None:
    assert places(names) == expected


@given(st.lists(st.from_regex(r"[aA]?(\.jpg|-2){0,2}\.(jpg|PNG)", fullmatch=True), unique=True))
def test_no_two_photos_share_a_place(names: list[str]) -> None:
    chosen = [place.casefold() for place in places(names)]
    assert len(set(chosen)) == len(names)
