"""A batch's table in the window, and what is written down for a cluster."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from vitviz.__main__ import main
from vitviz.batch import spec
from vitviz.batch.job import Batch, Outputs
from vitviz.batch.run import run
from vitviz.gui.batch.table import TableDialog

from .conftest import Driver
from .test_batch_dialog import ended, lines, open_dialog

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def results(ui: Driver, photos: list[Path]) -> Path:
    """What a batch wrote, with another method than the window's, and a broken photo."""
    (photos[0].parent / "broken.png").write_bytes(b"nothing")
    view = replace(ui.session.view, method="rollout", layer=-1, head="mean")
    out = photos[0].parent.with_name("results")
    batch = Batch(photos[0].parent, out, replace(ui.session, view=view), Outputs(map="none"))
    run(batch, lambda _: None)
    return out


def show(ui: Driver, results: Path) -> TableDialog:
    ui.do("file.batch_table")
    dialog = ui.window.batch.table
    assert dialog is not None
    dialog.read(results)
    ui.until(lambda: len(dialog.model.rows) == 4 and not dialog.desk.is_busy)
    return dialog


def column(dialog: TableDialog, name: str = "photo") -> list[str]:
    assert dialog.table is not None
    section = dialog.table.names.index(name)
    model = dialog.model
    return [str(model.data(model.index(row, section))) for row in range(model.rowCount())]


def test_sorted_and_filtered(ui: Driver, results: Path) -> None:
    dialog = show(ui, results)
    assert dialog.words.text() == "4 photos"
    names = column(dialog)
    assert names[0] == "broken.png"
    assert dialog.table is not None
    dialog.lines.sortByColumn(dialog.table.names.index("maximum"), Qt.SortOrder.DescendingOrder)
    ui.until(lambda: column(dialog)[-1] == "broken.png")
    values = [float(text) for text in column(dialog, "maximum")[:-1]]
    assert values == sorted(values, reverse=True)
    ui.qtbot.keyClicks(dialog.filter, "PHOTO1")
    ui.until(lambda: column(dialog) == ["photo1.png"])
    assert dialog.words.text() == "1 of 4 photos"
    dialog.filter.clear()
    dialog.failed.click()
    ui.until(lambda: column(dialog) == ["broken.png"])


def test_a_line_opens_its_photo_and_map(ui: Driver, results: Path, photos: list[Path]) -> None:
    assert ui.session.view.method != "rollout"
    dialog = show(ui, results)
    ui.qtbot.keyClicks(dialog.filter, photos[2].name)
    ui.until(lambda: column(dialog) == [photos[2].name])
    ui.qtbot.keyClick(dialog.lines, Qt.Key.Key_Return)
    ui.settle()
    assert ui.session.photo is not None
    assert Path(ui.session.photo.path) == photos[2]
    assert ui.session.view.method == "rollout"
    heat = ui.cell.heat_map(ui.session.view)
    line = next(line for line in lines(results) if line["photo"] == photos[2].name)
    # The window computes with all of the processor, a batch with one thread a photo.
    assert float(heat.values.max()) == pytest.approx(float(line["maximum"]), rel=1e-4)
    assert dialog.banner.isHidden()
    ui.do("edit.undo")
    assert ui.session.view.method != "rollout", "one step"


def test_photos_that_cannot_be_shown_are_said(
    ui: Driver, results: Path, photos: list[Path]
) -> None:
    dialog = show(ui, results)
    photos[0].unlink()
    row = column(dialog).index(photos[0].name)
    dialog.lines.selectRow(row)
    ui.qtbot.mouseClick(dialog.open_photo, LEFT)
    assert "is not there" in dialog.banner.text.text()


def test_another_model_in_its_place_is_said(ui: Driver, results: Path) -> None:
    dialog = show(ui, results)
    assert dialog.table is not None
    assert dialog.table.work is not None
    dialog.table = replace(dialog.table, work=replace(dialog.table.work, sha256="0" * 64))
    dialog.lines.selectRow(1)
    ui.qtbot.mouseClick(dialog.open_photo, LEFT)
    ui.settle()
    ui.until(lambda: "not the map of the table" in ui.window.banner.text.text())


def test_what_is_no_table(ui: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ui.do("file.batch_table")
    dialog = ui.window.batch.table
    assert dialog is not None
    assert not dialog.filter.isEnabled()
    assert not dialog.open_photo.isEnabled()
    (tmp_path / "x.csv").write_text("a,b\n", encoding="utf-8")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "x.csv"), ""))
    ui.qtbot.mouseClick(dialog.choose, LEFT)
    ui.until(lambda: "not a table of a batch" in dialog.banner.text.text())


def test_a_batch_opens_its_table(ui: Driver, photos: list[Path]) -> None:
    dialog = open_dialog(ui)
    assert not dialog.table.isEnabled()
    ui.qtbot.mouseClick(dialog.start, LEFT)
    ended(ui)
    ui.qtbot.mouseClick(dialog.table, LEFT)
    shown = ui.window.batch.table
    assert shown is not None
    ui.until(lambda: len(shown.model.rows) == 3)


def test_a_spec_and_the_commands(
    ui: Driver, photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "work.json"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(file), ""))
    dialog = open_dialog(ui)
    dialog.map.setCurrentIndex(dialog.map.findText("None"))
    ui.qtbot.mouseClick(dialog.cluster, LEFT)
    ui.until(lambda: ui.window.batch.cluster is not None)
    written, shown = spec.read(file), ui.window.batch.cluster
    assert shown is not None
    assert written.sha256 == ui.cell.card.sha256
    assert written.view.method == ui.session.view.method
    assert written.outputs.map == "none"
    ui.qtbot.mouseClick(shown.copies[0], LEFT)
    part, merge = QGuiApplication.clipboard().text(), shown.commands[1]
    assert "--shard 1/8" in part
    for number in range(1, 9):
        assert main(shlex.split(part.replace("1/8", f"{number}/8"))[1:]) == 0
    assert main(shlex.split(merge)[1:]) == 0
    assert len(lines(photos[0].parent.with_name("photos-maps"))) == 3
