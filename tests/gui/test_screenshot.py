"""--screenshot ends with a picture or a reason; files that the desktop hands over are opened."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QCoreApplication, Qt, QUrl
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from vitviz.errors import PhotoError
from vitviz.gui import app as gui_app
from vitviz.gui import theme
from vitviz.gui.dialogs.about import AboutDialog
from vitviz.gui.dialogs.licences import LicencesDialog
from vitviz.gui.screenshot import Screenshot
from vitviz.gui.settings import Settings
from vitviz.gui.window import Window
from vitviz.imaging.samples import sample_photos

Exits = list[int]


@pytest.fixture
def exits(monkeypatch: pytest.MonkeyPatch) -> Exits:
    """The exit codes asked for; the tests' application goes on."""
    codes: Exits = []
    monkeypatch.setattr(QCoreApplication, "exit", codes.append)
    return codes


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> Window:
    window = Window(Settings(tmp_path / "settings"))
    qtbot.addWidget(window)
    window.show()
    return window


def test_a_picture_with_the_map(qtbot: QtBot, window: Window, tmp_path: Path, exits: Exits) -> None:
    path = tmp_path / "window.png"
    Screenshot(window, path)
    window.begin([sample_photos()[0]])
    qtbot.waitUntil(lambda: exits == [0], timeout=20_000)
    with Image.open(path) as image:
        assert image.size == (window.width(), window.height())
    assert not window.isVisible()


def test_a_picture_that_cannot_be_written(
    qtbot: QtBot, window: Window, tmp_path: Path, exits: Exits, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "missing" / "window.png"
    Screenshot(window, path)
    window.begin([sample_photos()[0]])
    qtbot.waitUntil(lambda: exits == [1], timeout=20_000)
    assert capsys.readouterr().err == f"vitviz: no screenshot: {path} cannot be written.\n"


def test_it_gives_up(
    qtbot: QtBot, window: Window, tmp_path: Path, exits: Exits, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "window.png"
    Screenshot(window, path, limit_ms=1)  # nothing is opened
    qtbot.waitUntil(lambda: exits == [1], timeout=5_000)
    assert "there was no map in time" in capsys.readouterr().err
    assert not path.exists()


def test_it_says_what_went_wrong(
    qtbot: QtBot, window: Window, tmp_path: Path, exits: Exits, capsys: pytest.CaptureFixture[str]
) -> None:
    Screenshot(window, tmp_path / "window.png", limit_ms=1)
    window.controller.refused.emit(PhotoError("The photo is torn.", "Glue it."))
    qtbot.waitUntil(lambda: exits == [1], timeout=5_000)
    assert "no screenshot: The photo is torn." in capsys.readouterr().err


def test_a_file_that_the_finder_opens(
    qapp: gui_app.Application, qtbot: QtBot, tmp_path: Path
) -> None:
    opened: list[str] = []
    qapp.file_opened.connect(opened.append)
    path = tmp_path / "photo.png"
    QCoreApplication.sendEvent(qapp, QFileOpenEvent(QUrl.fromLocalFile(str(path))))
    assert [Path(name) for name in opened] == [path]
    qapp.file_opened.disconnect(opened.append)


def test_licences_are_listed_with_their_texts(qtbot: QtBot) -> None:
    dialog = LicencesDialog()
    qtbot.addWidget(dialog)
    names = [dialog.names.item(row).text() for row in range(dialog.names.count())]
    assert names[0] == "vitviz"
    assert "Apache License" in dialog.text.toPlainText()
    dialog.names.setCurrentRow(names.index("Qt and PySide6"))
    assert "LGPL" in dialog.text.toPlainText() or "Lesser" in dialog.text.toPlainText()


def test_about_leads_to_them(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    about = AboutDialog(theme.program_icon())
    qtbot.addWidget(about)
    shown: list[QDialog] = []
    monkeypatch.setattr(LicencesDialog, "exec", lambda dialog: shown.append(dialog))
    qtbot.mouseClick(about.licences, Qt.MouseButton.LeftButton)
    assert [dialog.parent() for dialog in shown] == [about]
