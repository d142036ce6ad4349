"""Quick ways to do what one does most: keys, wheel, context menus."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from vitviz.exporting.clipboard import values_table
from vitviz.gui.commands.go import with_point
from vitviz.session.queries import points_of

from .conftest import Driver, clock_of


def turn_wheel(widget: QWidget, notches: int) -> None:
    """Towards the user, where notches are negative."""
    at = QPointF(widget.rect().center())
    event = QWheelEvent(
        at, QPointF(widget.mapToGlobal(at.toPoint())), QPoint(), QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase,
        False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)


def test_the_zoom_is_shown_and_chosen(ui: Driver) -> None:
    button = ui.window.zoom
    assert button.text().startswith("Fit · ")
    before = button.text()
    double = next(action for action in button.menu().actions() if action.text() == "200 %")
    double.trigger()
    assert ui.window.canvas.zoom == 2.0
    assert button.text() == "200 %"
    ui.press("view.fit")
    assert button.text() == before


def test_a_key_held_shows_the_bare_photo(ui: Driver) -> None:
    canvas = ui.window.canvas
    canvas.setFocus()
    with_map = canvas.grab().toImage()
    ui.qtbot.keyPress(canvas, Qt.Key.Key_Backslash)
    assert canvas.is_bare
    assert canvas.grab().toImage() != with_map
    ui.qtbot.keyRelease(canvas, Qt.Key.Key_Backslash)
    assert not canvas.is_bare
    assert canvas.grab().toImage() == with_map


def test_number_keys_choose_layers(ui: Driver) -> None:
    move_on, canvas = clock_of(ui), ui.window.canvas
    ui.qtbot.keyClick(canvas, Qt.Key.Key_3)
    assert ui.session.view.layer == 2
    move_on(5)
    ui.qtbot.keyClick(canvas, Qt.Key.Key_1)
    assert ui.session.view.layer == 0
    ui.qtbot.keyClick(canvas, Qt.Key.Key_2)
    assert ui.session.view.layer == 11
    ui.qtbot.keyClick(canvas, Qt.Key.Key_7)
    assert ui.session.view.layer == 6, "there is no layer 127"


def test_the_wheel_goes_through_layers_and_heads(ui: Driver) -> None:
    panel = ui.window.panels.layers
    turn_wheel(panel.filmstrip, 1)
    assert panel.filmstrip.layer == 10
    turn_wheel(panel.filmstrip, -1)
    turn_wheel(panel.filmstrip, -1)
    assert panel.filmstrip.layer == 11, "there is none after the last"
    chips = panel._row.parentWidget()
    assert chips is not None
    turn_wheel(chips, -1)
    assert ui.session.view.head == panel.heads[1]
    turn_wheel(chips, 1)
    assert ui.session.view.head == panel.heads[0]


def test_several_patches_are_one_query(ui: Driver, monkeypatch) -> None:
    ui.click_patch(2, 3)
    ui.settle()
    shift = Qt.KeyboardModifier.ShiftModifier
    monkeypatch.setattr(QApplication, "keyboardModifiers", staticmethod(lambda: shift))
    ui.click_patch(5, 6)
    ui.settle()
    assert set(ui.cell.patches_of_query(0)) == {(2, 3), (5, 6)}
    assert "2 patches" in ui.look.caption.text()
    ui.click_patch(2, 3)
    ui.settle()
    assert ui.cell.patches_of_query(0) == ((5, 6),)


def test_points_of_a_query_come_and_go() -> None:
    one, other = (1.0, 2.0), (3.0, 4.0)
    assert with_point("cls", one) == one
    both = with_point(one, other)
    assert points_of(both) == (one, other)
    assert with_point(both, one) == other
    assert with_point(one, one) == "auto"


def test_what_a_right_click_offers(ui: Driver, photos: list[Path]) -> None:
    for widget in (ui.window.canvas, ui.window.panels.photos.list):
        assert widget.contextMenuPolicy() == Qt.ContextMenuPolicy.ActionsContextMenu
        titles = [action.text().replace("&", "") for action in widget.actions()]
        assert "Show in Folder" in titles
        assert "Copy Path" in titles
    ui.do("file.copy_path")
    assert QGuiApplication.clipboard().text() == str(photos[0])
    ui.do("file.close_others")
    assert ui.photo_names() == ["photo0.png"]


def test_values_with_their_rows_and_columns(ui: Driver) -> None:
    heat_map = ui.cell.heat_map(ui.session.view)
    lines = values_table(heat_map, "\t").splitlines()
    rows, cols = heat_map.values.shape
    assert len(lines) == rows + 1
    assert lines[0].split("\t") == ["row", *map(str, range(1, cols + 1))]
    assert lines[3].split("\t") == ["3", *map(str, heat_map.values[2])]
    ui.do("edit.copy_table")
    assert QGuiApplication.clipboard().text() == values_table(heat_map, "\t")
    QGuiApplication.clipboard().clear()
