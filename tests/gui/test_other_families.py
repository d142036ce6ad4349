"""Networks that are no ViT in the window: stages with grids of their own, and no attention."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QStandardItemModel

from tests.families.checkpoints import save_toy
from tests.families.toy_cnn import TOY_CNN
from tests.families.toy_stages import STAGES
from tests.gui.conftest import Driver
from vitviz.gui.widgets.form import Choice
from vitviz.methods import METHODS
from vitviz.models.families import FAMILIES
from vitviz.models.family import Family


@pytest.fixture
def open_toy(ui: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Opens a checkpoint of a family in the window."""

    def known(family: Family) -> Driver:
        monkeypatch.setitem(FAMILIES, family.name, family)
        path = save_toy(family, tmp_path / f"{family.name}.safetensors")
        ui.window.documents.use_model(str(path))
        ui.until(lambda: ui.is_settled and ui.cell.card.family == family.name)
        return ui

    return known


def offered(choice: Choice) -> dict[str, str]:
    """The entries that can be chosen, and why the others cannot."""
    model = choice.model()
    assert isinstance(model, QStandardItemModel)
    items = [model.item(row) for row in range(model.rowCount())]
    return {item.text(): "" if item.isEnabled() else item.toolTip() for item in items}


def test_two_stages(open_toy) -> None:
    ui = open_toy(STAGES)
    panel = ui.window.panels.method
    reasons = offered(panel.method)
    for method in METHODS.values():
        assert bool(reasons[method.title]) != method.fits(ui.cell.outline), method.title
    path = "The model's patches change from layer to layer, so there is no path to follow"
    assert reasons["Attention rollout"] == path
    assert ui.session.view.query == "auto"
    assert ui.window.panels.method.query.currentText() == "The mean over all patches"
    assert "of the mean over all patches" in ui.look.caption.text()
    assert "3 layers · 4 heads · width 24" in ui.window.panels.model.facts.text()
    for layer, grid in ((0, (3, 5)), (1, (2, 3)), (2, (2, 3))):
        ui.window.panels.layers.layer_chosen.emit(layer)
        assert ui.window.canvas.heat_map.values.shape == grid
        assert ui.window.canvas.geometry_shown.grid == grid
        assert ui.window.canvas.query == ui.cell.patches_of_query(layer)
    ui.do("view.heads")
    matrix = ui.heads.matrix
    ui.until(lambda: matrix.drawn == 3 + 5 + 5)
    subject = matrix.subject
    assert subject.heads == ("mean", 0, 1, 2, 3)
    assert [subject.has(0, col) for col in range(5)] == [True, True, True, False, False]
    ui.until(lambda: not matrix.busy)
    assert matrix.drawn == 3 + 5 + 5
    ui.do("view.patches")
    ui.do("compare.add")
    ui.settle()
    assert len(ui.session.panes) == 2


def test_a_patch_of_a_coarse_stage_is_asked_about(open_toy) -> None:
    ui = open_toy(STAGES)
    ui.window.panels.layers.layer_chosen.emit(2)
    ui.window.canvas.clicked.emit((1, 2))
    ui.until(lambda: ui.is_settled and ui.cell.patches_of_query(2) == ((1, 2),))
    (token,) = ui.cell.outline.tokens_in(2, ui.cell.query_tokens, ui.cell.geometry)
    assert ui.cell.outline.tokens(2).patch(token) == (1, 2)


def test_without_attention_another_method_is_taken_and_said(open_toy) -> None:
    ui = open_toy(TOY_CNN)
    assert ui.session.view.method == "feature-norm"
    assert "has no attention" in ui.message
    panel = ui.window.panels.method
    assert offered(panel.method)["Attention"] == "The model has no attention"
    assert not panel.query.isEnabled()
    assert panel.query.currentText() == "The whole photo"
    assert (panel.heads.currentText(), panel.heads.isEnabled()) == ("None", False)
    assert ui.look.caption.text() == "Feature norm · layer 3"
    assert ui.window.canvas.query == ()
    for layer, grid in ((0, (6, 10)), (1, (3, 5)), (2, (2, 3))):
        ui.window.panels.layers.layer_chosen.emit(layer)
        assert ui.window.canvas.heat_map.values.shape == grid
    for tab in ("heads", "patches", "compare", "look"):
        ui.do(f"view.{tab}")
        ui.settle()
    ui.do("edit.undo")
    ui.settle()
