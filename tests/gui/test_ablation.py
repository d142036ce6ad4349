"""Heads and patches taken from the network in the window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from vitviz.exporting.trust_table import write_head_grid
from vitviz.gui.ablation.grid import HeadGridDialog
from vitviz.gui.ablation.registers import RegistersDialog
from vitviz.gui.commands import ablation
from vitviz.gui.window import Window
from vitviz.probing.ablation import Ablation
from vitviz.session.state import View

WAIT_MS = 120_000


def opened(qtbot: QtBot, make_window: Callable[..., Window], photos: list[Path]) -> Window:
    window = make_window(trust_line=False)
    window.begin(photos[:2])
    qtbot.waitUntil(lambda: window.controller.shown_cell is not None, timeout=WAIT_MS)
    return window


def answered(qtbot: QtBot, window: Window) -> None:
    def is_there() -> bool:
        cell = window.controller.shown_cell
        wanted = window.store.session.view.ablation
        return cell is not None and cell.request.ablation == wanted

    qtbot.waitUntil(is_there, timeout=WAIT_MS)


def test_the_brush_removes_patches_and_puts_them_back(
    qtbot: QtBot, make_window: Callable[..., Window], photos: list[Path]
) -> None:
    window = opened(qtbot, make_window, photos)
    before = window.controller.shown_cell.probabilities
    assert not window.chip.isVisible()
    window.actions_by_id["model.brush"].trigger()
    assert window.chip.isVisible()
    canvas = window.canvas
    geometry = canvas.grid_geometry

    def point(patch: tuple[int, int]) -> QPoint:
        return canvas.on_widget(geometry.patch_box(*patch)).center().toPoint()

    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=point((3, 4)))
    qtbot.mouseMove(canvas, point((3, 5)))
    qtbot.mouseMove(canvas, point((3, 6)))
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=point((3, 6)))
    removed = window.store.session.view.ablation.removed(geometry)
    np.testing.assert_array_equal(np.argwhere(removed), [[3, 4], [3, 5], [3, 6]])
    answered(qtbot, window)
    cell = window.controller.shown_cell
    assert "Without 3 patches · logit of" in window.chip.words.text
    assert np.abs(cell.probabilities - before).max() > 0
    values = cell.heat_map(window.store.session.view).values
    assert values[3, 4:7].max() == 0  # nobody looks at them
    assert "without 3 patches" in window.views.view("look").caption.text()
    # A stroke that begins on a removed patch puts back.
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=point((3, 5)))
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=point((3, 5)))
    assert len(window.store.session.view.ablation.places) == 2
    # Patches of one photo are none of another; then all is whole again.
    window.actions_by_id["model.whole"].trigger()
    answered(qtbot, window)
    np.testing.assert_array_equal(window.controller.shown_cell.probabilities, before)
    window.chip.brush.click()
    assert not window.chip.isVisible()


def test_heads_are_silenced_by_the_switch(
    qtbot: QtBot, make_window: Callable[..., Window], photos: list[Path]
) -> None:
    window = opened(qtbot, make_window, photos)
    whole = window.controller.shown_cell
    window.store.set(replace(window.store.session, tab="heads"))
    heads = window.views.view("heads")
    heads.tools.switch.click()
    heads.matrix.opened.emit(2, 1)
    heads.matrix.opened.emit(0, 0)
    assert window.store.session.tab == "heads"
    assert window.store.session.view.ablation.heads == ((0, 0), (2, 1))
    answered(qtbot, window)
    assert "Without 2 heads · logit of" in window.chip.words.text
    change = window.controller.shown_cell.change
    assert change.target == int(whole.probabilities.argmax())
    assert change.after != change.before
    heads.tools.fill.setCurrentIndex(1)
    answered(qtbot, window)
    assert "their means in their place" in window.chip.words.text
    # A fusion is no head: it opens, as ever.
    heads.matrix.opened.emit(2, "mean")
    assert window.store.session.tab == "look"
    window.chip.whole.click()
    assert not window.store.session.view.ablation
    window.store.undo()
    assert window.store.session.view.ablation.heads == ((0, 0), (2, 1))


def test_the_switch_says_why_it_is_off(
    qtbot: QtBot, make_window: Callable[..., Window], photos: list[Path]
) -> None:
    window = opened(qtbot, make_window, photos)
    window.store.set(replace(window.store.session, tab="heads", view=View("feature-norm")))
    tools = window.views.view("heads").tools
    assert not tools.switch.isEnabled()
    assert "choose Attention" in tools.switch.toolTip()


def test_what_each_head_is_worth(
    qtbot: QtBot, make_window: Callable[..., Window], photos: list[Path], tmp_path: Path
) -> None:
    window = opened(qtbot, make_window, photos)
    ablation.show_head_grid(window)
    qtbot.waitUntil(lambda: bool(window.findChildren(HeadGridDialog)), timeout=WAIT_MS)
    (dialog,) = window.findChildren(HeadGridDialog)
    outline = window.controller.shown_cell.outline
    assert [len(values) for _, values in dialog.grid_of.layers] == [
        layer.heads for layer in outline.layers
    ]
    write_head_grid(tmp_path / "heads.csv", dialog.grid_of)
    lines = (tmp_path / "heads.csv").read_text("utf-8").splitlines()
    assert len(lines) == 2 + outline.depth
    assert not dialog.picture().isNull()
    dialog.chosen.emit(1, 2)
    assert window.store.session.view.ablation == Ablation(((1, 2),))
    dialog.close()


def test_a_test_time_register_is_asked_for_and_goes_with_the_model(
    qtbot: QtBot, make_window: Callable[..., Window], photos: list[Path]
) -> None:
    window = opened(qtbot, make_window, photos)
    whole = window.controller.shown_cell
    window.actions_by_id["model.registers"].trigger()
    (dialog,) = window.findChildren(RegistersDialog)
    dialog._neurons.setValue(3)
    dialog._bound.setValue(1.0)
    dialog.accept()
    qtbot.waitUntil(lambda: bool(window.store.session.view.ablation.registers), timeout=WAIT_MS)
    answered(qtbot, window)
    registers = window.store.session.view.ablation.registers
    assert (len(registers.neurons), registers.weights) == (3, whole.card.sha256)
    words = "intervention: test-time register of 3 neurons"
    assert words in window.chip.words.text.lower()
    assert words in window.views.view("look").caption.text()
    assert words in window.panels.model.facts.text().lower()
    cell = window.controller.shown_cell
    assert np.abs(cell.probabilities - whole.probabilities).max() > 0
    window.documents.use_model("another.pth")
    assert not window.store.session.view.ablation
    window.store.undo()
    window.chip.whole.click()
    answered(qtbot, window)
    np.testing.assert_array_equal(window.controller.shown_cell.probabilities, whole.probabilities)


def test_a_model_that_can_have_no_register_is_told_so(
    qtbot: QtBot, make_window: Callable[..., Window], photos: list[Path], checkpoint: Path
) -> None:
    window = opened(qtbot, make_window, photos)
    window.documents.use_model(str(checkpoint))

    def is_there() -> bool:
        cell = window.controller.shown_cell
        return cell is not None and cell.request.model == str(checkpoint)

    qtbot.waitUntil(is_there, timeout=WAIT_MS)
    window.actions_by_id["model.registers"].trigger()
    assert not window.findChildren(RegistersDialog)
    assert "registers of its own" in window.banner.text.text()
