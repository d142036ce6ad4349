"""The Masked view: three pictures, masks by chance and painted, attention of what is seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from tests.families.masked import save_masked
from tests.gui.conftest import Driver
from vitviz.probing.ablation import Ablation
from vitviz.session.mask import hidden_patches
from vitviz.session.session_file import from_json, to_json


@pytest.fixture
def masked(ui: Driver, tmp_path: Path) -> Driver:
    ui.window.documents.use_model(str(save_masked(tmp_path)))
    ui.until(lambda: ui.is_settled and ui.cell.card.family == "mae")
    ui.do("view.masked")
    ui.until(lambda: view_of(ui).pictures.pictures)
    return ui


def view_of(ui: Driver):
    return ui.window.views.view("masked")


def shown(ui: Driver) -> dict[str, np.ndarray]:
    return {one.title: one.pixels for one in view_of(ui).pictures.pictures}


def point(ui: Driver, picture: int, patch: int) -> QPoint:
    return view_of(ui).pictures.patch_box(picture, patch).center().toPoint()


def settled(ui: Driver) -> None:
    wanted = hidden_patches(ui.session.mask, (5, 7))
    ui.until(lambda: (view_of(ui).pictures._hidden == wanted).all())
    ui.until(lambda: not ui.window.service.is_busy)


def test_a_model_without_a_decoder_says_so(ui: Driver) -> None:
    ui.do("view.masked")
    assert view_of(ui).pictures._message[0] == "This model makes no pixels"
    assert not view_of(ui).bar.isEnabled()


def test_pictures_and_chance(masked: Driver) -> None:
    ui, view = masked, view_of(masked)
    titles = list(shown(ui))
    assert titles[:3] == [
        "What is seen", "Reconstruction", "Pasted",
    ]  # fmt: skip
    assert titles[3].startswith("Attention of CLS")
    assert view.percent.text() == "77 %", "27 of 35: 8 stay"
    assert "27 of 35 patches hidden by chance" in view.facts.text()
    before = view.pictures._hidden.copy()
    view.seed.setValue(3)
    settled(ui)
    assert (view.pictures._hidden != before).any()
    view.share.setValue(20)
    settled(ui)
    assert int(view.pictures._hidden.sum()) == 7
    ui.do("edit.undo")
    settled(ui)
    assert int(view.pictures._hidden.sum()) == 27
    view.attention.setChecked(False)
    assert len(shown(ui)) == 3


def test_painting_with_the_mouse(masked: Driver) -> None:
    ui, view = masked, view_of(masked)
    first = view.pictures._hidden.copy()
    seen = int(np.flatnonzero(~first.flatten())[0])
    mouse = ui.qtbot
    mouse.mousePress(view.pictures, Qt.MouseButton.LeftButton, pos=point(ui, 0, seen))
    for patch in (0, 1, 2):
        mouse.mouseMove(view.pictures, point(ui, 0, patch))
    mouse.mouseRelease(view.pictures, Qt.MouseButton.LeftButton, pos=point(ui, 0, 2))
    settled(ui)
    flat = view.pictures._hidden.flatten()
    assert flat[[seen, 0, 1, 2]].all()
    assert "hidden by hand" in view.facts.text()
    masked_pixels = shown(ui)["What is seen"]
    assert (masked_pixels[:8, :24] == 128).all()
    assert from_json(to_json(ui.session)).mask == ui.session.mask
    view.again.click()
    settled(ui)
    assert (view.pictures._hidden == first).all()
    assert not view.again.isEnabled()


def test_painting_with_keys(masked: Driver) -> None:
    ui, view = masked, view_of(masked)
    before = view.pictures._hidden.copy()
    view.pictures.setFocus()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Space):
        ui.qtbot.keyClick(view.pictures, key)
    settled(ui)
    changed = np.argwhere(view.pictures._hidden != before)
    assert changed.tolist() == [[3, 4]], "from the middle, one right and one down"


def test_a_visible_patch_is_asked_about(masked: Driver) -> None:
    ui, view = masked, view_of(masked)
    seen = int(np.flatnonzero(~view.pictures._hidden.flatten())[3])
    ui.qtbot.mouseClick(view.pictures, Qt.MouseButton.LeftButton, pos=point(ui, 3, seen))
    ui.until(lambda: view._answer is not None and view._answer.query_tokens == (1 + seen,))
    row, col = divmod(seen, 7)
    assert f"row {row + 1}, column {col + 1}" in list(shown(ui))[3]
    attention = list(shown(ui).values())[3]
    hidden = view._answer.hidden_pixels
    assert (attention[hidden] == 128).all(), "nothing is drawn where nothing was seen"
    gone = int(np.flatnonzero(view.pictures._hidden.flatten())[0])
    ui.qtbot.mouseClick(view.pictures, Qt.MouseButton.LeftButton, pos=point(ui, 3, gone))
    ui.until(lambda: view._answer.query_tokens == (0,))
    assert "is hidden: CLS is asked about" in view.facts.text()


def test_a_model_without_some_of_its_parts_is_not_decoded(masked: Driver) -> None:
    """Rather than the whole one's reconstruction beside maps of the other."""
    ui = masked
    view = replace(ui.session.view, ablation=Ablation(heads=((0, 1),)))
    ui.window.store.set(replace(ui.session, view=view), "")
    ui.until(lambda: view_of(ui).pictures._message[0].startswith("What a decoder makes"))
    ui.do("edit.undo")
    ui.until(lambda: view_of(ui).pictures.pictures)
