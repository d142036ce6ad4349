"""The style sheet: its pictures are found wherever the program was put, and fields align."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QCheckBox, QLineEdit
from pytestqt.qtbot import QtBot

from vitviz import bundled
from vitviz.bundled import resource
from vitviz.gui import theme
from vitviz.gui.widgets.form import Choice, Number, WholeNumber

from .conftest import Driver


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
    package = tmp_path / name / "vitviz"
    copied = shutil.copytree(
        resource(), package / "resources", ignore=shutil.ignore_patterns("models", "samples")
    )
    monkeypatch.setattr(bundled, "PACKAGE", package)
    assert ticked(qtbot) == at_home
    (copied / "icons" / "controls" / "check-dark.svg").write_bytes(
        b"<svg xmlns='http://www.w3.org/2000/svg'/>"
    )
    assert ticked(qtbot) != at_home


def test_the_style_sheets_use_every_picture_of_a_control() -> None:
    sheets = theme.style_sheet(theme.DARK) + theme.style_sheet(theme.LIGHT)
    used = {Path(path) for path in re.findall(r'url\("([^"]+)"\)', sheets)}
    assert used == set(resource("icons", "controls").iterdir())


def test_the_window_uses_every_symbol(empty: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    used, icon = set(), theme.icon
    monkeypatch.setattr(theme, "icon", lambda name, *how: used.add(name) or icon(name, *how))
    empty.window.apply_theme()
    assert used == {path.stem for path in resource("icons").glob("*.svg")} - {"vitviz"}


@pytest.mark.parametrize("name", ["light", "dark"])
def test_fields_of_a_form_are_equally_high(
    qtbot: QtBot, qapp: QApplication, name: theme.Theme
) -> None:
    theme.apply(qapp, name)
    fields = (Choice("a"), Number("b", 0, 1, 2), WholeNumber("c", 0, 9), QLineEdit())
    for field in fields:
        qtbot.addWidget(field)
        field.ensurePolished()
    assert len({field.sizeHint().height() for field in fields}) == 1
