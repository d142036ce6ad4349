"""The class that a map is about, chosen by every way there is."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from vitviz.engine.answers import top_indices
from vitviz.gui.commands import go
from vitviz.gui.panels.predictions import TOP, PredictionsPanel
from vitviz.methods import METHODS

from .conftest import Driver

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def about(ui: Driver) -> Driver:
    """A window on a photo whose map is about its most probable class."""
    panel = ui.window.panels.method
    titles = [method.title for method in METHODS.values()]
    panel.method.setCurrentIndex(titles.index("Class relevance"))
    ui.settle()
    assert ui.cell.target == top_indices(ui.cell, 1)[0]
    return ui


def panel_of(ui: Driver) -> PredictionsPanel:
    return ui.window.panels.predictions


def click(ui: Driver, row: int) -> None:
    bars = panel_of(ui).bars
    at = QPoint(20, row * bars.row_height + bars.row_height // 2)
    ui.qtbot.mouseClick(bars, LEFT, pos=at)
    ui.settle()


def test_the_most_probable_class_is_the_first_choice(about: Driver) -> None:
    best = top_indices(about.cell, TOP)
    assert about.session.view.target is None
    assert about.requests[-1].target is None
    assert panel_of(about).bars.current == 0
    assert f"for “{about.cell.class_name(best[0])}”" in about.look.caption.text()


def test_a_click_chooses_a_class_and_undo_takes_it_back(about: Driver) -> None:
    best, before = top_indices(about.cell, TOP), about.cell.explanation.values
    click(about, 2)
    assert about.session.view.target == about.cell.target == best[2]
    assert panel_of(about).bars.current == 2
    assert f"for “{about.cell.class_name(best[2])}”" in about.look.caption.text()
    assert (about.cell.explanation.values != before).any()
    about.do("edit.undo")
    about.settle()
    assert about.cell.target == best[0]
    assert about.window.canvas.heat_map is not None


def test_the_first_row_follows_the_photo(about: Driver) -> None:
    click(about, 1)
    click(about, 0)
    assert about.session.view.target is None
    about.do("go.next_photo")
    about.settle()
    assert about.cell.target == top_indices(about.cell, 1)[0]


def test_a_class_that_was_chosen_stays_on_the_next_photo(about: Driver) -> None:
    rare = top_indices(about.cell, 1000)[-1]
    go.ask_class(about.window, rare)
    about.settle()
    bars = panel_of(about).bars
    assert len(bars.rows) == TOP
    assert bars.current == TOP - 1
    assert bars.rows[-1][0] == about.cell.class_name(rare)
    about.do("go.next_photo")
    about.settle()
    assert about.cell.target == rare


def test_classes_by_keys(about: Driver) -> None:
    best = top_indices(about.cell, TOP)
    for press, wanted in (
        ("go.next_class", 1), ("go.next_class", 2), ("go.previous_class", 1),
        ("go.previous_class", 0),
    ):  # fmt: skip
        about.press(press)
        about.settle()
        assert about.cell.target == best[wanted]
    bars = panel_of(about).bars
    bars.setFocus()
    about.qtbot.keyClick(bars, Qt.Key.Key_Down)
    about.settle()
    assert about.cell.target == best[1]
    for _ in range(TOP + 2):
        about.qtbot.keyClick(bars, Qt.Key.Key_Down)
        about.settle()
    assert about.cell.target == best[TOP - 1], "there is none after the last"


def test_any_class_by_its_name(about: Driver) -> None:
    panel = panel_of(about)
    about.press("go.class")
    assert about.window.focusWidget() is panel.search
    about.qtbot.keyClicks(panel.search, "COLLIE")
    assert {name for name, _ in panel.bars.rows} == {"collie", "Border collie"}
    assert panel.bars.current is None
    about.qtbot.keyClick(panel.search, Qt.Key.Key_Return)
    about.settle()
    assert about.cell.target is not None
    assert about.cell.class_name(about.cell.target) in ("collie", "Border collie")
    assert panel.search.text() == ""
    assert panel.bars.rows[-1][0] == about.cell.class_name(about.cell.target)


def test_what_was_found_by_arrow_keys(about: Driver) -> None:
    panel = panel_of(about)
    panel.search.setFocus()
    about.qtbot.keyClicks(panel.search, "bear")
    names = [name for name, _ in panel.bars.rows]
    assert len(names) > 1
    assert panel.bars.marked == 0
    assert about.cell.class_name(about.cell.explanation.target) in panel.note.text()
    about.qtbot.keyClick(panel.search, Qt.Key.Key_Down)
    assert panel.bars.marked == 1
    assert panel.search.hasFocus()
    about.qtbot.keyClick(panel.search, Qt.Key.Key_Return)
    about.settle()
    assert about.cell.target is not None
    assert about.cell.class_name(about.cell.target) == names[1]
    assert panel.bars.marked is None


def test_from_the_first_row_up_to_the_words(about: Driver) -> None:
    panel = panel_of(about)
    panel.bars.setFocus()
    about.qtbot.keyClick(panel.bars, Qt.Key.Key_Up)
    assert panel.search.hasFocus()


def test_words_that_no_class_has(about: Driver) -> None:
    panel, before = panel_of(about), len(about.requests)
    panel.search.setFocus()
    about.qtbot.keyClicks(panel.search, "zzz")
    assert panel.bars.rows == []
    assert panel.note.text() == "No class is called so."
    about.qtbot.keyClick(panel.search, Qt.Key.Key_Return)
    about.qtbot.keyClick(panel.search, Qt.Key.Key_Escape)
    assert panel.search.text() == ""
    assert len(panel.bars.rows) == TOP
    assert len(about.requests) == before


def test_the_best_class_by_its_name_is_meant_by_its_name(about: Driver) -> None:
    (best,) = top_indices(about.cell, 1)
    panel = panel_of(about)
    panel.search.setText(about.cell.class_name(best))
    about.qtbot.keyClick(panel.search, Qt.Key.Key_Return)
    assert about.session.view.target == best


def test_a_prediction_turns_attention_to_what_speaks_for_it(ui: Driver) -> None:
    panel = panel_of(ui)
    places = [(widget.y(), widget.height()) for widget in (panel.search, panel.bars)]
    ui.press("go.next_class")
    assert ui.session.view.target is None, "C asks nothing anew where no class is asked about"
    click(ui, 2)
    ui.settle()
    assert METHODS[ui.session.view.method].class_specific
    assert ui.cell.target == top_indices(ui.cell, 3)[2]
    assert [(widget.y(), widget.height()) for widget in (panel.search, panel.bars)] == places
    ui.do("edit.undo")
    ui.settle()
    assert ui.session.view.method == "attention"


def test_another_method_without_a_class_computes_nothing_for_it(about: Driver) -> None:
    click(about, 3)
    view = about.session.view
    for method, target in (("rollout", None), ("gradient-rollout", view.target)):
        panel = about.window.panels.method
        panel.method.setCurrentIndex(list(METHODS).index(method))
        about.settle()
        assert about.requests[-1].target == target
        assert about.session.view.target == view.target


def test_a_closed_panel_opens_to_find_a_class(about: Driver) -> None:
    dock = next(d for d in about.window.panels.docks if d.isAncestorOf(panel_of(about)))
    dock.hide()
    about.do("go.class")
    assert dock.isVisible()


def test_another_model_s_class_of_the_same_number_is_not_meant(about: Driver) -> None:
    click(about, 2)
    target = about.session.view.target
    about.window.documents.use_model(about.session.model)
    assert about.session.view.target == target
    about.window.documents.use_model("another.pth")
    assert about.session.view.target is None
    about.until(lambda: about.message)
    assert about.session.view.target == target, "the choices that worked are back"


def test_the_chosen_row_is_in_sight_in_a_small_window(about: Driver) -> None:
    about.window.resize(900, 520)
    for _ in range(TOP - 1):
        about.press("go.next_class")
        about.settle()
    bars = panel_of(about).bars
    middle = QPoint(5, bars.current * bars.row_height + bars.row_height // 2)
    assert bars.visibleRegion().contains(middle)


def test_a_second_class_is_set_against_the_first(about: Driver) -> None:
    best, before = top_indices(about.cell, TOP), about.cell.explanation.values
    bars = panel_of(about).bars
    at = QPoint(20, bars.row_height + bars.row_height // 2)
    about.qtbot.mouseClick(bars, LEFT, Qt.KeyboardModifier.ShiftModifier, at)
    about.settle()
    assert (about.cell.target, about.cell.contrast) == (best[0], best[1])
    assert about.requests[-1].contrast == best[1]
    words = f"for “{about.cell.class_name(best[0])}”, not “{about.cell.class_name(best[1])}”"
    assert words in about.look.caption.text()
    assert (about.cell.explanation.values != before).any()
    assert panel_of(about).contrast.value == best[1]
    panel_of(about).contrast.setCurrentIndex(0)
    about.settle()
    assert about.cell.contrast is None
    assert np.array_equal(about.cell.explanation.values, before)


def test_without_a_class_there_is_no_second_one(ui: Driver) -> None:
    assert not panel_of(ui).contrast.isVisible()
