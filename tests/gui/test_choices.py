"""Every choice that a user can make, by every way to make it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from vitviz.gui.commands import edit, file, go, model, view
from vitviz.gui.panels.model import NO_BREAK_SPACE, PRICE
from vitviz.gui.widgets.form import Choice, Number, WholeNumber
from vitviz.imaging.preprocess import InputChoice
from vitviz.methods import METHODS
from vitviz.session.state import View
from vitviz.wording.names import query_name

from .conftest import Driver, clock_of, draw


@pytest.fixture
def asks(ui: Driver) -> list[object]:
    """What the service has been asked since."""
    asked: list[object] = []
    ask = ui.window.service.ask

    def counted(requests) -> None:
        asked.extend(requests)
        ask(requests)

    ui.window.service.ask = counted
    return asked


def shown_layer(ui: Driver) -> int:
    heat_map = ui.window.canvas.heat_map
    assert heat_map is not None
    return heat_map.layer


def test_layers_by_keys(ui: Driver, asks: list[object]) -> None:
    last = ui.cell.card.config.depth - 1
    assert shown_layer(ui) == last
    ui.press("go.next_layer")
    assert shown_layer(ui) == last, "there is none after the last"
    ui.press("go.previous_layer")
    assert shown_layer(ui) == last - 1
    assert f"layer {last} ·" in ui.look.caption.text()
    assert ui.window.panels.layers.filmstrip.layer == last - 1
    for _ in range(last + 2):
        ui.press("go.previous_layer")
    assert shown_layer(ui) == 0
    assert asks == []


def test_layers_by_the_filmstrip(ui: Driver, asks: list[object]) -> None:
    strip = ui.window.panels.layers.filmstrip
    ui.qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=strip.tile_rect(1).center())
    assert shown_layer(ui) == 1
    ui.qtbot.keyClick(strip, Qt.Key.Key_Right)
    assert shown_layer(ui) == 2
    ui.qtbot.keyClick(strip, Qt.Key.Key_Home)
    assert shown_layer(ui) == 0
    ui.qtbot.keyClick(strip, Qt.Key.Key_End)
    assert shown_layer(ui) == ui.cell.card.config.depth - 1
    ui.qtbot.mousePress(strip, Qt.MouseButton.LeftButton, pos=strip.tile_rect(4).center())
    ui.qtbot.mouseMove(strip, strip.tile_rect(3).center())
    ui.qtbot.mouseRelease(strip, Qt.MouseButton.LeftButton, pos=strip.tile_rect(3).center())
    ui.until(lambda: shown_layer(ui) in (3, 4))
    assert asks == []


def test_playing_the_layers(ui: Driver, asks: list[object]) -> None:
    panel = ui.window.panels.layers
    panel.ticker.setInterval(1)
    seen: set[int] = set()
    ui.window.store.changed.connect(lambda new, old: seen.add(new.view.layer))
    ui.press("go.play")
    assert ui.window.actions_by_id["go.play"].isChecked()
    ui.until(lambda: seen >= set(panel.filmstrip.layers))
    ui.press("go.play")
    assert not panel.play.isChecked()
    assert not panel.ticker.isActive()
    assert asks == []


def test_playing_stops_where_there_is_nothing_to_play(ui: Driver) -> None:
    ui.press("go.play")
    ui.do("file.close_all")
    ui.settle()
    assert not ui.window.panels.layers.play.isChecked()
    assert not ui.window.actions_by_id["go.play"].isChecked()


def test_heads_by_chips_and_keys(ui: Driver, asks: list[object]) -> None:
    chips = ui.window.panels.layers.chips
    assert [chip.text() for chip in chips] == ["mean", "max", "min", "1", "2", "3"]
    ui.qtbot.mouseClick(chips[4], Qt.MouseButton.LeftButton)
    assert ui.session.view.head == 1
    assert ui.window.canvas.heat_map.head == 1
    assert "head 2" in ui.look.caption.text()
    ui.press("go.next_head")
    assert ui.session.view.head == 2
    assert chips[5].isChecked()
    ui.press("go.next_head")
    assert ui.session.view.head == "mean"
    ui.press("go.previous_head")
    assert ui.session.view.head == 2
    assert ui.window.panels.method.heads.value == 2
    ui.window.panels.method.heads.setCurrentIndex(1)
    assert ui.session.view.head == "max"
    assert chips[1].isChecked()
    assert asks == []


def test_style_asks_the_service_nothing(ui: Driver, asks: list[object]) -> None:
    panel, canvas = ui.window.panels.appearance, ui.window.canvas
    scale = canvas.colour_bar
    panel.colours.setCurrentIndex(2)
    assert canvas.colour_bar.style.colour_map == panel.colours.value != scale.style.colour_map
    panel.opacity.setValue(20)
    assert ui.session.style.opacity == 0.2
    panel.range.setCurrentIndex(1)
    assert canvas.colour_bar.ends[0] == 0
    panel.range.setCurrentIndex(2)
    shared = canvas.colour_bar.ends
    panel.range.setCurrentIndex(3)
    assert canvas.colour_bar.ends == shared, "a fixed range begins with what is shown"
    panel.high.setValue(0.5)
    assert canvas.colour_bar.ends == (shared[0], 0.5)
    panel.low.setValue(0.9)
    assert canvas.colour_bar.ends == (0.5, 0.9), "never upside down"
    for box, name in ((panel.smooth, "smooth"), (panel.fade, "fade"), (panel.grid, "grid")):
        before = getattr(ui.session.style, name)
        box.click()
        assert getattr(ui.session.style, name) is not before
    ui.press("view.grid")
    ui.press("view.smooth")
    assert panel.grid.isChecked()
    assert panel.smooth.isChecked()
    assert asks == []


def test_the_line_around_what_holds_most(ui: Driver, asks: list[object]) -> None:
    panel, canvas = ui.window.panels.appearance, ui.window.canvas
    assert not panel.share.isEnabled()
    assert canvas.lines_shown == ()
    panel.outline.click()
    assert ui.session.style.outlined == 0.6
    usual = canvas.lines_shown
    assert usual
    assert "60 % of the map" in ui.look.caption.text()
    panel.share.setValue(95)
    assert ui.session.style.outlined == 0.95
    assert canvas.lines_shown != usual
    assert "95 % of the map" in ui.look.caption.text()
    ui.press("view.outline")
    assert ui.session.style.outlined == 0
    assert canvas.lines_shown == ()
    assert "outlined" not in ui.look.caption.text()
    assert asks == []


def test_outlier_patches_are_framed_or_left_out(ui: Driver, asks: list[object]) -> None:
    """Of the bundled model, with outliers made up: five in each layer."""
    panel, canvas = ui.window.panels.method, ui.window.canvas
    assert canvas.strokes_shown == ()
    explanation = ui.cell.explanation
    mask = np.zeros(ui.cell.layout.tokens - len(ui.cell.layout.prefix), bool)
    mask[:5] = True
    made_up = dict.fromkeys(explanation.outliers, mask)
    assert made_up
    explanation.outliers.update(made_up)  # type: ignore[attr-defined]
    panel.outliers.setCurrentIndex(1)
    assert ui.session.view.outliers == "highlight"
    assert "framed: 5 outlier patches" in ui.look.caption.text()
    framed = canvas.strokes_shown
    assert framed
    assert np.isfinite(canvas.heat_map.values).all()
    panel.outliers.setCurrentIndex(2)
    assert "left out, hatched: 5 outlier patches" in ui.look.caption.text()
    assert len(canvas.strokes_shown) > len(framed)
    assert np.isnan(canvas.heat_map.values).sum() == 5
    ui.hover_patch(0, 0)
    assert "left out" in ui.window.canvas.note.text
    ui.press("edit.undo")
    assert ui.session.view.outliers == "highlight"
    assert panel.outliers.value == "highlight"
    assert asks == []


def test_a_click_pins_the_query_and_escape_goes_back(ui: Driver) -> None:
    ui.click_patch(3, 10)
    ui.settle()
    assert ui.cell.patches_of_query(0) == ((3, 10),)
    assert ui.window.canvas.query == ((3, 10),)
    name = query_name(ui.cell.layout, ui.cell.query_tokens)
    assert ui.look.caption.text().startswith(f"Attention of {name}")
    assert ui.window.panels.method.query.currentText().lower() == name.lower()
    ui.press("go.direction")
    ui.settle()
    assert ui.cell.request.direction == "to"
    assert ui.look.caption.text().startswith(f"Attention to {name}")
    assert ui.window.panels.method.direction.value == "to"
    ui.press("go.query")
    ui.settle()
    assert ui.cell.patches_of_query(0) == ()
    assert ui.session.view.query == "auto"
    ui.press("go.direction")
    ui.settle()
    assert ui.cell.request.direction == "of"


def test_the_map_follows_the_cursor_and_goes_back(ui: Driver) -> None:
    ui.press("view.follow")
    assert ui.window.preferences.follow_cursor
    ui.hover_patch(5, 2)
    ui.until(lambda: ui.cell.patches_of_query(0) == ((5, 2),))
    assert ui.session.view.query == "auto", "nothing was chosen"
    ui.hover_patch(6, 2)
    ui.until(lambda: ui.cell.patches_of_query(0) == ((6, 2),))
    ui.move_to(QPoint(1, 1))
    ui.until(lambda: ui.cell.patches_of_query(0) == ())
    ui.hover_patch(5, 2)
    ui.until(lambda: ui.cell.patches_of_query(0) == ((5, 2),))
    ui.press("view.follow")
    ui.until(lambda: ui.cell.patches_of_query(0) == ())
    assert not ui.window.store.can_undo or ui.session.view.query == "auto"


def test_cancel_does_not_choose_what_the_cursor_is_over(ui: Driver) -> None:
    ui.press("view.follow")
    ui.hover_patch(5, 2)
    ui.until(lambda: ui.cell.patches_of_query(0) == ((5, 2),))
    ui.press("model.cancel")
    assert ui.session.view.query == "auto"


def test_rollout_with_its_parameters(ui: Driver) -> None:
    panel = ui.window.panels.method
    panel.method.setCurrentIndex(list(METHODS).index("rollout"))
    ui.settle()
    rollout = METHODS["rollout"]
    assert set(panel.controls) == {parameter.name for parameter in rollout.parameters}
    for parameter in rollout.parameters:
        control = panel.controls[parameter.name]
        kind = (
            Choice
            if parameter.choices
            else WholeNumber
            if type(parameter.default) is int
            else Number
        )
        assert isinstance(control, kind)
        if not isinstance(control, Choice):
            assert control.value() == parameter.default
    assert "rollout" in ui.look.caption.text().lower()
    before = ui.cell.heat_map(ui.session.view).values
    panel.controls["discard"].setValue(0.9)
    ui.settle()
    assert ui.session.view.params == (("discard", 0.9),)
    assert (ui.cell.heat_map(ui.session.view).values != before).any()
    assert "discard 0.9" in ui.look.caption.text()
    panel.controls["discard"].setValue(0.0)
    ui.settle()
    assert ui.session.view.params == (), "defaults are not written down"
    assert (ui.cell.heat_map(ui.session.view).values == before).all()
    ui.press("go.next_head")  # heads are fused first: another head is another question
    ui.settle()
    assert ui.cell.request.head == "max"
    panel.method.setCurrentIndex(0)
    ui.settle()
    assert panel.controls == {}


def test_the_start_layer_ends_with_the_model(ui: Driver) -> None:
    panel = ui.window.panels.method
    panel.method.setCurrentIndex(list(METHODS).index("rollout"))
    ui.settle()
    start = panel.controls["start"]
    assert isinstance(start, WholeNumber)
    assert start.maximum() == ui.cell.card.config.depth
    start.setValue(4)
    ui.settle()
    assert ui.window.panels.layers.filmstrip.layers == tuple(range(3, 12))
    assert not ui.message


def test_a_method_without_a_direction_keeps_it_for_the_others(ui: Driver) -> None:
    panel = ui.window.panels.method
    ui.press("go.direction")
    ui.settle()
    steps, move_on = ui.window.store.undo_steps, clock_of(ui)
    move_on(5)
    panel.method.setCurrentIndex(list(METHODS).index("rollout"))
    ui.settle()
    assert not panel.direction.isEnabled()
    assert panel.direction.value == "of"
    assert ui.window.store.undo_steps == steps + 1, "one choice is one step"
    panel.method.setCurrentIndex(0)
    ui.settle()
    assert ui.cell.request.direction == "to"


def test_whole_photo_and_finer_grids_say_their_cost_first(ui: Driver) -> None:
    panel = ui.window.panels.model
    prices = [panel.input.itemData(i, PRICE) for i in range(panel.input.count())]
    words = [price.replace(NO_BREAK_SPACE, " ") for price in prices]
    assert words[0].startswith("197 tokens")
    assert all("tokens" in each and "B" in each for each in words)
    assert all("about" in each or "less than a second" in each for each in words)
    counts = [int(each.split()[0].replace(",", "")) - 1 for each in words]
    assert counts[2] == 4 * counts[1]
    assert counts[4] == 16 * counts[1]
    panel.input.setCurrentIndex(1)
    ui.settle()
    rows, cols = ui.cell.layout.grid
    assert rows < cols, "the photo is wider than high, and so is the grid"
    assert rows * cols == counts[1]
    assert ui.window.canvas.heat_map.values.shape == (rows, cols)
    panel.input.setCurrentIndex(2)
    ui.settle()
    assert ui.cell.layout.grid == (2 * rows, 2 * cols)
    assert ui.session.input == InputChoice("whole photo", 2)
    assert f"grid {2 * rows} × {2 * cols}" in panel.facts.text()


def test_a_query_stays_on_its_place_when_the_grid_changes(ui: Driver) -> None:
    ui.click_patch(3, 10)
    ui.settle()
    point = ui.session.view.query
    ui.window.panels.model.input.setCurrentIndex(3)
    ui.settle()
    (patch,) = ui.cell.patches_of_query(0)
    box = ui.cell.geometry.patch_box(*patch)
    assert box.left <= point[0] < box.right
    assert box.top <= point[1] < box.bottom


def test_heads_view_opens_a_head_on_the_canvas(ui: Driver) -> None:
    ui.press("view.heads")
    assert ui.window.views.currentWidget() is ui.heads
    ui.heads.opened.emit(2, 1)
    assert ui.session.tab == "look"
    assert (ui.window.canvas.heat_map.layer, ui.window.canvas.heat_map.head) == (2, 1)
    assert ui.window.views.currentWidget() is ui.look


def test_patches_view_chooses_a_query(ui: Driver) -> None:
    ui.press("view.patches")
    ui.patches.sheet.token_clicked.emit(ui.cell.layout.index(4, 5))
    ui.settle()
    assert ui.cell.patches_of_query(0) == ((4, 5),)
    assert ui.patches.sheet.sheet is not None
    ui.patches.sheet.token_clicked.emit(0)
    ui.settle()
    assert ui.cell.query_tokens == (0,), "CLS can be chosen there too"


def test_many_choices_one_after_another_end_in_the_last(ui: Driver) -> None:
    window = ui.window
    window.service.engine.forget()  # what other tests looked at would be there at once
    actions: list[Callable[[int], None]] = [
        lambda i: go.choose_layer(window, i % 6),
        lambda i: go.choose_head(window, i % 3),
        lambda i: go.select_photo(window, i % 3),
        lambda i: go.choose_view(window, replace(ui.session.view, query=(10.0 + i, 20.0)), ""),
        lambda i: model.choose_input(window, InputChoice("whole photo", 1 + i % 2)),
        lambda i: go.choose_view(window, View(method=("rollout", "attention")[i % 2]), ""),
        lambda i: edit.undo(window),
        lambda i: go.swap_direction(window),
    ]
    for i in range(50):
        actions[(i * 7 + i // 5) % len(actions)](i)
    ui.settle()
    from vitviz.engine.plan import plan

    assert ui.cell.request == plan(ui.session, ui.window.preferences.device)[0]
    assert ui.window.windowTitle().startswith(ui.photo_names()[ui.session.selected])
    assert len(ui.requests) < 50, "questions that nobody waits for are not answered"
    assert not ui.message


def test_another_photo_while_the_model_runs(ui: Driver, tmp_path) -> None:
    ui.window.documents.add([draw(tmp_path / f"more{i}.png", 60 + i, 90, seed=i) for i in range(3)])
    for _ in range(2):
        ui.press("go.next_photo")
    ui.settle()
    assert ui.window.windowTitle() == "more2.png – vitviz"
    assert ui.cell.geometry.photo_size == (90, 62)
    assert ui.window.canvas.heat_map is not None


def test_undo_and_redo_of_each_kind(ui: Driver) -> None:
    window, move_on = ui.window, clock_of(ui)
    steps: list[tuple[str, Callable[[], None]]] = [
        ("layer", lambda: go.choose_layer(window, 2)),
        ("head", lambda: go.choose_head(window, 1)),
        ("query", lambda: go.choose_patch(window, (2, 3))),
        ("style", lambda: view.toggle_grid(window)),
        ("input", lambda: model.choose_input(window, InputChoice("whole photo"))),
        ("method", lambda: go.choose_view(window, View(method="rollout"), "")),
        ("photo", lambda: go.next_photo(window)),
        ("tab", lambda: view.choose_tab(window, "heads")),
        ("close", lambda: file.close_photo(window)),
    ]
    states = [ui.session]
    for name, step in steps:
        move_on(5)
        step()
        ui.settle()
        assert ui.session != states[-1], name
        states.append(ui.session)
    for state in reversed(states[:-1]):
        ui.press("edit.undo")
        assert ui.session == state
    ui.settle()
    assert not ui.window.actions_by_id["edit.undo"].isEnabled()
    for state in states[1:]:
        ui.press("edit.redo")
        assert ui.session == state
    ui.settle()
    assert not ui.window.actions_by_id["edit.redo"].isEnabled()
    assert not ui.message


def test_dragging_a_slider_is_one_step(ui: Driver) -> None:
    move_on, panel = clock_of(ui), ui.window.panels.appearance
    before = ui.session.style.opacity
    for percent in (70, 60, 50, 40):
        move_on(0.1)
        panel.opacity.setValue(percent)
    assert ui.window.store.undo_steps == 1
    move_on(3)
    panel.opacity.setValue(30)
    assert ui.window.store.undo_steps == 2
    ui.press("edit.undo")
    ui.press("edit.undo")
    assert ui.session.style.opacity == before
    assert panel.opacity.value() == round(100 * before)


def test_undo_of_closing_a_photo(ui: Driver) -> None:
    ui.press("go.next_photo")
    ui.settle()
    ui.press("file.close")
    ui.settle()
    assert ui.photo_names() == ["photo0.png", "photo2.png"]
    ui.press("edit.undo")
    ui.settle()
    assert ui.photo_names() == ["photo0.png", "photo1.png", "photo2.png"]
    assert ui.window.windowTitle() == "photo1.png – vitviz"


def test_delete_closes_the_photo_in_the_list(ui: Driver) -> None:
    ui.qtbot.keyClick(ui.window.panels.photos.list, Qt.Key.Key_Delete)
    ui.settle()
    assert ui.photo_names() == ["photo1.png", "photo2.png"]
