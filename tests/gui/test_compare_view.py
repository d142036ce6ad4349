"""The Compare view: panes that follow each other, differences, wipes, and what it asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.gui.compare_cells import (
    FINER,
    MIDDLE,
    WHOLE,
    layers,
    session_of,
    show,
    state,
    values,
)
from vitviz.errors import VitvizError
from vitviz.gui.scene import PaneState
from vitviz.gui.views.compare.pane import ComparePane
from vitviz.gui.views.compare.view import CompareView
from vitviz.maps.agreement import agreement
from vitviz.progress import Stage
from vitviz.session.state import View

LEFT = Qt.MouseButton.LeftButton
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def patch_place(pane: ComparePane, row: int, col: int) -> QPoint:
    geometry = pane.canvas.content.geometry
    assert geometry is not None
    return pane.canvas.on_widget(geometry.patch_box(row, col)).center().toPoint()


# Panes


def test_one_pane_invites(compare_view: CompareView, qtbot: QtBot) -> None:
    show(compare_view, layers(0), session_of(layers(0)))
    assert compare_view.invite.isVisible()
    assert not compare_view.panes[0].heading.close_button.isVisible()
    with qtbot.waitSignal(compare_view.add_requested):
        qtbot.mouseClick(compare_view.invite.add, LEFT)
    with qtbot.waitSignal(compare_view.split_requested):
        qtbot.mouseClick(compare_view.invite.split, LEFT)


@pytest.mark.parametrize("count", range(2, 7))
def test_panes_have_letters_headings_and_no_overlaps(compare_view: CompareView, count: int) -> None:
    states = tuple(state(view=View(layer=i % 4, head=i // 4)) for i in range(count))
    show(compare_view, states, session_of(states, focus=1))
    assert not compare_view.invite.isVisible()
    assert [pane.heading.letter.text() for pane in compare_view.panes] == list("abcdef"[:count])
    assert [pane._is_current for pane in compare_view.panes] == [i == 1 for i in range(count)]
    assert all(
        f"layer {i % 4 + 1}" in p.heading.words.text for i, p in enumerate(compare_view.panes)
    )
    boxes = [pane.geometry() for pane in compare_view.panes]
    assert len({(box.width(), box.height()) for box in boxes}) == 1
    assert not any(a.intersects(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert all(compare_view.grid.rect().contains(box) for box in boxes)


def test_what_is_common_is_said_once(compare_view: CompareView) -> None:
    show(compare_view, layers(0, 2), session_of(layers(0, 2)))
    assert [pane.heading.words.text for pane in compare_view.panes] == ["layer 1", "layer 3"]
    assert compare_view.caption.text.startswith("In all: one.png · ")
    assert "layer" not in compare_view.caption.text


def test_agreement_is_that_of_the_analysis_and_names_its_reference(
    compare_view: CompareView,
) -> None:
    states = (state(), state(geometry=FINER, seed=1), state("other.png", seed=2))
    show(compare_view, states, session_of(states, pair=(0, 1)))
    found = agreement(values(states[0]), WHOLE, values(states[1]), FINER)
    rho = f"{found.rho:.2f}".replace("-", "−")
    assert found.top is not None
    assert compare_view.panes[0].numbers.text == ""
    assert (
        compare_view.panes[1].numbers.text
        == f"with a: rho {rho}, top patches {100 * found.top:.0f} %"
    )
    assert compare_view.panes[2].numbers.text.startswith("with a, place by place: rho ")
    show(compare_view, states, session_of(states, pair=(1, 0)))
    assert (
        compare_view.panes[0].numbers.text
        == f"with b: rho {rho}, top patches {100 * found.top:.0f} %"
    )
    assert compare_view.panes[1].numbers.text == ""


def test_ranges_are_shared_by_unit_and_the_bars_say_by_whom(compare_view: CompareView) -> None:
    states = (state(), state(view=View(method="rollout")), state(seed=1))
    show(compare_view, states, session_of(states, shared=False))
    assert [pane.canvas.colour_bar.note for pane in compare_view.panes] == [(), (), ()]
    show(compare_view, states, session_of(states, shared=True))
    scales = [pane.canvas.colour_bar for pane in compare_view.panes]
    assert [scale.note for scale in scales] == [("shared by", "a, c"), (), ("shared by", "a, c")]
    both = np.concatenate([values(states[0]), values(states[2])])
    assert scales[0].ends == scales[2].ends == (float(both.min()), float(both.max()))
    assert scales[1].ends == (float(values(states[1]).min()), float(values(states[1]).max()))
    assert [scale.unit for scale in scales] == ["attention", "rollout", "attention"]


def test_only_what_changed_is_drawn_again(compare_view: CompareView) -> None:
    states = layers(0, 1, 2)
    show(compare_view, states, session_of(states))
    QApplication.processEvents()
    shown = [pane.canvas.heat_map for pane in compare_view.panes]
    drawn = [pane.canvas._current_map_layer(WHOLE) for pane in compare_view.panes]
    changed = replace(states[1], pane=replace(states[1].pane, view=View(layer=3)))
    states = (states[0], changed, states[2])
    show(compare_view, states, session_of(states))
    assert [p.canvas.heat_map is m for p, m in zip(compare_view.panes, shown, strict=True)] == [
        True, False, True,
    ]  # fmt: skip
    again = [pane.canvas._current_map_layer(WHOLE) for pane in compare_view.panes]
    assert [a is b for a, b in zip(again, drawn, strict=True)] == [True, False, True]


def test_photos_of_one_size_lie_alike_and_share_one_picture(compare_view: CompareView) -> None:
    states = (state(), state(seed=1), state(view=View(method="rollout")), state(seed=3))
    show(compare_view, states, session_of(states))
    assert len({pane.canvas.viewport for pane in compare_view.panes}) == 1
    layer = {id(pane.canvas.content.layer) for pane in compare_view.panes}
    assert len(layer) == 1


# States of a pane


def test_a_failure_stays_in_its_pane_and_can_be_tried_again(
    compare_view: CompareView, qtbot: QtBot
) -> None:
    error = VitvizError("This file holds no model.", "Choose another.")
    states = (state(), replace(state(seed=1), error=error))
    show(compare_view, states, session_of(states))
    good, bad = compare_view.panes
    assert good.canvas.heat_map is not None
    assert bad.canvas.heat_map is None
    assert bad.problem.isVisible()
    assert not good.problem.isVisible()
    assert (bad.problem.what.text(), bad.problem.hint.text()) == (error.message, error.hint)
    assert bad.canvas.rect().contains(bad.problem.geometry())
    assert bad.numbers.text == ""
    with qtbot.waitSignal(compare_view.retry_requested) as heard:
        qtbot.mouseClick(bad.problem.button, LEFT)
    assert heard.args == [1]
    show(compare_view, (states[0], state(seed=1)), session_of(states))
    assert not bad.problem.isVisible()
    assert bad.canvas.heat_map is not None


def test_panes_without_photo_or_answer(compare_view: CompareView) -> None:
    first = state()
    waiting = PaneState(first.pane, None, None, busy=True)
    nothing = PaneState(replace(first.pane, photo=None))
    opened = PaneState(first.pane, first.opened, None, busy=True, stage=Stage("block", 2, 12))
    unexpected = PaneState(first.pane, first.opened, None, error=RuntimeError("out of luck"))
    states = (first, waiting, nothing, opened, unexpected)
    show(compare_view, states, session_of(states))
    messages = [pane.canvas.message[1] for pane in compare_view.panes]
    assert messages == ["", "Opening the photo…", "Drop a photo here", "", ""]
    assert "out of luck" in compare_view.panes[4].problem.what.text()
    QApplication.processEvents()
    assert not compare_view.grab().isNull()


# What the user asks for


def test_the_first_click_turns_to_a_pane_and_the_next_asks(
    compare_view: CompareView, qtbot: QtBot
) -> None:
    states = (state(), state(geometry=MIDDLE, seed=1))
    show(compare_view, states, session_of(states))
    asked: list[tuple[int, object]] = []
    compare_view.query_chosen.connect(lambda index, point: asked.append((index, point)))
    second = compare_view.panes[1]
    with qtbot.waitSignal(compare_view.focused) as heard:
        qtbot.mouseClick(second.canvas, LEFT, pos=patch_place(second, 2, 1))
    assert heard.args == [1]
    assert asked == []
    show(compare_view, states, session_of(states, focus=1))
    qtbot.mouseClick(second.canvas, LEFT, pos=patch_place(second, 2, 1))
    assert asked == [(1, MIDDLE.patch_box(2, 1).centre)]


def test_queries_are_outlined_in_every_pane(compare_view: CompareView) -> None:
    states = (
        state(view=View(query=(260.0, 130.0))),
        state(geometry=FINER, view=View(query=(260.0, 130.0))),
    )
    show(compare_view, states, session_of(states))
    assert [pane.canvas.query for pane in compare_view.panes] == [((1, 2),), ((2, 5),)]


def test_headings_and_close_buttons(compare_view: CompareView, qtbot: QtBot) -> None:
    show(compare_view, layers(0, 1, 2), session_of(layers(0, 1, 2)))
    with qtbot.waitSignal(compare_view.focused) as heard:
        qtbot.mouseClick(compare_view.panes[2].heading.words, LEFT)
    assert heard.args == [2]
    with qtbot.waitSignal(compare_view.removed) as heard:
        qtbot.mouseClick(compare_view.panes[1].heading.close_button, LEFT)
    assert heard.args == [1]


def test_keys(compare_view: CompareView, qtbot: QtBot) -> None:
    states = tuple(state(seed=i) for i in range(4))
    show(compare_view, states, session_of(states, focus=1))
    heard: list[object] = []
    compare_view.focused.connect(lambda index: heard.append(("focused", index)))
    compare_view.moved.connect(lambda index, to: heard.append(("moved", index, to)))
    compare_view.removed.connect(lambda index: heard.append(("removed", index)))
    canvas = compare_view.canvas
    assert compare_view.grid.shape == (2, 2)
    for key, keys in (
        (Qt.Key.Key_Left, CONTROL | SHIFT),
        (Qt.Key.Key_Down, CONTROL | SHIFT),
        (Qt.Key.Key_Up, CONTROL | SHIFT),
        (Qt.Key.Key_Delete, Qt.KeyboardModifier.NoModifier),
    ):
        qtbot.keyClick(canvas, key, keys)
    assert heard == [("moved", 1, 0), ("moved", 1, 3), ("removed", 1)]


def test_the_keyboards_focus_makes_a_pane_current(compare_view: CompareView) -> None:
    states = layers(0, 1)
    show(compare_view, states, session_of(states))
    heard: list[int] = []
    compare_view.focused.connect(heard.append)
    for reason in (Qt.FocusReason.MouseFocusReason, Qt.FocusReason.TabFocusReason):
        event = QFocusEvent(QFocusEvent.Type.FocusIn, reason)
        QApplication.sendEvent(compare_view.panes[1].canvas, event)
    assert heard == [1]


def test_tools(compare_view: CompareView, qtbot: QtBot) -> None:
    states = layers(0, 1, 2)
    show(compare_view, states, session_of(states))
    tools = compare_view.tools
    clicks: tuple[tuple[object, Callable[[], object]], ...] = (
        (compare_view.add_requested, lambda: qtbot.mouseClick(tools.add, LEFT)),
        (compare_view.split_requested, lambda: qtbot.mouseClick(tools.split, LEFT)),
        (compare_view.linked_chosen, lambda: qtbot.mouseClick(tools.linked, LEFT)),
        (compare_view.shared_chosen, lambda: qtbot.mouseClick(tools.shared, LEFT)),
    )
    said = []
    for signal, click in clicks:
        with qtbot.waitSignal(signal) as heard:  # type: ignore[arg-type]
            click()
        said.append(heard.args)
    assert said == [[], [], [False], [True]]
    names = []
    for button in tools._arrangements.buttons():
        with qtbot.waitSignal(compare_view.arrangement_chosen) as heard:
            qtbot.mouseClick(button, LEFT)
        names += heard.args
    assert names == ["panes", "difference", "wipe"]


def test_one_of_a_pair_gives_way_to_the_other(compare_view: CompareView) -> None:
    states = layers(0, 1, 2)
    heard: list[tuple[int, int]] = []
    compare_view.pair_chosen.connect(lambda first, second: heard.append((first, second)))
    show(compare_view, states, session_of(states, pair=(0, 1)))
    tools = compare_view.tools
    tools.first.setCurrentIndex(1)
    tools.first.activated.emit(1)
    show(compare_view, states, session_of(states, arrangement="difference", pair=(0, 1)))
    assert (tools.first.currentText(), tools.second.currentText()) == ("b", "a")
    tools.second.setCurrentIndex(2)
    tools.second.activated.emit(2)
    assert heard == [(1, 0), (2, 1)]


def test_six_panes_are_the_most(compare_view: CompareView) -> None:
    states = tuple(state(seed=i) for i in range(6))
    show(compare_view, states, session_of(states))
    assert not compare_view.tools.add.isEnabled()
