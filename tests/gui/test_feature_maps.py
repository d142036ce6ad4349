"""Maps of features in the window: colours, and a patch that is looked for on other photos."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from vitviz.gui.canvas.patch_note import patch_note
from vitviz.gui.commands import go
from vitviz.gui.panels.method import control_value, make_control
from vitviz.gui.widgets.form import TextLine
from vitviz.methods import METHODS
from vitviz.session.state import PhotoRef, View

from .conftest import Driver


def test_words_are_a_line_of_text(qtbot: QtBot) -> None:
    words = METHODS["words"].parameters[0]
    control = make_control(words)
    assert isinstance(control, TextLine)
    qtbot.addWidget(control)
    control.show_value(str(words.default))
    assert control_value(control) == words.default
    told = []
    control.editingFinished.connect(lambda: told.append(control_value(control)))
    control.selectAll()
    qtbot.keyClicks(control, "a cat; a sofa")
    assert told == []
    qtbot.keyClick(control, Qt.Key.Key_Return)
    assert told == ["a cat; a sofa"]


def look(ui: Driver, view: View) -> None:
    go.choose_view(ui.window, view, "view")
    ui.settle()


def test_colours_have_no_bar_and_no_range(ui: Driver) -> None:
    look(ui, replace(ui.session.view, method="pca"))
    canvas, panel = ui.window.canvas, ui.window.panels.appearance
    assert canvas.heat_map is not None
    assert canvas.heat_map.values.shape == (*canvas.heat_map.geometry.grid, 3)
    assert canvas.colour_bar is None
    assert not panel.range.isEnabled()
    note = patch_note((0, 1), canvas.heat_map.geometry, canvas.heat_map)
    red = f"{canvas.heat_map.values[0, 1, 0]:.2g} red"
    assert red in note.text
    assert "rank" not in note.text
    assert "of the variance" in ui.window.views.currentWidget().caption.text()  # type: ignore[attr-defined]
    look(ui, replace(ui.session.view, method="feature-norm"))
    assert canvas.colour_bar is not None
    assert panel.range.isEnabled()


def test_components_are_of_the_photos_that_were_chosen(ui: Driver, photos: list[Path]) -> None:
    look(ui, replace(ui.session.view, method="pca"))
    panel = ui.window.panels.method
    alone = ui.cell.explanation.map(-1, "mean")
    assert panel.reference.isVisibleTo(panel)
    panel.reference.setCurrentIndex(panel.reference.count() - 1)
    ui.settle()
    assert ui.session.view.reference == ui.session.photos
    together = ui.cell.explanation.map(-1, "mean")
    assert together.components is not None
    assert together.components.photos == len(ui.session.photos)
    assert not np.allclose(alone.values, together.values)
    go.select_photo(ui.window, 0 if ui.session.selected else 1)
    ui.settle()
    assert ui.session.view.reference == ui.session.photos, "kept for other photos"
    look(ui, replace(ui.session.view, method="feature-norm", reference=()))
    assert not panel.reference.isVisibleTo(panel)


def test_a_patch_is_looked_for_on_the_next_photo(ui: Driver, photos: list[Path]) -> None:
    go.select_photo(ui.window, 0)
    look(ui, replace(ui.session.view, method="similarity"))
    go.choose_patch(ui.window, (1, 2))
    ui.settle()
    assert ui.cell.patches_of_query(0) == ((1, 2),)
    assert ui.window.canvas.lines_shown, "the best matches are framed"
    first, point = ui.session.photos[0], ui.session.view.query
    go.select_photo(ui.window, 1)
    ui.settle()
    assert (ui.session.view.query, ui.session.view.reference) == (point, (first,))
    assert ui.cell.patches_of_query(0) == ()
    name = Path(first.path).name
    assert name in ui.window.views.currentWidget().caption.text()  # type: ignore[attr-defined]
    assert name in ui.window.panels.method.query.currentText()
    go.select_photo(ui.window, 0)
    ui.settle()
    assert ui.cell.request.reference == (), "it is its own photo again"
    assert ui.cell.patches_of_query(0) == ((1, 2),)
    go.default_query(ui.window)
    assert ui.session.view == replace(ui.session.view, query="auto", reference=())
    assert PhotoRef(str(photos[0])) in ui.session.photos
