"""The trust line and the panel behind it, in the window."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from vitviz.gui.commands.trust import read_mask_file, save_table, show_trust
from vitviz.gui.settings import Settings
from vitviz.gui.window import Window
from vitviz.session.state import View

WAIT_MS = 240_000


@pytest.fixture
def _tested(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines come by themselves, from as few forwards as may be."""
    monkeypatch.setattr("vitviz.gui.trust.watch.MOST_AUTOMATIC", 1e99)
    monkeypatch.setattr("vitviz.gui.trust.watch.STILL_MS", 1)
    monkeypatch.setattr("vitviz.gui.trust.watch.ORDERS", 2)
    monkeypatch.setattr("vitviz.gui.trust.watch.STEPS", 2)
    monkeypatch.setattr("vitviz.trust.references.MOST_GROUPS", 4)


def judged(qtbot: QtBot, window: Window) -> None:
    qtbot.waitUntil(lambda: window.scene.trust_state.phase in ("done", "none"), timeout=WAIT_MS)


@pytest.mark.usefixtures("_tested")
def test_a_line_comes_once_the_map_stands_still(
    qtbot: QtBot, make_window: Callable[..., Window], photos: list[Path]
) -> None:
    window = make_window()
    window.begin(photos[:1])
    judged(qtbot, window)
    look = window.views.view("look")
    line = look.trust
    assert line.isVisible()
    assert "random orders do" in line.text
    assert "It shows what is mixed, not what decides." in line.text
    # Another layer is another map, with what is known of the photo known already.
    height = line.height()
    first = window.scene.trust_state.trust
    window.store.set(replace(window.store.session, view=View(layer=0)))
    assert line.height() == height
    judged(qtbot, window)
    second = window.scene.trust_state.trust
    assert second.heat_map.layer == 0
    assert second.judgement.references is first.judgement.references
    # And back it is there at once.
    window.store.set(replace(window.store.session, view=View()))
    assert window.scene.trust_state.trust is first
    # The panel opens with a click, follows the map, and opens masks.
    qtbot.mouseClick(line, Qt.MouseButton.LeftButton)
    dialog = window.trust_dialog
    assert dialog.isVisible()
    assert dialog.values[0].text() == f"{first.judgement.gain:+.3f}"
    assert not dialog.tests["class"].isEnabled()
    dialog._run("photo")
    qtbot.waitUntil(lambda: "moved by a pixel" in dialog.results["photo"].text(), timeout=WAIT_MS)
    mask = np.zeros((60, 90), np.uint8)
    mask[20:40, 30:60] = 255
    path = photos[0].parent / "mask.png"
    Image.fromarray(mask).save(path)
    read_mask_file(window, path)
    qtbot.waitUntil(lambda: "energy inside" in dialog.place.text(), timeout=WAIT_MS)
    table = photos[0].parent / "table.csv"
    from vitviz.exporting.trust_table import write_trust_table

    write_trust_table(table, first)
    assert "random 95 %" in table.read_text("utf-8")
    # Patches can be removed in other ways.
    dialog.removal.setCurrentIndex(1)
    judged(qtbot, window)
    assert window.scene.trust_state.trust.removal == "mean"
    assert "mean colour" in dialog.caption.text()
    # A mask of another size is refused in words.
    Image.fromarray(mask[1:]).save(path)
    read_mask_file(window, path)
    qtbot.waitUntil(lambda: "59 pixels" in window.banner.text.text(), timeout=WAIT_MS)
    dialog.close()
    assert save_table is not None


@pytest.mark.usefixtures("_tested")
def test_what_is_not_looked_at_any_more_is_not_asked(
    qtbot: QtBot, make_window: Callable[..., Window], photos: list[Path]
) -> None:
    window = make_window()
    window.begin(photos[:1])
    qtbot.waitUntil(lambda: window.scene.trust_state.phase == "working", timeout=WAIT_MS)
    asked = window.scene.trust_state.request
    window.store.set(replace(window.store.session, view=View("feature-norm")))
    judged(qtbot, window)
    assert asked not in window.trust._known
    assert window.scene.trust_state.request.explain.method == "feature-norm"


def test_what_would_take_long_is_offered(
    qtbot: QtBot, make_window: Callable[..., Window], photos: list[Path]
) -> None:
    window = make_window()
    window.begin(photos[:1])
    qtbot.waitUntil(lambda: window.scene.trust_state.phase == "offered", timeout=WAIT_MS)
    assert "Test this map against random orders (about" in window.views.view("look").trust.text
    assert not window.trust._desk.is_busy
    show_trust(window)
    assert window.trust_dialog.begin.isVisible()
    window.trust_dialog.close()


def test_it_is_off_by_a_preference(
    qtbot: QtBot, make_window: Callable[..., Window], photos: list[Path], settings: Settings
) -> None:
    window = make_window(trust_line=False)
    window.begin(photos[:1])
    qtbot.waitUntil(lambda: window.controller.shown_cell is not None, timeout=WAIT_MS)
    assert window.scene.trust_state.phase == "off"
    assert not window.views.view("look").trust.isVisible()
    window.actions_by_id["view.trust_line"].trigger()
    assert window.views.view("look").trust.isVisible()
    assert Settings(settings.folder).preferences().trust_line


@pytest.mark.usefixtures("_tested")
def test_each_pane_of_compare_has_its_line(
    qtbot: QtBot, make_window: Callable[..., Window], photos: list[Path]
) -> None:
    from vitviz.session.split import split

    window = make_window()
    window.begin(photos[:1])
    qtbot.waitUntil(lambda: window.controller.shown_cell is not None, timeout=WAIT_MS)
    window.store.set(split(window.store.session, "methods", ["attention", "feature-norm"]))
    qtbot.waitUntil(
        lambda: all(state.phase == "done" for state in window.scene.trust), timeout=WAIT_MS
    )
    for pane in window.views.view("compare").panes:
        assert "of 2 random orders" in pane.numbers.text


def test_a_mask_that_is_none_is_said(
    qtbot: QtBot, make_window: Callable[..., Window], photos: list[Path], tmp_path: Path
) -> None:
    window = make_window()
    window.begin(photos[:1])
    qtbot.waitUntil(lambda: window.controller.shown_cell is not None, timeout=WAIT_MS)
    path = tmp_path / "mask.json"
    path.write_text(json.dumps({"annotations": [{"segmentation": "<img src=x>"}]}))
    read_mask_file(window, path)
    qtbot.waitUntil(lambda: "no polygons" in window.banner.text.text(), timeout=WAIT_MS)
