"""Two panes as their difference, and under a wipe."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.gui.compare_cells import FINER, WHOLE, layers, point_at, session_of, show, state, values
from vitviz.gui.views.compare.view import CompareView
from vitviz.maps.difference import difference

LEFT, SHIFT = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier


def test_the_difference_is_that_of_the_analysis(compare_view: CompareView) -> None:
    states = (state(), state(geometry=FINER, seed=1), state(seed=2))
    show(compare_view, states, session_of(states, arrangement="difference", pair=(0, 2)))
    tile = compare_view.difference
    expected = difference(
        *(state.cell.heat_map(state.pane.view) for state in (states[0], states[2]))
    )
    assert tile.isVisible()
    shown = tile.canvas.heat_map
    assert shown is not None
    np.testing.assert_array_equal(shown.values, expected.heat_map.values)
    np.testing.assert_allclose(shown.values, values(states[2]) - values(states[0]), atol=1e-7)
    scale = tile.canvas.colour_bar
    assert (scale.unit, scale.note) == ("attention", ("c minus a",))
    assert scale.ends[0] == -scale.ends[1]
    assert scale.style.colour_map == "coolwarm"
    assert tile.heading.letter.text() == "c − a"
    assert tile.heading.words.text == ""


def test_a_difference_of_other_grids_says_what_it_subtracts(compare_view: CompareView) -> None:
    states = (state(), state(geometry=FINER, seed=1))
    show(compare_view, states, session_of(states, arrangement="difference", pair=(0, 1)))
    assert compare_view.difference.canvas.colour_bar.unit == "% of its map"
    assert compare_view.difference.heading.words.text == "each as % of its map"
    assert compare_view.difference.canvas.content.geometry == FINER
    point_at(compare_view.panes[0], 260, 130)
    assert compare_view.difference.canvas.cursor_patch == (2, 5)
    value = float(compare_view.difference.canvas.heat_map.values[2, 5])
    text = compare_view.difference.numbers.text.replace("−", "-")
    assert float(text) == pytest.approx(value, rel=0.01)


def test_a_difference_waits_for_both_maps(compare_view: CompareView) -> None:
    states = (state(), replace(state(), cell=None, busy=True))
    show(compare_view, states, session_of(states, arrangement="difference"))
    assert compare_view.difference.canvas.heat_map is None
    assert compare_view.difference.canvas.message[1] == "Both maps are needed first"
    show(compare_view, (states[0],), session_of((states[0],), arrangement="difference"))
    assert not compare_view.difference.isVisible()


def test_a_wipe_shows_the_first_left_and_the_second_right(compare_view: CompareView) -> None:
    states = (state(), state(seed=1), state(seed=2))
    show(compare_view, states, session_of(states, arrangement="wipe", pair=(0, 2)))
    wipe = compare_view.wipe
    assert compare_view.stack.currentWidget() is wipe
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


def test_wiping_with_mouse_and_keys(compare_view: CompareView, qtbot: QtBot) -> None:
    states = layers(0, 1)
    show(compare_view, states, session_of(states, arrangement="wipe"))
    QApplication.processEvents()
    wipe, handle = compare_view.wipe, compare_view.wipe.handle
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


def test_a_wipe_tells_both_values_and_takes_queries(
    compare_view: CompareView, qtbot: QtBot
) -> None:
    states = (state(), state(seed=1))
    show(compare_view, states, session_of(states, arrangement="wipe"))
    wipe = compare_view.wipe
    x, y = wipe.first.viewport.to_widget(60, 130)
    wipe.first.pointed(x, y)
    assert wipe.numbers.text.startswith("a: ")
    assert "   b: " in wipe.numbers.text
    asked: list[tuple[int, object]] = []
    compare_view.query_chosen.connect(lambda index, point: asked.append((index, point)))
    qtbot.mouseClick(wipe.first, LEFT, pos=QPoint(round(x), round(y)))
    assert asked == [(0, WHOLE.patch_box(1, 0).centre)]
    wipe.first.zoom_to(wipe.first.zoom * 2)
    assert wipe.second.viewport == wipe.first.viewport


def test_both_bars_of_a_wipe_are_beside_the_photo(compare_view: CompareView) -> None:
    states = (state(), state(seed=1))
    show(compare_view, states, session_of(states, arrangement="wipe", shared=True))
    assert compare_view.wipe.first.colour_bar.note == ("shared by", "a, b")
    photo = compare_view.wipe.first.on_widget(WHOLE.seen)
    assert compare_view.wipe.first.room_beside_bar.left() <= photo.left()
    assert compare_view.wipe.second.room_beside_bar.right() >= photo.right() - 1
