"""A laptop of 1366 x 768 whose desktop is enlarged by a quarter: every button can be reached."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication, QDialog

from vitviz.gui.widgets import dialog as module
from vitviz.gui.widgets.dialog import Dialog

from .conftest import Driver

ROOM = QSize(1093, 614) - module.FRAME


@pytest.fixture(autouse=True)
def _small_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "room_on", lambda _: ROOM)
    monkeypatch.setattr(module, "has_edges", lambda: True)


def test_every_dialog_opens_within_the_screen(ui: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, QSize] = {}

    def look(dialog: QDialog) -> QDialog.DialogCode:
        dialog.setVisible(True)
        QApplication.processEvents()
        seen[type(dialog).__name__] = dialog.size()
        dialog.done(0)
        return QDialog.DialogCode.Rejected

    monkeypatch.setattr(QDialog, "exec", look)
    for name in ("file.export_figure", "file.export_animation", "file.export_data",
                 "edit.preferences", "help.about", "help.keys", "compare.split", "model.browse",
                 "file.batch", "model.finetune", "view.palette"):  # fmt: skip
        ui.do(name)
    for top in ui.window.findChildren(Dialog):
        if top.isVisible():
            seen[type(top).__name__] = top.size()
            top.close()
    assert {"FigureDialog", "BatchDialog", "FinetuneDialog", "PreferencesDialog"} <= set(seen)
    too_large = {name: size for name, size in seen.items() if size.boundedTo(ROOM) != size}
    assert too_large == {}


def test_a_dialog_that_fits_stays_as_large_as_it_is(ui: Driver) -> None:
    small = Dialog(ui.window)
    small.resize(300, 200)
    small.show()
    assert small.size() == QSize(300, 200)
    small.close()
    small.deleteLater()
