"""The correction dialog and the choice among a file's networks, on a window that runs for real."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog

from tests.models.networks import SMALL, random_network
from vitviz.gui.corrections.dialog import CorrectionDialog
from vitviz.gui.panels.model_notes import assumed_words, parts
from vitviz.gui.widgets.form import Choice
from vitviz.models.checkpoints import corrections
from vitviz.models.loading import bundled, load_model

from .conftest import Driver

WIDE = replace(SMALL, width=128, heads=4, input_size=(24, 24), prefix=("cls", "reg1"))


@pytest.fixture(autouse=True)
def _memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corrections, "folder", lambda: tmp_path / "memory")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    raw, ema = (dict(random_network(WIDE, seed).state_dict()) for seed in (0, 1))
    torch.save({"model": raw, "model_ema": ema}, tmp_path / "mine.pth")
    return tmp_path / "mine.pth"


def type_into(dialog: CorrectionDialog, name: str, text: str) -> None:
    control = dialog.fields[name].control
    assert not isinstance(control, Choice)
    control.setText(text)


def in_dialog(ui: Driver, does: Callable[[CorrectionDialog], None]) -> None:
    """Opens the dialog, and does something in it."""

    def begin() -> None:
        dialog = ui.window.corrections.dialog
        assert dialog is not None
        does(dialog)

    QTimer.singleShot(0, begin)
    ui.do("model.correct")


def settled(ui: Driver, path: Path) -> None:
    window = ui.window
    ui.until(lambda: not window.service.is_busy and window.card is not None
             and window.card.id == path.stem)  # fmt: skip


def heads(ui: Driver) -> int:
    assert ui.window.card is not None
    return ui.window.card.outline.layers[0].heads


def test_from_an_assumption_to_a_correction_and_back(ui: Driver, path: Path) -> None:
    ui.window.documents.use_model(str(path))
    settled(ui, path)
    panel = ui.window.panels.model
    assert heads(ui) == 2
    assert "heads" in panel.assumed.text()
    assert "are assumed" in panel.notes.text
    cell = ui.window.controller.shown_cell
    assert cell is not None
    before = cell.explanation.values

    def apply(dialog: CorrectionDialog) -> None:
        assert not dialog.apply.isEnabled(), "nothing is changed yet"
        type_into(dialog, "heads", "x")
        assert not dialog.apply.isEnabled()
        assert "a whole number" in dialog.problem.text()
        type_into(dialog, "heads", "5")
        dialog.apply.click()
        ui.until(lambda: "5 heads" in dialog.problem.text())
        assert dialog.isVisible()
        type_into(dialog, "heads", "4")
        dialog.apply.click()

    in_dialog(ui, apply)
    ui.until(lambda: heads(ui) == 4 and not ui.window.service.is_busy)
    cell = ui.window.controller.shown_cell
    assert cell is not None
    assert cell.explanation.values.shape != before.shape
    assert "heads" not in panel.assumed.text()
    assert "heads=4" in panel.notes.text
    in_dialog(ui, lambda dialog: dialog.undo.click())
    ui.until(lambda: heads(ui) == 2 and not ui.window.service.is_busy)


def test_the_networks_of_a_file(ui: Driver, path: Path) -> None:
    panel = ui.window.panels.model
    assert panel.part.isHidden()
    ui.window.documents.use_model(str(path))
    settled(ui, path)
    assert not panel.part.isHidden()
    assert ui.window.card is not None
    _, second = ui.window.card.parts
    cell = ui.window.controller.shown_cell
    assert cell is not None
    panel.part.setCurrentIndex(1)
    ui.until(lambda: ui.window.card is not None and ui.window.card.parts[0] == second)
    ui.until(lambda: not ui.window.service.is_busy)
    other = ui.window.controller.shown_cell
    assert other is not None
    assert (other.explanation.values != cell.explanation.values).any()
    assert panel.part.value == second


def test_names_come_from_a_file(ui: Driver, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = path.with_name("names.txt")
    names.write_text("one\n<b>two\n", encoding="utf-8")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(names), ""))
    dialog = CorrectionDialog(load_model(path, "cpu").card)
    ui.qtbot.addWidget(dialog)
    dialog.names.click()
    assert dialog.names_words.text() == "2 names"
    assert dialog.apply.isEnabled()
    said = []
    dialog.applied.connect(said.append)
    dialog.apply.click()
    assert said[0].names == ("one", "<b>two")


def test_the_bundled_model_is_not_to_be_corrected(ui: Driver) -> None:
    ui.until(lambda: ui.window.card is not None)
    assert not ui.window.panels.model.correct.isEnabled()
    assert not ui.window.actions_by_id["model.correct"].isEnabled()
    assert assumed_words(bundled()[0]) == ""


def test_many_notes_leave_room(path: Path) -> None:
    card = replace(load_model(path, "cpu").card, assumed=(), notes=tuple(map(str, range(9))))
    (title, lines) = parts(card)[0]
    assert title == "Notes"
    assert len(lines) == 6
    assert lines[-1] == "4 more: see the model card"
