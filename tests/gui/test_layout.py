"""The window at the sizes of small laptops and large screens: no menu is lost, no place wasted."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QApplication, QToolButton

from vitviz.gui.canvas.map_view import BAR_SHORTEST
from vitviz.imaging.geometry import Box

from .conftest import Driver

SIZES = ((900, 600), (1100, 700), (1400, 880), (2560, 1440))


def resize(ui: Driver, width: int, height: int) -> None:
    ui.window.resize(width, height)
    ui.until(lambda: ui.window.size() == QSize(width, height))
    for _ in range(5):
        QApplication.processEvents()
    ui.settle()


def hidden_menus(ui: Driver) -> list[str]:
    """The menus that are behind Qt's ">>"."""
    bar = ui.window._menu_bar
    room = bar.rect()
    return [action.text() for action in bar.actions()
            if not room.contains(bar.actionGeometry(action))]  # fmt: skip


@pytest.mark.parametrize("width", [700, 760, 900, 1100, 1400])
def test_every_menu_can_be_seen_at_every_width(ui: Driver, width: int) -> None:
    resize(ui, width, 560)
    assert hidden_menus(ui) == []
    bar = ui.window.top_bar
    folded = bar.switch.isVisible()
    assert folded != bar._box.isVisible()
    assert folded == (width < 1000)
    right = bar.export.mapTo(bar, bar.export.rect().topRight()).x()
    assert right < width


def test_views_are_chosen_from_a_menu_where_it_is_narrow(ui: Driver) -> None:
    resize(ui, 760, 560)
    switch = ui.window.top_bar.switch
    assert switch.text() == "Look"
    titles = [action.text().replace("&", "") for action in switch.menu().actions()]
    switch.menu().actions()[titles.index("Heads")].trigger()
    ui.settle()
    assert (ui.session.tab, switch.text()) == ("heads", "Heads")


def test_panels_fold_away_where_it_is_narrow_and_come_back(ui: Driver) -> None:
    photos, _, method, *_ = ui.window.panels.docks
    resize(ui, 900, 600)
    assert photos.isHidden()
    assert not method.isHidden()
    assert ui.window.canvas.width() > 0.6 * 900
    resize(ui, 760, 560)
    assert method.isHidden()
    rails = ui.window.panels.room.rails.values()
    assert [[button.text() for button in rail.buttons] for rail in rails] == [
        ["Photos", "Model"], ["Method", "Appearance", "Predictions"]
    ]  # fmt: skip
    ui.qtbot.mouseClick(next(iter(rails)).buttons[0], Qt.MouseButton.LeftButton)
    assert not photos.isHidden(), "it opens all the same where it is wanted"
    resize(ui, 1400, 880)
    assert not any(dock.isHidden() for dock in ui.window.panels.docks)
    assert not any(rail.isVisible() for rail in rails)


def test_what_is_folded_away_is_remembered_as_open(ui: Driver) -> None:
    resize(ui, 700, 560)
    state = ui.window.panels.state()
    assert not any(dock.isHidden() for dock in ui.window.panels.docks)
    resize(ui, 1400, 880)
    ui.window.panels.restore(state)
    assert not any(dock.isHidden() for dock in ui.window.panels.docks)


def test_tab_on_the_photo_clears_the_deck_and_brings_it_back(ui: Driver) -> None:
    canvas, docks = ui.window.canvas, ui.window.panels.docks
    docks[1].close()
    before = canvas.width()
    canvas.setFocus()
    ui.qtbot.keyClick(canvas, Qt.Key.Key_Tab)
    assert all(dock.isHidden() for dock in docks)
    assert ui.window.actions_by_id["view.alone"].isChecked()
    ui.until(lambda: canvas.width() > before + 300)
    ui.qtbot.keyClick(canvas, Qt.Key.Key_Tab)
    assert [dock.isHidden() for dock in docks] == [False, True, False, False, False, False]
    assert not ui.window.actions_by_id["view.alone"].isChecked()


def test_a_panel_is_closed_at_its_heading_and_opened_at_the_rail(ui: Driver) -> None:
    dock = ui.window.panels.docks[0]
    (close,) = [button for button in dock.titleBarWidget().findChildren(QToolButton)
                if button.accessibleName().startswith("Close")]  # fmt: skip
    ui.qtbot.mouseClick(close, Qt.MouseButton.LeftButton)
    assert dock.isHidden()
    button = next(iter(ui.window.panels.room.rails.values())).buttons[0]
    ui.until(button.isVisible)
    ui.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert not dock.isHidden()


@pytest.mark.parametrize("size", SIZES)
def test_layers_fill_their_place(ui: Driver, size: tuple[int, int]) -> None:
    """No empty band below them, nothing empty at the right."""
    resize(ui, *size)
    layers = ui.window.panels.layers
    strip = layers.filmstrip
    ui.until(lambda: layers.height() <= layers.filling)
    last = strip.tile_rect(strip.layers[-1])
    label = strip.fontMetrics().height()
    assert strip.height() - last.bottom() - label <= 22
    assert strip.width() - last.right() <= 0.22 * strip.width()
    assert last.width() >= strip.LEAST


@pytest.mark.parametrize("size", SIZES)
def test_the_colour_bar_is_as_high_as_the_map(ui: Driver, size: tuple[int, int]) -> None:
    resize(ui, *size)
    canvas = ui.window.canvas
    height, width = canvas.photo.size
    photo = canvas.on_widget(Box(0, 0, width, height))
    bar = canvas._bar_box(photo)
    assert abs(bar.height() - max(photo.height(), BAR_SHORTEST)) <= 24
    assert canvas.rect().contains(bar.toAlignedRect())


def test_the_photo_stays_where_it_is_from_layer_to_layer(ui: Driver) -> None:
    canvas = ui.window.canvas
    places = set()
    for layer in ui.window.panels.layers.filmstrip.layers:
        ui.window.panels.layers.layer_chosen.emit(layer)
        height, width = canvas.photo.size
        places.add(canvas.on_widget(Box(0, 0, width, height)).getRect())
    assert len(places) == 1


def test_panels_are_not_followed_once_the_window_is_closed(
    ui: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, (dock, *_) = ui.window.panels.room, ui.window.panels.docks
    ui.window.close()
    asked: list[object] = []
    for rail in room.rails.values():
        monkeypatch.setattr(rail, "show_docks", asked.append)
    dock.visibilityChanged.emit(False)  # as when the docks go, which is after the window went
    assert asked == []
