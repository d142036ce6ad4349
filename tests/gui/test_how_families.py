"""How It Sees of networks of other families: what they do not say is left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.families.checkpoints import save_toy
from tests.families.toy_cnn import TOY_CNN
from tests.families.toy_stages import STAGES
from tests.gui.conftest import Driver
from tests.gui.test_how_view import click_stop, how, settled, view_of
from tests.gui.test_windows_overlay import save_swin
from vitviz.gui.views.how.words import STOPS
from vitviz.models.families import FAMILIES
from vitviz.models.family import Family

__all__ = ["how"]


@pytest.fixture
def toy(how: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Family], Driver]:
    """Opens a toy network, and each of its stations."""

    def known(family: Family) -> Driver:
        monkeypatch.setitem(FAMILIES, family.name, family)
        path = save_toy(family, tmp_path / f"{family.name}.safetensors")
        walked(how, str(path), family.name)
        return how

    return known


def walked(how: Driver, path: str, family: str) -> None:
    how.window.documents.use_model(path)
    how.until(lambda: how.is_settled and how.cell.card.family == family)
    settled(how)
    for stop in STOPS:
        click_stop(how, stop)
        assert view_of(how).station(stop).words.text()


def test_stages_that_say_nothing(toy) -> None:  # type: ignore[no-untyped-def]
    how = toy(STAGES)
    view = view_of(how)
    assert not view.station("place").tiles.isVisible()
    blocks = view.station("blocks")
    assert not blocks.attention.isHidden()
    assert blocks.depths.race_row.isHidden(), "its head reads the last stage alone"
    assert blocks.depths.parts.isHidden() or blocks.depths.parts_row.isHidden()
    assert view.station("read").sum.isHidden()
    assert view.station("read").scores.scores


def test_convolutions_that_say_nothing(toy) -> None:  # type: ignore[no-untyped-def]
    how = toy(TOY_CNN)
    blocks = view_of(how).station("blocks")
    assert blocks.attention.isHidden()
    assert "1 × 1" in blocks.convolution.formula.text()


def test_windows(how: Driver, tmp_path: Path) -> None:
    """A patch asks those of its own window; what it asks beyond is not a number."""
    walked(how, str(save_swin(tmp_path)), "swin")
    view = view_of(how)
    click_stop(how, "blocks")
    panel = view.station("blocks").attention
    steps, layer = panel._steps.attention, panel._steps.layer
    assert len(steps.members) < how.cell.outline.tokens(layer).tokens
    assert panel.asks.picture.dashed, "its window is outlined"
    row = how.window.service.engine._see(how.cell.request, "auto", lambda *_: None).trace.row(
        layer, panel._steps.token
    )
    np.testing.assert_allclose(steps.weights, row[:, steps.members], atol=1e-5)
    assert view.station("blocks").depths.parts.count == how.cell.outline.depth
    assert not view.station("place").unplaced.isEnabled()
