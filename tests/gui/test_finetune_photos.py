"""What a model looks at as it learns: its epochs side by side, and of which photos."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog

from vitviz.gui.commands import compare, file, go
from vitviz.gui.widgets.ticks import TickDialog

from .conftest import Driver
from .finetune_runs import (
    BUNDLED,
    LEFT,
    Pretended,
    begin,
    models,
    numbers,
)


def test_epochs_side_by_side(ui: Driver, classes: Path, pretended: Pretended) -> None:
    steps = ui.window.store.undo_steps
    dialog = begin(ui, classes)
    ui.until(lambda: numbers(dialog) == [0])
    assert not dialog.compare.isEnabled(), "there is nothing to compare yet"
    dialog.follow.setChecked(True)
    assert ui.session.tab == "look"
    pretended.go_to(2)
    ui.until(lambda: numbers(dialog) == [0, 1, 2])
    assert ui.session.tab == "compare"
    assert models(ui) == [BUNDLED.id, "001", "002"]
    compare.focus_pane(ui.window, 1)
    go.choose_layer(ui.window, 1)
    pretended.go_to(9)
    ui.until(lambda: numbers(dialog) == list(range(10)))
    assert models(ui) == [BUNDLED.id, "001", "002", "005", "007", "009"]
    assert ui.session.panes[1].view.layer == 1, "what was chosen in a pane stays"
    assert ui.session.compare.pair == (0, 5)
    assert ui.window.store.undo_steps == steps + 2, "one step, and the layer"
    ui.settle()
    states = ui.window.controller.pane_states
    ui.until(lambda: all(state.cell for state in ui.window.controller.pane_states))
    assert len(states) == 6
    compare.remove_pane_at(ui.window, 5)
    view = replace(ui.session.view, method="rollout")
    ui.window.store.set(replace(ui.session, view=view, compare=replace(
        ui.session.compare, others=ui.session.compare.others[:1], focus=0)))  # fmt: skip
    ui.do("compare.remove")
    pretended.go_to(10)
    ui.until(lambda: dialog.state == "done")
    assert not dialog.follow.isChecked(), "other panes were wanted"
    ui.qtbot.mouseClick(dialog.compare, LEFT)
    assert models(ui) == [BUNDLED.id, "001", "002", "005", "008", "010"]
    ui.do("edit.undo")
    assert len(ui.session.panes) == 1


def test_chosen_photos_are_followed(
    ui: Driver, classes: Path, pretended: Pretended, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = begin(ui, classes)
    pretended.go_to(2)
    ui.until(lambda: numbers(dialog) == [0, 1, 2])
    asked: list[tuple[list[object], str]] = []

    def tick_all(question: QDialog) -> QDialog.DialogCode:
        assert isinstance(question, TickDialog)
        asked.append((question.values, question.count.text()))
        for row in range(question.list.count()):
            if question.list.item(row).checkState() == Qt.CheckState.Unchecked:
                question.list.turn(question.list.item(row))
        assert question.accept_button.isEnabled()
        return QDialog.DialogCode.Accepted

    monkeypatch.setattr(QDialog, "exec", tick_all)
    first, second, third = ui.session.photos
    file.close_photos(ui.window, (third,))
    assert dialog.photos.text() == "Current Photo…"
    ui.qtbot.mouseClick(dialog.photos, LEFT)
    assert asked == [([first], "1 photo")]
    assert dialog.photos.text() == "2 Photos…"
    assert len(ui.session.panes) == 1, "nothing was compared yet"
    dialog.follow.setChecked(True)
    assert models(ui) == [BUNDLED.id, "001", "002"] * 2
    assert [pane.photo for pane in ui.session.panes] == [first] * 3 + [second] * 3
    pretended.go_to(9)
    ui.until(lambda: numbers(dialog) == list(range(10)))
    assert models(ui) == [BUNDLED.id, "002", "009"] * 2
    file.close_photos(ui.window, (first,))
    ui.qtbot.mouseClick(dialog.compare, LEFT)
    assert models(ui) == [BUNDLED.id, "001", "002", "005", "007", "009"], "one photo is left"
    assert {pane.photo for pane in ui.session.panes} == {second}
    pretended.go_to(10)
    ui.until(lambda: dialog.state == "done")


def test_a_photo_is_needed_to_compare(empty: Driver, classes: Path, pretended: Pretended) -> None:
    empty.window.store.amend(replace(empty.session, model=BUNDLED.id))
    pretended.go_to(2)
    dialog = begin(empty, classes, epochs=2)
    empty.until(lambda: dialog.state == "done")
    empty.qtbot.mouseClick(dialog.compare, LEFT)
    assert "Open a photo first" in dialog.banner.text.text()
