"""The bundled convolutional network in the window, alone and beside the Vision Transformer."""

from __future__ import annotations

import pytest

from tests.gui.conftest import Driver
from vitviz.engine.answers import top_classes
from vitviz.gui.views.compare.words import predicted_words
from vitviz.imaging.geometry import Box
from vitviz.models.loading import bundled

VIT, CNN = (card.id for card in bundled())


@pytest.fixture
def cnn(ui: Driver) -> Driver:
    ui.do(f"model.bundled.{CNN}")
    ui.until(lambda: ui.is_settled and ui.cell.card.id == CNN)
    return ui


def test_the_default_stays_the_vision_transformer(ui: Driver) -> None:
    assert ui.cell.card.id == VIT


def test_nothing_has_to_be_asked_of_it(cnn: Driver) -> None:
    assert cnn.session.view.method == "grad-cam"
    assert "has no attention" in cnn.message
    assert cnn.window.canvas.heat_map.values.shape == (7, 7)
    assert "layer 17 (last convolution)" in cnn.look.caption.text()
    assert "17 layers · width 1280" in cnn.window.panels.model.facts.text()
    for tab in ("heads", "patches", "look"):
        cnn.do(f"view.{tab}")
        cnn.settle()


def test_what_a_patch_can_see_is_outlined_and_said(cnn: Driver) -> None:
    canvas = cnn.window.canvas
    cnn.window.panels.layers.layer_chosen.emit(3)
    geometry = canvas.geometry_shown
    assert geometry.grid == (28, 28)
    row, col = 14, 14
    before = canvas.grab().toImage()
    canvas.show_point(geometry.patch_box(row, col).centre)
    assert "can see 35 × 35 pixels of the input" in canvas.note.text
    field = canvas.on_widget(geometry.around(row, col, 35))
    after = canvas.grab().toImage()
    ratio = canvas.devicePixelRatioF()
    edge = [
        (round(x * ratio), round(field.top() * ratio))
        for x in range(round(field.left()) + 2, round(field.right()) - 2)
    ]
    changed = [before.pixel(*at) != after.pixel(*at) for at in edge]
    assert sum(changed) > len(changed) / 2
    cnn.window.panels.layers.layer_chosen.emit(16)
    canvas.show_point(canvas.geometry_shown.patch_box(3, 3).centre)
    assert "can see all of the input" in canvas.note.text


def test_a_vision_transformer_is_not_said_to_see_less(ui: Driver) -> None:
    ui.hover_patch(1, 1)
    assert "can see" not in ui.window.canvas.note.text


def test_both_side_by_side(ui: Driver) -> None:
    ui.do("compare.vit_or_cnn")
    ui.settle()
    assert [pane.model for pane in ui.session.panes] == [VIT, CNN]
    assert [pane.view.method for pane in ui.session.panes] == ["relevance", "grad-cam"]
    assert len({pane.photo for pane in ui.session.panes}) == 1
    for pane, state in zip(ui.compare.panes, ui.window.controller.pane_states, strict=True):
        ((name, share),) = top_classes(state.cell, 1)
        said = predicted_words(state.cell)
        assert said == f"{name} {100 * share:.1f} %"
        assert said in pane.numbers.accessibleName()
    ui.do("edit.undo")
    ui.settle()
    assert len(ui.session.panes) == 1


def test_without_a_photo_it_cannot_be_asked_for(empty: Driver) -> None:
    assert not empty.window.actions_by_id["compare.vit_or_cnn"].isEnabled()


def test_the_field_of_an_edge_patch_is_around_its_centre(cnn: Driver) -> None:
    geometry = cnn.cell.explanation.by_layer[16].geometry
    box = geometry.around(0, 0, 32)
    left, top = geometry.to_photo(15.5, 15.5)
    right, bottom = geometry.to_photo(47.5, 47.5)
    assert box == pytest.approx(Box(left, top, right, bottom))


def test_what_a_patch_can_see_beside_the_vision_transformer(ui: Driver) -> None:
    ui.do("compare.vit_or_cnn")
    ui.settle()
    ui.do("compare.next")
    ui.window.panels.layers.layer_chosen.emit(4)
    ui.settle()
    vit, cnn = (pane.canvas for pane in ui.compare.panes)
    centre = cnn.grid_geometry.patch_box(14, 14).centre
    for canvas in (vit, cnn):
        canvas.show_point(centre)
    assert cnn.value_words.endswith(" · sees 67 px")
    assert "sees" not in vit.value_words
