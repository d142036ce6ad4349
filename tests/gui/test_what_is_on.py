"""What is running, what is on, and what is not true any more: said once, and taken back."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from vitviz.engine.requests import ExplainRequest
from vitviz.gui.steps import step_name
from vitviz.imaging.preprocess import InputChoice
from vitviz.session.panes import add_pane
from vitviz.session.state import Session
from vitviz.wording.numbers import rough_time

from .conftest import Driver, draw
from .finetune_runs import Pretended, begin

ESC = Qt.Key.Key_Escape


def chips(ui: Driver) -> list[str]:
    return [chip.text() for chip in ui.window.modes.chips] if ui.window.modes.isVisible() else []


def test_esc_ends_following_and_the_panel_says_what_the_map_is_of(ui: Driver) -> None:
    ui.press("view.follow")
    assert chips(ui) == ["Following the cursor   Esc"]
    ui.hover_patch(3, 4)
    ui.until(lambda: "row 4, column 5" in ui.look.caption.text())
    of = ui.window.panels.method.query
    assert of.currentText() == "Row 4, column 5"
    ui.qtbot.keyClick(ui.window.canvas, ESC)
    assert not ui.window.preferences.follow_cursor
    assert chips(ui) == []
    ui.settle()
    assert of.currentText() == "CLS"
    ui.until(lambda: "row 4" not in ui.look.caption.text())


def test_a_click_on_its_chip_ends_a_mode(ui: Driver) -> None:
    ui.press("go.play")
    assert chips(ui) == ["Playing the layers   P"]
    ui.qtbot.mouseClick(ui.window.modes.chips[0], Qt.MouseButton.LeftButton)
    assert not ui.window.panels.layers.playing
    assert chips(ui) == []


def test_a_range_that_nothing_lies_in_says_so(ui: Driver) -> None:
    ui.window.store.set(replace(ui.session, style=replace(ui.session.style, range=(5.0, 6.0))))
    (words,) = chips(ui)
    assert words.startswith("No value of this map lies in the range 5 to 6")
    ui.qtbot.mouseClick(ui.window.modes.chips[0], Qt.MouseButton.LeftButton)
    assert ui.session.style.range == "each"
    assert chips(ui) == []


def test_a_map_of_an_earlier_choice_is_dimmed(ui: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    answer = ui.window.service.engine.answer

    def slow(request: object, progress: object) -> object:
        go_on.wait(30)
        return answer(request, progress)  # type: ignore[arg-type]

    monkeypatch.setattr(ui.window.service.engine, "answer", slow)
    canvas = ui.window.canvas
    assert not canvas.is_dimmed
    ui.click_patch(2, 2)
    ui.until(lambda: canvas.is_dimmed)
    go_on.set()
    ui.settle()
    assert not canvas.is_dimmed


def test_closing_a_photo_in_look_keeps_what_was_chosen(ui: Driver, photos: list[Path]) -> None:
    """Panes that are not in sight must not take the place of the current one."""
    mine = replace(ui.session.view, layer=3)
    ui.window.store.set(replace(ui.session, view=mine))
    other = replace(ui.session.pane, photo=ui.session.photos[1], view=replace(mine, layer=7))
    session = add_pane(ui.session, other, at=1)
    ui.window.store.set(replace(session, compare=replace(session.compare, focus=1)))
    ui.window.store.set(replace(add_pane(ui.session, other), tab="look"))
    view = ui.session.view
    ui.settle()
    assert ui.window.top_bar.findChild(type(ui.window.top_bar.switch)) is not None
    ui.press("file.close")
    ui.settle()
    assert ui.session.view == view
    assert ui.session.photo is not None
    assert ui.session.photo.path != str(photos[1])


def test_the_tab_tells_how_many_panes_there_are(ui: Driver) -> None:
    ui.window.store.set(replace(add_pane(ui.session), tab="look"))
    titles = [button.text() for button in ui.window.top_bar._group.buttons()]
    assert "Compare 2" in titles


def test_undo_says_what_it_takes_back(ui: Driver, tmp_path: Path) -> None:
    undo = ui.window.actions_by_id["edit.undo"]
    ui.window.documents.add([draw(tmp_path / f"more{i}.png", 60, 40, seed=i) for i in range(2)])
    ui.settle()
    assert undo.text() == "&Undo Open 2 Photos"
    ui.press("go.previous_layer")
    assert undo.text().startswith("&Undo Go to Layer")
    ui.do("edit.undo")
    assert ui.window.actions_by_id["edit.redo"].text().startswith("&Redo Go to Layer")
    ui.do("edit.undo")
    assert undo.text() == "&Undo"


def test_steps_have_names() -> None:
    session = Session()
    assert step_name(session, replace(session, tab="heads")) == "Turn to Heads"
    assert step_name(session, replace(session, model="x")) == "Choose Model"
    assert step_name(session, replace(session, view=replace(session.view, method="rollout")))
    style = replace(session.style, opacity=0.5)
    assert step_name(session, replace(session, style=style)) == "Opacity"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "less than a second"), (3.2, "about 3 s"), (42, "about 40 s"), (313, "about 5 min"),
     (3000, "about 50 min"), (7300, "about 2 h"), (400_000, "about 5 days")],
)  # fmt: skip
def test_estimates_are_no_measurements(seconds: float, words: str) -> None:
    assert rough_time(seconds) == words


def test_an_estimate_comes_from_the_fastest_forward(ui: Driver) -> None:
    """One forward that had to wait for other work made hours of minutes."""
    panel = ui.window.panels.model
    assert ui.window.card is not None
    panel._measure(ui.window.card, replace(ui.cell, forward_s=0.1))
    ui.window.refresh()
    before = panel.seconds_of(panel.input.value)
    panel._measure(ui.window.card, replace(ui.cell, forward_s=50.0))
    ui.window.refresh()
    assert panel.seconds_of(panel.input.value) == before
    assert before is not None
    assert before < 0.2


def test_what_takes_minutes_is_asked_about(ui: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = ui.window.panels.model
    monkeypatch.setattr(panel, "seconds_of", lambda _: 300.0)
    before = ui.session.input
    panel.input.setCurrentIndex(2)
    assert "about 5 min" in ui.message
    assert ui.session.input == before
    assert panel.input.currentIndex() != 2, "the panel shows what is in force"
    ui.answer_banner("Compute It")
    assert ui.session.input != before


def test_quitting_says_what_it_pauses(ui: Driver, classes: Path, pretended: Pretended) -> None:
    begin(ui, classes)
    pretended.go_to(2)
    ui.until(lambda: "2 epochs done" in ui.window.finetuning.words)
    ui.window.close()
    assert ui.window.isVisible()
    assert "is being trained" in ui.message
    assert "Resume" in ui.message
    ui.answer_banner("Keep Training")
    assert ui.window.isVisible()
    ui.window.close()
    ui.answer_banner("Pause and Quit")
    assert not ui.window.isVisible()
    QApplication.processEvents()


def test_attention_and_predictions_are_there_before_a_map_of_a_class(
    ui: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With such a method restored at the start there was nothing to see for a long time."""
    go_on = threading.Event()
    engine = ui.window.service.engine
    answer = engine.answer

    def slow(request: ExplainRequest, progress: object) -> object:
        if request.method != "attention":
            go_on.wait(30)
        return answer(request, progress)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "answer", slow)
    view = replace(ui.session.view, method="relevance")
    wider = InputChoice("whole photo", 1)
    ui.window.store.set(replace(ui.session, view=view, input=wider))
    ui.until(lambda: ui.cell.request.input == wider)
    assert ui.cell.request.method == "attention"
    assert ui.window.panels.predictions.bars.rows
    assert ui.window.scene.is_stale
    go_on.set()
    ui.until(lambda: ui.cell.request.method == "relevance")
    assert not ui.window.scene.is_stale
