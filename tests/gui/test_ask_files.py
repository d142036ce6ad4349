"""Dialogs for files begin where a file of that kind was last, also at the next start."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from vitviz.gui.settings import Settings
from vitviz.gui.widgets.ask_files import ask_file, ask_files, ask_folder, ask_new_file, folder_for

from .conftest import Driver


class Asker(QWidget):
    """A part of a window that remembers."""

    def __init__(self, settings: Settings) -> None:
        self.outer = QWidget()
        self.outer.settings = settings
        super().__init__(self.outer)


@pytest.fixture
def asker(qtbot: QtBot, settings: Settings) -> Asker:
    asker = Asker(settings)
    qtbot.addWidget(asker.outer)
    return asker


def test_each_kind_has_its_folder(
    asker: Asker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts: list[str] = []
    folders = {kind: tmp_path / kind for kind in ("photos", "models", "exports")}
    for folder in folders.values():
        folder.mkdir()

    def asked(names: object) -> object:
        def ask(_parent: object, _title: str, start: str = "", *_: object) -> object:
            starts.append(start)
            return names, ""

        return ask

    photo = str(folders["photos"] / "a.jpg")
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", asked([photo]))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", asked(str(folders["models"] / "b.pth")))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", asked(str(folders["exports"] / "c.png")))
    for _ in range(2):
        assert ask_files(asker, "photos", "Open photos") == [photo]
        ask_file(asker, "models", "Open a checkpoint")
        ask_new_file(asker, "exports", "Save", "c.png", "", photo)
    assert starts == [
        "", "", str(folders["photos"] / "c.png"),
        str(folders["photos"]), str(folders["models"]), str(folders["exports"] / "c.png"),
    ]  # fmt: skip
    folders["models"].rmdir()
    assert folder_for(asker, "models") == "", "it is not there any more"


def test_a_folder_is_its_own(asker: Asker, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    assert ask_folder(asker, "photos", "Open a folder") == str(tmp_path)
    assert folder_for(asker, "photos") == str(tmp_path)


def test_nothing_chosen_changes_nothing(asker: Asker, tmp_path: Path, monkeypatch) -> None:
    asker.outer.settings.remember("folder/photos", str(tmp_path))
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([], ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    assert ask_files(asker, "photos", "Open photos") == []
    assert ask_folder(asker, "photos", "Open a folder") == ""
    assert folder_for(asker, "photos") == str(tmp_path)


def test_a_folder_on_another_computer_is_not_asked_for(
    asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    asker.outer.settings.remember("folder/photos", "//server/share")
    monkeypatch.setattr("vitviz.gui.widgets.ask_files.is_folder", None)
    assert folder_for(asker, "photos") == ""


def test_the_next_window_knows(
    ui: Driver, photos: list[Path], make_window, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(photos[1])], ""))
    ui.do("file.open")
    ui.settle()
    starts: list[str] = []
    other = make_window()
    monkeypatch.setattr(QFileDialog, "getOpenFileNames",
                        lambda *args: (starts.append(args[2]) or [], ""))  # fmt: skip
    other.actions_by_id["file.open"].trigger()
    assert starts == [str(photos[1].parent)]
