"""Splitting a pane in its dialog."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QWidget

from vitviz.gui.dialogs.split import SplitDialog

from .conftest import Driver, draw
from .test_panes import layers, shown


@pytest.fixture
def answer_split(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[SplitDialog], None]]:
    """What is done with the dialog, before it is accepted."""
    done: list[Callable[[SplitDialog], None]] = []

    def accept(dialog: QDialog) -> QDialog.DialogCode:
        assert isinstance(dialog, SplitDialog)
        for act in done:
            act(dialog)
        return QDialog.DialogCode.Accepted

    monkeypatch.setattr(QDialog, "exec", accept)
    return done


def test_the_dialog_offers_what_there_is(
    ui: Driver, answer_split: list[Callable[[SplitDialog], None]]
) -> None:
    before = ui.session
    for along, count in (
        ("layers", 6), ("heads", 3), ("methods", 6), ("models", 2), ("photos", 3), ("classes", 3)
    ):  # fmt: skip
        assert ui.session.tab == "look"
        ui.do(f"compare.along.{along}")
        shown(ui)
        assert len(ui.session.panes) == count, along
        assert ui.session.tab == "compare"
        ui.window.store.set(before)


def test_ticking_in_the_dialog(
    ui: Driver, answer_split: list[Callable[[SplitDialog], None]]
) -> None:
    def five(dialog: SplitDialog) -> None:
        dialog.choice.setCurrentIndex(0)
        for row in (0, 2, 3):
            dialog.list.itemClicked.emit(dialog.list.item(row))
        assert dialog.values == [3, 4, 7, 9, 11]
        assert dialog.count.text() == "5 panes"
        ui.qtbot.keyClick(dialog.list, Qt.Key.Key_Space)
        assert dialog.values == [0, 3, 4, 7, 9, 11]
        ui.qtbot.keyClick(dialog.list, Qt.Key.Key_Space)
        dialog.show()  # a button that is not to be seen is not pressed
        with ui.qtbot.waitSignal(dialog.accepted):
            ui.qtbot.keyClick(dialog.list, Qt.Key.Key_Return)
        assert dialog.accept_button.isEnabled()

    answer_split.append(five)
    ui.do("compare.split")
    shown(ui)
    assert layers(ui) == [3, 4, 7, 9, 11]
    assert ui.session.compare.focus == 4, "the last layer was the current one"


def test_the_keyboard_goes_from_top_to_bottom(
    ui: Driver, answer_split: list[Callable[[SplitDialog], None]]
) -> None:
    order: list[QWidget] = []

    def walk(dialog: SplitDialog) -> None:
        dialog.choice.setCurrentIndex(4)  # photos, which have a button for files, too
        dialog.show()
        widget = dialog.choice.nextInFocusChain()
        while widget is not dialog.choice:
            if widget.isVisible() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
                order.append(widget)
            widget = widget.nextInFocusChain()
        assert order[:3] == [dialog.list, dialog.files, dialog.accept_button]
        assert dialog.focusWidget() is dialog.list

    answer_split.append(walk)
    ui.do("compare.split")
    assert len(order) == 4, "and Cancel"


def test_too_many_and_none_cannot_be_accepted(ui: Driver, answer_split) -> None:
    seen: list[str] = []

    def look(dialog: SplitDialog) -> None:
        dialog.choice.setCurrentIndex(5)
        assert dialog.search.isVisibleTo(dialog)
        for row in range(3, 8):
            dialog.list.itemClicked.emit(dialog.list.item(row))
        seen.append(dialog.count.text())
        assert not dialog.accept_button.isEnabled()
        dialog.search.setText("panda")
        hidden = [dialog.list.item(row).isHidden() for row in range(dialog.list.count())]
        assert 0 < hidden.count(False) < 10
        for row in range(8):
            dialog.list.itemClicked.emit(dialog.list.item(row))
        assert not dialog.accept_button.isEnabled()
        dialog.choice.setCurrentIndex(0)

    answer_split.append(look)
    ui.do("compare.split")
    assert seen == ["8 panes: 6 are the most that can be read"]


def test_photos_from_files_in_the_dialog(
    ui: Driver, answer_split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = draw(tmp_path / "other.png", 50, 40, seed=9)
    monkeypatch.setattr(
        "PySide6.QtWidgets.QFileDialog.getOpenFileNames", lambda *_: ([str(other)], "")
    )
    answer_split.append(lambda dialog: dialog.files.click())
    ui.do("compare.along.photos")
    shown(ui)
    assert len(ui.session.panes) == 4
    assert ui.photo_names()[-1] == "other.png"
