"""The style sheet: its pictures are found wherever the program was put, and fields align."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QCheckBox, QLineEdit
from pytestqt.qtbot import QtBot

from vitviz.gui import theme
from vitviz.gui.widgets.form import Choice, Number, Whole


def ticked(qtbot: QtBot) -> QImage:
    box = QCheckBox("Grid")
    qtbot.addWidget(box)
    box.setStyleSheet(theme.style_sheet(theme.DARK))
    box.setChecked(True)
    box.show()
    return box.grab().toImage()


@pytest.mark.parametrize("name", ["Program Files (x86)", "elsewhere, élsewhere", "it's 100 %20"])
def test_a_folder_of_any_name(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    at_home = ticked(qtbot)
    icons = tmp_path / name / "icons"
    shutil.copytree(theme.ICONS, icons)
    monkeypatch.setattr(theme, "ICONS", icons)
    assert ticked(qtbot) == at_home
    (icons / "controls" / "check-dark.svg").write_bytes(
        b"<svg xmlns='http://www.w3.org/2000/svg'/>"
    )
    assert ticked(qtbot) != at_home


@pytest.mark.parametrize("name", ["light", "dark"])
def test_fields_of_a_form_are_equally_high(
    qtbot: QtBot, qapp: QApplication, name: theme.Theme
) -> None:
    theme.apply(qapp, name)
    fields = (Choice("a"), Number("b", 0, 1, 2), Whole("c", 0, 9), QLineEdit())
    for field in fields:
        qtbot.addWidget(field)
        field.ensurePolished()
    assert len({field.sizeHint().height() for field in fields}) == 1
