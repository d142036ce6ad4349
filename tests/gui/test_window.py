"""What a user sees first, and that the window can be used at any size."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from PySide6.QtCore import QPointF
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from vitviz.gui.canvas.patch_note import value_words
from vitviz.gui.commands import table, view
from vitviz.gui.dialogs.guide import GuideWindow
from vitviz.gui.settings import Settings
from vitviz.gui.views.table import VIEWS
from vitviz.gui.window import Window
from vitviz.session.state import Tab

from .conftest import Driver, draw


def test_first_start_shows_a_sample_with_its_map(empty: Driver) -> None:
    empty.begin([])
    window, cell = empty.window, empty.cell
    assert window.windowTitle() == "panda.jpg – vitviz"
    assert len(empty.session.photos) == 4
    assert window.canvas.heat_map is not None
    assert window.canvas.message == ("", "")
    caption = empty.look.caption.text()
    assert caption.startswith("Attention of CLS · layer 10 · mean of 3 heads")
    assert caption.endswith("% on CLS, not shown")
    assert window.panels.predictions.bars.rows[0][0] == "giant panda"
    assert len(window.panels.predictions.bars.rows) == 5
    assert window.panels.layers.filmstrip.layers == tuple(range(cell.card.config.depth))
    facts = window.status.facts.text()
    assert all(words in facts for words in ("CPU", "197 tokens", "forward", "map"))
    assert "Ready" in window.status.state.text()
    assert window.panels.model.title.text() == cell.card.title
    assert "197 tokens" in window.panels.model.cost.text()
    assert not empty.message
    assert not window.store.can_undo, "what the user did not do cannot be undone"


def test_a_window_is_not_too_wide_for_small_screens(ui: Driver) -> None:
    window = ui.window
    window.resize(760, 520)
    ui.wait_for_timers()
    assert (window.width(), window.height()) == (760, 520)
    canvas = window.canvas
    assert canvas.width() >= 260
    assert canvas.height() >= 160
    for chip in window.panels.layers.chips:
        assert chip.width() >= chip.sizeHint().width(), "chips scroll, their words are never cut"
    sides = window.panels.docks[:5]
    assert not any(dock.isVisible() for dock in sides), "they fold away"
    for dock in sides:
        dock.toggleViewAction().trigger()
    ui.wait_for_timers()
    assert all(dock.isVisible() for dock in sides)
    assert (window.width(), window.height()) == (760, 520)
    assert sum(dock.width() for dock in sides[1:3]) + canvas.width() <= 760
    for dock in sides[1:]:
        area = dock.widget()
        assert area.viewport().width() >= area.widget().minimumSizeHint().width()
    caption = ui.look.caption
    needed = caption.fontMetrics().boundingRect(
        0, 0, caption.contentsRect().width(), 1000, 0x1000, caption.text()
    )
    assert caption.contentsRect().height() >= needed.height(), "the caption is whole"


def test_the_first_window_fits_its_screen(settings: Settings, qtbot: QtBot) -> None:
    window = Window(settings)
    qtbot.addWidget(window)
    window.show()
    screen = window.screen().availableGeometry()  # offscreen: 800 x 800
    assert screen.width() < 1400
    assert screen.contains(window.frameGeometry())
    assert window.height() > 700


def test_long_names_do_not_widen_anything(empty: Driver, tmp_path: Path) -> None:

    names = ("x" * 180, "صورة قطة جميلة جدا " * 6, "very-long " * 16)
    empty.window.resize(1100, 700)
    empty.begin([draw(tmp_path / f"{name}.png", 80, 50, seed=i) for i, name in enumerate(names)])
    for _ in names:
        assert empty.window.width() == 1100
        assert empty.window.canvas.width() > 400
        empty.press("go.next_photo")
        empty.settle()


def test_every_command_has_its_own_id_and_key() -> None:
    keys = [
        QKeySequence(key).toString()
        for command in table.COMMANDS
        if command.keys
        for key in command.keys.split("; ")
    ]
    assert "" not in keys, "a key that Qt does not know"
    assert len(keys) == len(set(keys))
    assert len({command.id for command in table.COMMANDS}) == len(table.COMMANDS)
    for menu in table.MENUS:
        assert all(command.id.startswith(f"{menu.name}.") for command in menu.commands)


def test_every_command_can_be_given_without_photos(empty: Driver, dialogs: list[str]) -> None:
    for command in table.COMMANDS:
        if command.does and command.id != "file.quit" and command.id != "file.samples":
            empty.do(command.id)
            empty.until(lambda: not empty.window.service.is_busy)
    assert empty.session.photos == ()
    assert not empty.window.actions_by_id["go.play"].isChecked()
    assert not empty.window.panels.layers.play.isChecked()
    assert dialogs == ["PreferencesDialog", "PaletteDialog", "AboutDialog"]
    beside = empty.window.findChildren(GuideWindow)
    assert sorted(one.windowTitle() for one in beside) == ["Keyboard", "User guide"]


def test_closing_all_photos_and_opening_again(ui: Driver, photos: list[Path]) -> None:
    ui.do("file.close_all")
    ui.settle()
    window = ui.window
    assert window.views.view("look").welcome.isVisible()
    assert window.canvas.heat_map is None
    assert window.windowTitle() == "vitviz"
    assert window.panels.predictions.bars.rows == []
    assert window.status.facts.text() == ""
    for name in ("file.close", "file.close_all", "file.save_map"):
        assert not window.actions_by_id[name].isEnabled()
    window.documents.add([photos[1]])
    ui.settle()
    assert window.canvas.message == ("", "")
    assert window.windowTitle() == "photo1.png – vitviz"


def test_a_photo_closed_while_it_opens_is_not_shown(ui: Driver, tmp_path: Path) -> None:

    ui.window.documents.add([draw(tmp_path / "late.png", 70, 40, seed=9)])
    ui.do("file.close_all")
    ui.until(lambda: not ui.window.service.is_opening)
    assert ui.window.controller.opened is None
    assert ui.look.welcome.isVisible()


def test_docks_close_float_and_come_back(ui: Driver, make_window, qtbot) -> None:
    panels = ui.window.panels
    photos, model, *_ = panels.docks
    photos.toggleViewAction().trigger()
    model.setFloating(True)
    assert not photos.isVisible()
    ui.window.close()
    other = make_window()
    assert other.panels.docks[0].isHidden()
    assert other.panels.docks[1].isFloating()
    other.resize(1300, 800)  # where there is room for all of them
    view.reset_layout(other)
    assert all(dock.isVisible() and not dock.isFloating() for dock in other.panels.docks)


def test_the_value_under_the_pointer_has_one_source(ui: Driver) -> None:
    """It stood in the status bar, too, and there was that of the layer before."""
    ui.hover_patch(2, 9)
    for _ in range(2):
        note = ui.window.canvas.note
        assert note is not None
        assert value_words(ui.cell.heat_map(ui.session.view), (2, 9)) in note.text
        words = [label.text() for label in ui.window.status.findChildren(QLabel)]
        assert not any("row 3" in text for text in words)
        ui.press("go.previous_layer")
        ui.settle()
    assert ui.window.canvas.cursor_patch == (2, 9)
    assert ui.window.canvas.patch_under(*QPointF(1, 1).toTuple()) is None


def test_views_are_made_when_they_are_first_opened(ui: Driver) -> None:
    views = ui.window.views
    assert views.count() == 1
    for count, kind in enumerate(VIEWS[1:], start=2):
        ui.press(f"view.{kind.name}")
        assert views.count() == count
        assert views.kind is kind
    ui.press("view.heads")
    assert views.count() == len(VIEWS)


def test_a_session_can_name_every_view() -> None:
    assert tuple(kind.name for kind in VIEWS) == get_args(Tab)


def test_views_let_go_of_a_photo_that_is_closed(ui: Driver) -> None:
    ui.press("view.patches")
    ui.press("view.heads")
    ui.do("file.close_all")
    ui.settle()
    assert ui.window.canvas.heat_map is None
    assert ui.window.views.view("heads").matrix.subject is None
    ui.press("view.patches")
    assert ui.window.views.view("patches").sheet.tiles is None
    ui.press("view.look")
    assert ui.look.welcome.isVisible()


def test_a_check_mark_says_what_is_so(ui: Driver) -> None:
    action, full = (ui.window.actions_by_id[name] for name in ("compare.panes", "view.full"))
    ui.do("compare.add")
    assert action.isChecked()
    action.trigger()
    assert action.isChecked(), "it was so, and stays so"
    full.trigger()
    assert ui.window.isFullScreen()
    assert full.isChecked()
    ui.window.showNormal()
    assert not full.isChecked()


def test_copying_the_view(ui: Driver) -> None:

    ui.press("edit.copy_view")
    pixmap = QGuiApplication.clipboard().pixmap()
    assert pixmap.deviceIndependentSize().toSize() == ui.window.views.size()


def test_all_ways_to_export_are_behind_one_button(empty: Driver, photos: list[Path]) -> None:
    button = empty.window.top_bar.export
    assert not button.isEnabled()
    assert [action.text().replace("&", "") for action in button.menu().actions()] == [
        "Export Figure…", "Save Map…", "Export Data…", "Export Animation…", "Batch…",
    ]  # fmt: skip
    empty.begin(photos)
    assert button.isEnabled()
    assert all(action.isEnabled() for action in button.menu().actions())


def test_a_question_is_whole_in_a_small_window(ui: Driver) -> None:
    banner = ui.window.banner
    ui.window.resize(760, 520)
    choices = (("Open anyway", lambda: None), ("Leave it", lambda: None))
    banner.say("A photo that is far too large for this computer to open at once. " * 2, choices)
    banner.say("A photo that is far too large for this computer to open at once. " * 2, choices)
    ui.until(lambda: banner.text.height() >= banner.text.heightForWidth(banner.text.width()))
    assert banner.text.width() >= 200
    assert all(button.isVisible() for button in banner.buttons)
    assert sum(b.isVisible() for b in banner.findChildren(QPushButton)) == 2
    assert ui.window.size().width() == 760
