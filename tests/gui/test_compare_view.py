"""The Compare view: panes that follow each other, differences, wipes, and what it asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.gui.compare_cells import FINER, MIDDLE, TALL, WHOLE, session_of, state
from vitviz.analysis.agreement import agreement
from vitviz.analysis.difference import difference
from vitviz.errors import VitvizError
from vitviz.gui.canvas import Canvas
from vitviz.gui.panes import PaneState
from vitviz.gui.viewport import sight
from vitviz.gui.views.compare import CompareView
from vitviz.gui.views.compare_pane import ComparePane
from vitviz.session.state import View

LEFT = Qt.MouseButton.LeftButton
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def view(qtbot: QtBot) -> CompareView:
    widget = CompareView()
    qtbot.addWidget(widget)
    widget.resize(1100, 760)
    widget.show()
    return widget


def layers(*numbers: int) -> tuple[PaneState, ...]:
    return tuple(state(view=View(layer=layer)) for layer in numbers)


def values(shown: PaneState) -> np.ndarray:
    assert shown.cell is not None
    return shown.cell.heat_map(shown.pane.view).values


def point_at(pane: ComparePane, x: float, y: float) -> None:
    """The pointer goes over a point of the pane's photo."""
    pane.canvas.pointed(*pane.canvas.viewport.to_widget(x, y))


def patch_place(pane: ComparePane, row: int, col: int) -> QPoint:
    geometry = pane.canvas.shown.geometry
    assert geometry is not None
    return pane.canvas.on_widget(geometry.patch_box(row, col)).center().toPoint()


# Panes


def test_one_pane_invites(view: CompareView, qtbot: QtBot) -> None:
    view.show_state(layers(0), session_of(layers(0)))
    assert view.invite.isVisible()
    assert not view.panes[0].heading.close_button.isVisible()
    with qtbot.waitSignal(view.add_requested):
        qtbot.mouseClick(view.invite.add, LEFT)
    with qtbot.waitSignal(view.split_requested):
        qtbot.mouseClick(view.invite.split, LEFT)


@pytest.mark.parametrize("count", range(2, 7))
def test_panes_have_letters_headings_and_no_overlaps(view: CompareView, count: int) -> None:
    states = tuple(state(view=View(layer=i % 4, head=i // 4)) for i in range(count))
    view.show_state(states, session_of(states, focus=1))
    assert not view.invite.isVisible()
    assert [pane.heading.letter.text() for pane in view.panes] == list("abcdef"[:count])
    assert [pane.is_current for pane in view.panes] == [i == 1 for i in range(count)]
    assert all(f"layer {i % 4 + 1}" in p.heading.words.text for i, p in enumerate(view.panes))
    boxes = [pane.geometry() for pane in view.panes]
    assert len({(box.width(), box.height()) for box in boxes}) == 1
    assert not any(a.intersects(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert all(view.grid.rect().contains(box) for box in boxes)


def test_what_is_common_is_said_once(view: CompareView) -> None:
    view.show_state(layers(0, 2), session_of(layers(0, 2)))
    assert [pane.heading.words.text for pane in view.panes] == ["layer 1", "layer 3"]
    assert view.caption.text.startswith("In all: one.png · ")
    assert "layer" not in view.caption.text


def test_agreement_is_that_of_the_analysis_and_names_its_reference(view: CompareView) -> None:
    states = (state(), state(geometry=FINER, seed=1), state("other.png", seed=2))
    view.show_state(states, session_of(states, pair=(0, 1)))
    found = agreement(values(states[0]), WHOLE, values(states[1]), FINER)
    rho = f"{found.rho:.2f}".replace("-", "−")
    assert found.top is not None
    assert view.panes[0].numbers.text == ""
    assert view.panes[1].numbers.text == f"with a: rho {rho}, top patches {100 * found.top:.0f} %"
    assert view.panes[2].numbers.text.startswith("with a, place by place: rho ")
    view.show_state(states, session_of(states, pair=(1, 0)))
    assert view.panes[0].numbers.text == f"with b: rho {rho}, top patches {100 * found.top:.0f} %"
    assert view.panes[1].numbers.text == ""


def test_ranges_are_shared_by_unit_and_the_bars_say_by_whom(view: CompareView) -> None:
    states = (state(), state(view=View(method="rollout")), state(seed=1))
    view.show_state(states, session_of(states, shared=False))
    assert [pane.canvas.scale.note for pane in view.panes] == [(), (), ()]
    view.show_state(states, session_of(states, shared=True))
    scales = [pane.canvas.scale for pane in view.panes]
    assert [scale.note for scale in scales] == [("shared by", "a, c"), (), ("shared by", "a, c")]
    both = np.concatenate([values(states[0]), values(states[2])])
    assert scales[0].ends == scales[2].ends == (float(both.min()), float(both.max()))
    assert scales[1].ends == (float(values(states[1]).min()), float(values(states[1]).max()))
    assert [scale.unit for scale in scales] == ["attention", "rollout", "attention"]


def test_only_what_changed_is_drawn_again(view: CompareView) -> None:
    states = layers(0, 1, 2)
    view.show_state(states, session_of(states))
    QApplication.processEvents()
    shown = [pane.canvas.heat_map for pane in view.panes]
    drawn = [pane.canvas._current_map_layer(WHOLE) for pane in view.panes]
    changed = replace(states[1], pane=replace(states[1].pane, view=View(layer=3)))
    states = (states[0], changed, states[2])
    view.show_state(states, session_of(states))
    assert [p.canvas.heat_map is m for p, m in zip(view.panes, shown, strict=True)] == [
        True, False, True,
    ]  # fmt: skip
    again = [pane.canvas._current_map_layer(WHOLE) for pane in view.panes]
    assert [a is b for a, b in zip(again, drawn, strict=True)] == [True, False, True]


def test_photos_of_one_size_lie_alike_and_share_one_picture(view: CompareView) -> None:
    states = (state(), state(seed=1), state(view=View(method="rollout")), state(seed=3))
    view.show_state(states, session_of(states))
    assert len({pane.canvas.viewport for pane in view.panes}) == 1
    layer = {id(pane.canvas.shown.layer) for pane in view.panes}
    assert len(layer) == 1


# States of a pane


def test_a_failure_stays_in_its_pane_and_can_be_tried_again(
    view: CompareView, qtbot: QtBot
) -> None:
    error = VitvizError("This file holds no model.", "Choose another.")
    states = (state(), replace(state(seed=1), error=error))
    view.show_state(states, session_of(states))
    good, bad = view.panes
    assert good.canvas.heat_map is not None
    assert bad.canvas.heat_map is None
    assert bad.problem.isVisible()
    assert not good.problem.isVisible()
    assert (bad.problem.what.text(), bad.problem.hint.text()) == (error.message, error.hint)
    assert bad.canvas.rect().contains(bad.problem.geometry())
    assert bad.numbers.text == ""
    with qtbot.waitSignal(view.retry_requested) as heard:
        qtbot.mouseClick(bad.problem.button, LEFT)
    assert heard.args == [1]
    view.show_state((states[0], state(seed=1)), session_of(states))
    assert not bad.problem.isVisible()
    assert bad.canvas.heat_map is not None


def test_panes_without_photo_or_answer(view: CompareView) -> None:
    first = state()
    waiting = PaneState(first.pane, None, None, busy=True)
    nothing = PaneState(replace(first.pane, photo=None))
    opened = PaneState(first.pane, first.opened, None, busy=True, stage="block 3 of 12")
    unexpected = PaneState(first.pane, first.opened, None, error=RuntimeError("out of luck"))
    states = (first, waiting, nothing, opened, unexpected)
    view.show_state(states, session_of(states))
    messages = [pane.canvas.message[1] for pane in view.panes]
    assert messages == ["", "Opening the photo…", "Drop a photo here", "", ""]
    assert "out of luck" in view.panes[4].problem.what.text()
    QApplication.processEvents()
    assert not view.grab().isNull()


# Linked


def test_the_cursor_goes_to_the_same_place_on_other_grids(view: CompareView) -> None:
    states = (state(), state(geometry=FINER, seed=1), state(geometry=MIDDLE, seed=2))
    view.show_state(states, session_of(states))
    heard: list[tuple[int, object]] = []
    view.hovered.connect(lambda index, patch: heard.append((index, patch)))
    point_at(view.panes[0], 260, 130)
    assert [pane.canvas.cursor_patch for pane in view.panes] == [(1, 2), (2, 5), (1, 1)]
    assert heard == [(0, (1, 2))]
    for pane, shown in zip(view.panes, states, strict=True):
        patch = pane.canvas.cursor_patch
        assert patch is not None
        value, rank = pane.numbers.text.split(" · ")
        assert float(value) == pytest.approx(float(values(shown)[patch]), rel=0.01)
        greater = int((values(shown) > values(shown)[patch]).sum())
        assert rank == f"rank {greater + 1} of {values(shown).size}"


def test_what_one_model_did_not_see_is_said_in_its_pane(view: CompareView) -> None:
    states = (state(), state(geometry=MIDDLE, seed=1))
    view.show_state(states, session_of(states))
    point_at(view.panes[0], 30, 130)
    assert view.panes[0].canvas.cursor_patch == (1, 0)
    assert view.panes[1].canvas.cursor_patch is None
    assert view.panes[1].numbers.text == "not seen by the model"
    view.panes[0].canvas.pointed(-5, -5)
    assert view.panes[1].numbers.text.startswith("with a: ")


def test_the_cursor_goes_to_the_relative_place_on_another_photo(view: CompareView) -> None:
    states = (state(), state("tall.png", TALL, seed=1))
    view.show_state(states, session_of(states))
    point_at(view.panes[0], 450, 30)  # nine tenths across, a tenth down
    assert view.panes[1].canvas.cursor_patch == (0, 2)


def test_zoom_and_pan_go_together(view: CompareView) -> None:
    states = layers(0, 1, 2)
    view.show_state(states, session_of(states))
    one, two, three = (pane.canvas for pane in view.panes)
    two.zoom_to(two.zoom * 3, QPointF(60, 40))
    assert one.viewport == two.viewport == three.viewport
    two.move_by(-30, 12)
    assert one.viewport == two.viewport == three.viewport
    three.fit()
    assert one.is_fitted
    assert two.is_fitted


def test_zoom_on_another_photo_is_relative(view: CompareView) -> None:
    states = (state(), state("tall.png", TALL, seed=1))
    view.show_state(states, session_of(states))
    wide, tall = (pane.canvas for pane in view.panes)
    fitted = wide.zoom, tall.zoom
    middle = tall.on_widget(TALL.seen).center()
    wide.zoom_to(wide.zoom * 3, wide.on_widget(WHOLE.seen).center())
    assert (wide.zoom / fitted[0], tall.zoom / fitted[1]) == pytest.approx((3, 3))
    zoomed = tall.on_widget(TALL.seen).center()
    assert (zoomed.x(), zoomed.y()) == pytest.approx((middle.x(), middle.y()))
    wide.fit()
    assert tall.zoom == fitted[1]


def test_what_is_new_looks_as_the_others_do(view: CompareView) -> None:
    states = layers(0, 1)
    view.show_state(states, session_of(states))
    middle = view.canvas.on_widget(WHOLE.patch_box(1, 3)).center()
    view.canvas.zoom_to(view.canvas.zoom * 3, middle)
    before = relative(view.canvas)
    for arrangement in ("difference", "wipe", "panes"):
        view.show_state(states, session_of(states, arrangement=arrangement))
        QApplication.processEvents()
        assert relative(view.canvas)[1:] == pytest.approx(before[1:], abs=0.02), arrangement
    more = layers(0, 1, 2)
    view.show_state(more, session_of(more, focus=2))
    assert [relative(pane.canvas) for pane in view.panes] == [
        pytest.approx(before, abs=0.02) for _ in view.panes
    ]
    other = (more[0], more[1], state("other.png", seed=4))
    view.show_state(other, session_of(other, focus=2))
    assert relative(view.panes[2].canvas) == pytest.approx(before, abs=0.02)


def relative(canvas: Canvas) -> tuple[float, float, float]:
    """Zoom in fitting scales, and the point of the photo that is in the middle, 0..1."""
    assert canvas.photo_size is not None
    seen = sight(canvas.viewport, canvas.photo_size, canvas._fit_area())
    return seen.zoom, seen.x, seen.y


def test_unlinked_panes_go_alone_until_they_are_linked_again(view: CompareView) -> None:
    states = layers(0, 1)
    view.show_state(states, session_of(states, linked=False))
    one, two = (pane.canvas for pane in view.panes)
    before = two.viewport
    one.zoom_to(one.zoom * 3)
    assert two.viewport == before
    point_at(view.panes[0], 260, 130)
    assert one.cursor_patch is not None
    assert two.cursor_patch is None
    view.show_state(states, session_of(states, linked=True))
    assert two.viewport == one.viewport != before


def test_unlinking_takes_the_borrowed_cursors_away(view: CompareView) -> None:
    states = layers(0, 1)
    view.show_state(states, session_of(states))
    point_at(view.panes[0], 260, 130)
    assert view.panes[1].canvas.cursor_patch is not None
    view.show_state(states, session_of(states, linked=False))
    assert view.panes[1].canvas.cursor_patch is None


# What the user asks for


def test_the_first_click_turns_to_a_pane_and_the_next_asks(view: CompareView, qtbot: QtBot) -> None:
    states = (state(), state(geometry=MIDDLE, seed=1))
    view.show_state(states, session_of(states))
    asked: list[tuple[int, object]] = []
    view.query_chosen.connect(lambda index, point: asked.append((index, point)))
    second = view.panes[1]
    with qtbot.waitSignal(view.focused) as heard:
        qtbot.mouseClick(second.canvas, LEFT, pos=patch_place(second, 2, 1))
    assert heard.args == [1]
    assert asked == []
    view.show_state(states, session_of(states, focus=1))
    qtbot.mouseClick(second.canvas, LEFT, pos=patch_place(second, 2, 1))
    assert asked == [(1, MIDDLE.patch_box(2, 1).centre)]


def test_queries_are_outlined_in_every_pane(view: CompareView) -> None:
    states = (
        state(view=View(query=(260.0, 130.0))),
        state(geometry=FINER, view=View(query=(260.0, 130.0))),
    )
    view.show_state(states, session_of(states))
    assert [pane.canvas.query for pane in view.panes] == [(1, 2), (2, 5)]


def test_headings_and_close_buttons(view: CompareView, qtbot: QtBot) -> None:
    view.show_state(layers(0, 1, 2), session_of(layers(0, 1, 2)))
    with qtbot.waitSignal(view.focused) as heard:
        qtbot.mouseClick(view.panes[2].heading.words, LEFT)
    assert heard.args == [2]
    with qtbot.waitSignal(view.removed) as heard:
        qtbot.mouseClick(view.panes[1].heading.close_button, LEFT)
    assert heard.args == [1]


def test_keys(view: CompareView, qtbot: QtBot) -> None:
    states = tuple(state(seed=i) for i in range(4))
    view.show_state(states, session_of(states, focus=1))
    heard: list[object] = []
    view.focused.connect(lambda index: heard.append(("focused", index)))
    view.moved.connect(lambda index, to: heard.append(("moved", index, to)))
    view.removed.connect(lambda index: heard.append(("removed", index)))
    canvas = view.canvas
    assert view.grid.shape == (2, 2)
    for key, keys in (
        (Qt.Key.Key_Left, CONTROL | SHIFT),
        (Qt.Key.Key_Down, CONTROL | SHIFT),
        (Qt.Key.Key_Up, CONTROL | SHIFT),
        (Qt.Key.Key_Delete, Qt.KeyboardModifier.NoModifier),
    ):
        qtbot.keyClick(canvas, key, keys)
    assert heard == [("moved", 1, 0), ("moved", 1, 3), ("removed", 1)]


def test_the_keyboards_focus_makes_a_pane_current(view: CompareView) -> None:
    states = layers(0, 1)
    view.show_state(states, session_of(states))
    heard: list[int] = []
    view.focused.connect(heard.append)
    for reason in (Qt.FocusReason.MouseFocusReason, Qt.FocusReason.TabFocusReason):
        event = QFocusEvent(QFocusEvent.Type.FocusIn, reason)
        QApplication.sendEvent(view.panes[1].canvas, event)
    assert heard == [1]


def test_tools(view: CompareView, qtbot: QtBot) -> None:
    states = layers(0, 1, 2)
    view.show_state(states, session_of(states))
    tools = view.tools
    clicks: tuple[tuple[object, Callable[[], object]], ...] = (
        (view.add_requested, lambda: qtbot.mouseClick(tools.add, LEFT)),
        (view.split_requested, lambda: qtbot.mouseClick(tools.split, LEFT)),
        (view.linked_chosen, lambda: qtbot.mouseClick(tools.linked, LEFT)),
        (view.shared_chosen, lambda: qtbot.mouseClick(tools.shared, LEFT)),
    )
    said = []
    for signal, click in clicks:
        with qtbot.waitSignal(signal) as heard:  # type: ignore[arg-type]
            click()
        said.append(heard.args)
    assert said == [[], [], [False], [True]]
    names = []
    for button in tools._arrangements.buttons():
        with qtbot.waitSignal(view.arrangement_chosen) as heard:
            qtbot.mouseClick(button, LEFT)
        names += heard.args
    assert names == ["panes", "difference", "wipe"]


def test_one_of_a_pair_gives_way_to_the_other(view: CompareView) -> None:
    states = layers(0, 1, 2)
    heard: list[tuple[int, int]] = []
    view.pair_chosen.connect(lambda first, second: heard.append((first, second)))
    view.show_state(states, session_of(states, pair=(0, 1)))
    tools = view.tools
    tools.first.setCurrentIndex(1)
    tools.first.activated.emit(1)
    view.show_state(states, session_of(states, arrangement="difference", pair=(0, 1)))
    assert (tools.first.currentText(), tools.second.currentText()) == ("b", "a")
    tools.second.setCurrentIndex(2)
    tools.second.activated.emit(2)
    assert heard == [(1, 0), (2, 1)]


def test_six_panes_are_the_most(view: CompareView) -> None:
    states = tuple(state(seed=i) for i in range(6))
    view.show_state(states, session_of(states))
    assert not view.tools.add.isEnabled()


# Difference


def test_the_difference_is_that_of_the_analysis(view: CompareView) -> None:
    states = (state(), state(geometry=FINER, seed=1), state(seed=2))
    view.show_state(states, session_of(states, arrangement="difference", pair=(0, 2)))
    tile = view.difference
    expected = difference(values(states[0]), WHOLE, values(states[2]), WHOLE, ("attention",) * 2)
    assert tile.isVisible()
    shown = tile.canvas.heat_map
    assert shown is not None
    np.testing.assert_array_equal(shown.values, expected.values)
    np.testing.assert_allclose(shown.values, values(states[2]) - values(states[0]), atol=1e-7)
    scale = tile.canvas.scale
    assert (scale.unit, scale.note) == ("attention,", ("c minus a",))
    assert scale.ends[0] == -scale.ends[1]
    assert scale.style.colour_map == "coolwarm"
    assert tile.heading.letter.text() == "c − a"
    assert tile.heading.words.text == ""


def test_a_difference_of_other_grids_says_what_it_subtracts(view: CompareView) -> None:
    states = (state(), state(geometry=FINER, seed=1))
    view.show_state(states, session_of(states, arrangement="difference", pair=(0, 1)))
    assert view.difference.canvas.scale.unit == "% of its map,"
    assert view.difference.heading.words.text == "each as % of its map"
    assert view.difference.canvas.shown.geometry == FINER
    point_at(view.panes[0], 260, 130)
    assert view.difference.canvas.cursor_patch == (2, 5)
    value = float(view.difference.canvas.heat_map.values[2, 5])
    text = view.difference.numbers.text.replace("−", "-")
    assert float(text) == pytest.approx(value, rel=0.01)


def test_a_difference_waits_for_both_maps(view: CompareView) -> None:
    states = (state(), replace(state(), cell=None, busy=True))
    view.show_state(states, session_of(states, arrangement="difference"))
    assert view.difference.canvas.heat_map is None
    assert view.difference.canvas.message[1] == "Both maps are needed first"
    view.show_state((states[0],), session_of((states[0],), arrangement="difference"))
    assert not view.difference.isVisible()


# Wipe


def test_a_wipe_shows_the_first_left_and_the_second_right(view: CompareView) -> None:
    states = (state(), state(seed=1), state(seed=2))
    view.show_state(states, session_of(states, arrangement="wipe", pair=(0, 2)))
    wipe = view.wipe
    assert view.stack.currentWidget() is wipe
    QApplication.processEvents()
    np.testing.assert_array_equal(wipe.first.heat_map.values, values(states[0]))
    np.testing.assert_array_equal(wipe.second.heat_map.values, values(states[2]))
    assert wipe.first.viewport == wipe.second.viewport
    for place in (0.3, 0.7):
        wipe.move_to(place)
        x = round(place * wipe.first.width())
        left = wipe._stage.childAt(x - 40, 30)
        right = wipe._stage.childAt(x + 40, 30)
        assert (left, right) == (wipe.first, wipe.second)
        assert wipe.second.mapTo(wipe._stage, QPoint(0, 0)) == QPoint(0, 0)


def test_wiping_with_mouse_and_keys(view: CompareView, qtbot: QtBot) -> None:
    states = layers(0, 1)
    view.show_state(states, session_of(states, arrangement="wipe"))
    QApplication.processEvents()
    wipe, handle = view.wipe, view.wipe.handle
    middle = handle.rect().center()
    qtbot.mousePress(handle, LEFT, pos=middle)
    qtbot.mouseMove(handle, middle - QPoint(150, 0))
    qtbot.mouseRelease(handle, LEFT, pos=handle.rect().center())
    assert wipe.place == pytest.approx(0.5 - 150 / wipe.first.width(), abs=0.003)
    for key, keys, place in (
        (Qt.Key.Key_Home, Qt.KeyboardModifier.NoModifier, 0.0),
        (Qt.Key.Key_Left, Qt.KeyboardModifier.NoModifier, 0.0),
        (Qt.Key.Key_Right, Qt.KeyboardModifier.NoModifier, 0.02),
        (Qt.Key.Key_Right, SHIFT, 0.12),
        (Qt.Key.Key_End, Qt.KeyboardModifier.NoModifier, 1.0),
    ):
        qtbot.keyClick(handle, key, keys)
        assert wipe.place == pytest.approx(place)


def test_a_wipe_tells_both_values_and_takes_queries(view: CompareView, qtbot: QtBot) -> None:
    states = (state(), state(seed=1))
    view.show_state(states, session_of(states, arrangement="wipe"))
    wipe = view.wipe
    x, y = wipe.first.viewport.to_widget(60, 130)
    wipe.first.pointed(x, y)
    assert wipe.numbers.text.startswith("a: ")
    assert "   b: " in wipe.numbers.text
    asked: list[tuple[int, object]] = []
    view.query_chosen.connect(lambda index, point: asked.append((index, point)))
    qtbot.mouseClick(wipe.first, LEFT, pos=QPoint(round(x), round(y)))
    assert asked == [(0, WHOLE.patch_box(1, 0).centre)]
    wipe.first.zoom_to(wipe.first.zoom * 2)
    assert wipe.second.viewport == wipe.first.viewport


def test_both_bars_of_a_wipe_are_beside_the_photo(view: CompareView) -> None:
    states = (state(), state(seed=1))
    view.show_state(states, session_of(states, arrangement="wipe", shared=True))
    assert view.wipe.first.scale.note == ("shared by", "a, b")
    photo = view.wipe.first.on_widget(WHOLE.seen)
    assert view.wipe.first.room_beside_bar.left() <= photo.left()
    assert view.wipe.second.room_beside_bar.right() >= photo.right()
