"""Windows of a Swin Transformer on the photo: where they are, of which layer, switched off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.gui.conftest import Driver
from vitviz.models.card import ModelCard, to_json
from vitviz.models.swin.family import SWIN


def save_swin(folder: Path) -> Path:
    """A random small one, with its card."""
    config = SWIN.specimen()
    with torch.random.fork_rng():
        torch.manual_seed(4)
        weights = SWIN.build(config).state_dict()
    named = {}
    for key, tensor in weights.items():  # in the names of the authors
        if key.startswith("blocks."):
            _, number, rest = key.split(".", 2)
            stage, block = divmod(int(number), 2)
            rest = rest.replace("attn.table", "attn.relative_position_bias_table")
            key = f"layers.{stage}.blocks.{block}.{rest}"
            if rest.startswith("merge."):
                key = f"layers.{stage - 1}.downsample.{rest.removeprefix('merge.')}"
        named[key] = tensor.contiguous()
    path = folder / "swin.safetensors"
    save_file(named, path)
    reader = next(reader for reader in SWIN.readers() if reader.name == "swin")
    preprocessing, _ = reader.preprocessing(config)
    card = ModelCard("swin", "Swin", config, preprocessing, family="swin")
    (folder / "swin.json").write_text(to_json(card))
    return path


@pytest.fixture
def swin(ui: Driver, tmp_path: Path) -> Driver:
    path = save_swin(tmp_path)
    ui.window.documents.use_model(str(path))
    ui.until(lambda: ui.is_settled and ui.cell.card.family == "swin")
    return ui


def test_windows_follow_the_layer(swin: Driver) -> None:
    ui, canvas = swin, swin.window.canvas
    outline, geometry = ui.cell.outline, ui.cell.geometry
    for layer, of in enumerate(outline.layers):
        ui.window.panels.layers.layer_chosen.emit(layer)
        here = outline.geometry(layer, geometry)
        wanted = [here.patch_box(row, 0).top for row in of.cuts[0]]
        np.testing.assert_allclose(canvas.windows.ys, wanted)
        wanted = [here.patch_box(0, col).left for col in of.cuts[1]]
        np.testing.assert_allclose(canvas.windows.xs, wanted)
        assert canvas.windows.own is None
    assert outline.layers[0].cuts != outline.layers[1].cuts, "every other block is shifted"


def test_the_window_of_a_clicked_patch_holds_all_that_it_looks_at(swin: Driver) -> None:
    ui, canvas = swin, swin.window.canvas
    ui.window.panels.layers.layer_chosen.emit(1)
    canvas.clicked.emit((4, 6))
    ui.until(lambda: ui.is_settled and canvas.windows.own is not None)
    heat_map = canvas.heat_map
    own = canvas.windows.own
    rows, cols = np.nonzero(heat_map.values > 1e-9)
    assert 4 <= len(rows) <= 9
    boxes = [heat_map.geometry.patch_box(int(r), int(c)) for r, c in zip(rows, cols, strict=True)]
    assert min(box.left for box in boxes) == pytest.approx(own.left)
    assert max(box.right for box in boxes) == pytest.approx(own.right)
    assert min(box.top for box in boxes) == pytest.approx(own.top)
    assert max(box.bottom for box in boxes) == pytest.approx(own.bottom)


def test_they_can_be_switched_off_and_are_drawn(swin: Driver) -> None:
    ui, canvas = swin, swin.window.canvas
    assert ui.window.actions_by_id["view.windows"].isEnabled()
    with_windows = canvas.grab().toImage()
    ui.do("view.windows")
    assert canvas.windows is None
    assert canvas.grab().toImage() != with_windows
    ui.do("view.windows")
    assert canvas.grab().toImage() == with_windows


def test_rollout_outlines_the_query_on_the_grid_of_its_map(swin: Driver) -> None:
    ui, canvas = swin, swin.window.canvas
    ui.do("go.next_layer")
    canvas.clicked.emit((3, 5))
    ui.settle()
    ui.window.panels.method.chosen.emit(
        type(ui.session.view)("rollout", layer=3, query=ui.session.view.query), ""
    )
    ui.until(lambda: ui.is_settled and ui.cell.request.method == "rollout")
    assert canvas.heat_map.values.shape == (10, 14)
    assert "vitviz's own" in ui.look.caption.text()
    (patch,) = canvas.query
    x, y = ui.session.view.query
    box = canvas.heat_map.geometry.patch_box(*patch)
    assert box.left <= x <= box.right
    assert box.top <= y <= box.bottom


def test_a_model_without_windows_has_none(ui: Driver) -> None:
    assert ui.window.canvas.windows is None
    assert not ui.window.actions_by_id["view.windows"].isEnabled()
