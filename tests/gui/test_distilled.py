"""The distillation token in the window: a query of its own, and what its head says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from safetensors.torch import save_file

from tests.models.networks import VARIANTS, random_network
from tests.samples import CARD
from vitviz.models.card import to_json

from .conftest import Driver


def test_dist_is_chosen_beside_cls_and_both_heads_are_told(ui: Driver, tmp_path: Path) -> None:
    path = tmp_path / "distilled.safetensors"
    save_file(dict(random_network(VARIANTS["distilled"]).state_dict()), path)
    names = tuple(f"class number {index}" for index in range(7))
    card = replace(CARD, config=VARIANTS["distilled"], names=names)
    path.with_suffix(".json").write_text(to_json(card), encoding="utf-8")
    ui.window.documents.use_model(str(path))
    ui.settle()
    box = ui.window.panels.method.query
    assert [box.itemText(row) for row in range(2)] == ["CLS", "DIST"]
    of_cls = ui.cell.explanation.tokens(1, "mean").copy()
    box.setCurrentIndex(1)
    ui.settle()
    assert ui.session.view.query == "dist"
    assert ui.cell.query_tokens == (1,)
    assert (ui.cell.explanation.tokens(1, "mean") != of_cls).any()
    assert ui.look.caption.text().startswith("Attention of DIST")
    note = ui.window.panels.predictions.note.text()
    assert "cls: class number" in note
    assert "dist: class number" in note
