"""Where the files that come with vitviz are found: in the package, beside it, or nowhere."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from vitviz import bundled
from vitviz.bundled import resource
from vitviz.errors import VitvizError


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the package seems to stand in."""
    package = tmp_path / "site-packages, élsewhere" / "vitviz"
    package.mkdir(parents=True)
    monkeypatch.setattr(bundled, "PACKAGE", package)
    return package


def fill(folder: Path, content: str) -> Path:
    (folder / "labels").mkdir(parents=True)
    (folder / "labels" / "few.txt").write_text(content, encoding="utf-8")
    shutil.copy(Path(__file__).parent.parent / "resources" / bundled.KNOWN_BY, folder)
    return folder


def test_in_the_repository_they_stand_beside_the_package() -> None:
    assert resource() == Path(__file__).parent.parent / "resources"
    assert not (bundled.PACKAGE / "resources").exists()


def test_inside_the_package(package: Path) -> None:
    folder = fill(package / "resources", "mine")
    assert resource() == folder
    assert resource("labels", "few.txt").read_text(encoding="utf-8") == "mine"


def test_what_is_inside_the_package_comes_first(package: Path) -> None:
    fill(package.parent / "resources", "somebody's")
    fill(package / "resources", "mine")
    assert resource("labels", "few.txt").read_text(encoding="utf-8") == "mine"


def test_an_old_checkout_may_keep_an_empty_folder_inside(package: Path) -> None:
    (package / "resources" / "icons").mkdir(parents=True)
    folder = fill(package.parent / "resources", "mine")
    assert resource("labels", "few.txt") == folder / "labels" / "few.txt"


def test_nowhere(package: Path) -> None:
    (package.parent / "resources").mkdir()  # another package's
    with pytest.raises(VitvizError) as caught:
        resource("labels", "few.txt")
    for place in (package / "resources", package.parent / "resources"):
        assert str(place) in caught.value.message
    assert caught.value.hint == "Install vitviz again."
    fill(package / "resources", "mine")  # a failure is not remembered
    assert resource("labels", "few.txt").is_file()


def test_a_file_that_is_missing_is_named(package: Path) -> None:
    folder = fill(package / "resources", "mine")
    with pytest.raises(VitvizError) as caught:
        resource("icons", "undo.svg")
    assert str(folder / "icons" / "undo.svg") in caught.value.message
