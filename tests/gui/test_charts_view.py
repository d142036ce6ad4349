"""The Charts view as a user meets it: numbers that follow, say what they are, and open."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QFileDialog

from vitviz.charts.table import CHARTS
from vitviz.figures.chart import Matrix, Plot
from vitviz.gui.charts.widget import ChartWidget
from vitviz.gui.commands import charts, go
from vitviz.gui.views.charts.view import ChartsView
from vitviz.session.state import ChartChoice

from .conftest import Driver


def view(ui: Driver, name: str, photos: str = "current") -> ChartsView:
    """The view with a chart that has come."""
    session = replace(ui.session, tab="charts", chart=ChartChoice(name, photos))  # type: ignore[arg-type]
    ui.window.store.set(session)
    found = ui.window.views.view("charts")
    assert isinstance(found, ChartsView)
    ui.until(lambda: found.widget.chart is not None and found.widget.chart.name == name
             and found.save.isEnabled())  # fmt: skip
    return found


def click(ui: Driver, widget: ChartWidget, place: tuple[int, int]) -> None:
    at = widget.box_of(place).center().toPoint()
    ui.qtbot.mouseMove(widget, at)
    ui.qtbot.mouseClick(widget, Qt.MouseButton.LeftButton, pos=at)


def test_a_head_opens_on_the_photo(ui: Driver) -> None:
    go.choose_view(ui.window, replace(ui.session.view, method="feature-norm"))
    ui.settle()
    shown = view(ui, "attention-distance")
    form = shown.widget.chart.form  # type: ignore[union-attr]
    assert isinstance(form, Plot)
    place = next(at for at in shown.widget.places() if shown.widget.target_of(at) == (1, 2))
    assert "layer 2, head 3: " in shown.widget.words_of(place)
    click(ui, shown.widget, place)
    assert ui.session.tab == "look"
    assert (ui.session.view.layer, ui.session.view.head) == (1, 2)
    assert ui.session.view.method == "attention", "a method that has heads"


def test_keys_go_from_number_to_number(ui: Driver) -> None:
    shown = view(ui, "cka").widget
    assert isinstance(shown.chart.form, Matrix)  # type: ignore[union-attr]
    shown.setFocus()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Down):
        ui.qtbot.keyClick(shown, key)
    assert shown.place == (1, 1)
    assert shown.words_of((1, 1)) == "layer 2, layer 2: 1 CKA"
    ui.qtbot.keyClick(shown, Qt.Key.Key_Return)
    assert (ui.session.tab, ui.session.view.layer) == ("look", 1)


def test_it_follows_the_photo_and_takes_means_over_all(ui: Driver) -> None:
    shown = view(ui, "token-norms")
    first = shown.widget.chart
    go.select_photo(ui.window, 1 - min(ui.session.selected, 1))
    ui.until(lambda: shown.widget.chart is not first and shown.save.isEnabled())
    names = [Path(ref.path).name for ref in ui.session.photos]
    assert names[ui.session.selected] in shown.caption.text()
    shown.photos.setCurrentIndex(1)
    assert ui.session.chart.photos == "open"
    ui.until(shown.save.isEnabled)
    assert f"mean over {len(names)} photos" in shown.caption.text()
    ui.press("edit.undo")
    assert ui.session.chart.photos == "current"


def test_a_chart_that_cannot_be_told_says_why(ui: Driver) -> None:
    shown = view(ui, "token-norms")
    model = shown.kind.model()
    refused = [model.index(row, 0) for row in range(shown.kind.count())
               if not model.flags(model.index(row, 0)) & Qt.ItemFlag.ItemIsEnabled]  # fmt: skip
    assert len(refused) == sum(
        bool(kind.misfit(ui.window.card.outline))  # type: ignore[union-attr]
        for kind in CHARTS.values()
    )
    ui.window.store.set(replace(ui.session, chart=ChartChoice("no such chart")))
    ui.until(shown.save.isEnabled)
    assert shown.widget.chart.name == "attention-distance"  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["chart.csv", "chart.png", "chart"])
def test_it_is_saved_as_the_name_says(
    ui: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shown = view(ui, "attention-entropy")
    monkeypatch.setattr(
        QFileDialog, "getSaveFileName",
        staticmethod(lambda *_: (str(tmp_path / name), "Figure, SVG (*.svg)")),
    )  # fmt: skip
    ui.qtbot.mouseClick(shown.save, Qt.MouseButton.LeftButton)
    written = tmp_path / (name if "." in name else "chart.svg")
    ui.until(written.exists)


def test_a_folder_is_gone_through(ui: Driver, photos: list[Path], monkeypatch) -> None:
    shown = view(ui, "token-norms")
    monkeypatch.setattr(
        QFileDialog, "getExistingDirectory", staticmethod(lambda *_: str(photos[0].parent))
    )
    charts.choose_chart_folder(ui.window, shown)
    ui.until(lambda: shown.save.isEnabled() and f"{len(photos)} photos" in shown.caption.text())
    assert shown.photos.currentText() == f"folder {photos[0].parent.name}"


@pytest.mark.parametrize("name", ["attention-distance", "cka", "filters"])
def test_every_form_is_painted(ui: Driver, name: str) -> None:
    shown = view(ui, name).widget
    shown.resize(500, 320)
    plain = shown.grab().toImage()
    place = shown.places()[0]
    shown.mouseMoveEvent(_move(shown.box_of(place).center()))
    assert shown.place == place
    assert shown.grab().toImage() != plain


def _move(at: QPointF):
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent

    none, keys = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    return QMouseEvent(QEvent.Type.MouseMove, at, at, none, none, keys)
