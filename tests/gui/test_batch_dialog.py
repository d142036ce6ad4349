"""The batch dialog on a window that runs for real."""

from __future__ import annotations

import csv
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from tests.samples import NOBODY
from vitviz import progress
from vitviz.batch import inputs
from vitviz.batch.listing import JOURNAL
from vitviz.batch.progress import BatchProgress
from vitviz.batch.summary import Summary
from vitviz.gui.batch.commands import for_any_photo
from vitviz.gui.batch.dialog import BatchDialog
from vitviz.gui.commands import go
from vitviz.progress import Progress, Stage

from .conftest import Driver

LEFT = Qt.MouseButton.LeftButton


def lines(out: Path) -> list[dict[str, str]]:
    with (out / "table.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def open_dialog(ui: Driver) -> BatchDialog:
    ui.do("file.batch")
    dialog = ui.window.batch.dialog
    assert dialog is not None
    assert dialog.isVisible()
    assert not dialog.isModal(), "the window can be used meanwhile"
    return dialog


def ended(ui: Driver) -> None:
    ui.until(lambda: not ui.window.batch.service.is_running)


class Held:
    """Holds the batch at some photo, until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self.reached, self.free = threading.Event(), threading.Event()
        read = inputs.read_file

        def held(path: Path, progress: Any) -> bytes:
            if path.name == name:
                self.reached.set()
                assert self.free.wait(30)
            return read(path, progress)

        monkeypatch.setattr(inputs, "read_file", held)


def test_a_folder_as_the_window_is_set(ui: Driver, photos: list[Path]) -> None:
    folder = photos[0].parent
    view = replace(ui.session.view, layer=2, head=1, query=(30.0, 20.0))
    ui.window.store.set(replace(ui.session, view=view))
    ui.settle()
    dialog = open_dialog(ui)
    assert dialog.folder.path == folder, "the folder of the photo that is shown"
    assert dialog.out.path == folder.with_name("photos-maps")
    assert "Attention of CLS · layer 3 · head 2 · vitviz" in dialog.about.text()
    dialog.values.setCurrentIndex(1)
    ui.qtbot.mouseClick(dialog.start, LEFT)
    assert dialog.start.text() == "Cancel"
    assert not dialog.folder.isEnabled()
    ended(ui)
    assert dialog.words.text().startswith("3 photos in ")
    assert dialog.bar.value() == dialog.bar.maximum()
    assert dialog.start.text() == "Start"
    out = folder.with_name("photos-maps")
    assert [line["photo"] for line in lines(out)] == [path.name for path in photos]
    assert (out / "photo0-attention.jpg").exists()
    ui.window.store.set(replace(ui.session, view=replace(view, query="cls")))
    ui.settle()
    with np.load(out / "photo0-attention.npz") as arrays:
        shown = ui.cell.heat_map(ui.session.view).values
        # The window computes with all of the processor, a batch with one thread a photo.
        assert any(
            arrays[name].shape == shown.shape and np.allclose(arrays[name], shown, atol=1e-6)
            for name in arrays.files
            if arrays[name].dtype == np.float32
        )


def test_choices_are_said_as_they_change(ui: Driver) -> None:
    dialog = open_dialog(ui)
    view = replace(ui.session.view, method="rollout")
    ui.window.store.set(replace(ui.session, view=view))
    ui.settle()
    ui.until(lambda: "Attention rollout of CLS" in dialog.about.text())
    assert "not shown" not in dialog.about.text(), "that is true of one photo only"


def test_a_folder_is_needed(ui: Driver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dialog = open_dialog(ui)
    dialog.folder.line.clear()
    assert not dialog.start.isEnabled()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "a"))
    ui.qtbot.mouseClick(dialog.folder.choose, LEFT)
    assert dialog.folder.path == tmp_path / "a"
    assert dialog.start.isEnabled()
    dialog.folder.line.setText((tmp_path / "b c").as_uri())
    assert dialog.folder.path == tmp_path / "b c", "as it is dropped"
    dialog.out.line.setText(str(tmp_path / "mine"))
    dialog.folder.line.setText(str(tmp_path / "d"))
    assert dialog.out.path == tmp_path / "mine", "what was typed stays"
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    ui.qtbot.mouseClick(dialog.out.choose, LEFT)
    assert dialog.out.path == tmp_path / "mine"


def test_samples_are_no_folder_to_begin_with(empty: Driver) -> None:
    empty.begin([])
    assert open_dialog(empty).folder.path is None


def test_failures_can_be_copied(ui: Driver, photos: list[Path]) -> None:
    (photos[0].parent / "broken.png").write_bytes(b"nothing")
    (photos[0].parent / "empty.jpg").touch()
    dialog = open_dialog(ui)
    assert not dialog.copy.isVisible()
    ui.qtbot.mouseClick(dialog.start, LEFT)
    ended(ui)
    assert dialog.words.text().endswith("; 2 failed.")
    assert dialog.failures.isVisible()
    ui.qtbot.mouseClick(dialog.copy, LEFT)
    first, second = QGuiApplication.clipboard().text().splitlines()
    assert first.startswith("broken.png is not in any photo format")
    assert second.startswith("empty.jpg is empty")
    ui.qtbot.mouseClick(dialog.start, LEFT)
    assert not dialog.failures.toPlainText()
    ended(ui)


def test_cancel_and_continue(
    ui: Driver, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "TOLD_EVERY_S", 0.0)
    held = Held(monkeypatch, photos[2].name)
    dialog = open_dialog(ui)
    ui.qtbot.mouseClick(dialog.start, LEFT)
    ui.until(held.reached.is_set)
    ui.until(lambda: dialog.words.text().startswith("2"))
    ui.qtbot.mouseClick(dialog.start, LEFT)
    assert not dialog.start.isEnabled(), "once is enough"
    held.free.set()
    ended(ui)
    assert dialog.words.text().startswith("Stopped at 2")
    assert dialog.start.text() == "Continue"
    assert dialog.start.isEnabled()
    out = photos[0].parent.with_name("photos-maps")
    assert not (out / "table.csv").exists()
    ui.qtbot.mouseClick(dialog.start, LEFT)
    ended(ui)
    assert "2 of them before" in dialog.words.text()
    assert len(lines(out)) == 3


def test_the_window_goes_first(
    ui: Driver, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch, photos[0].name)
    dialog = open_dialog(ui)
    ui.qtbot.mouseClick(dialog.start, LEFT)
    ui.until(held.reached.is_set)
    begun, go_on = threading.Event(), threading.Event()
    answer = ui.window.service.engine.answer

    def slow(request: object, progress: Progress) -> object:
        progress(Stage("block", 2, 6), 0.5)
        begun.set()
        assert go_on.wait(30)
        return answer(request, progress)  # type: ignore[arg-type]

    monkeypatch.setattr(ui.window.service.engine, "answer", slow)
    go.next_photo(ui.window)
    ui.until(begun.is_set)
    ui.until(lambda: not ui.window.batch.service.is_going)
    held.free.set()
    assert not (photos[0].parent.with_name("photos-maps") / "table.csv").exists()
    go_on.set()
    ui.settle()
    ended(ui)
    assert len(lines(photos[0].parent.with_name("photos-maps"))) == 3


def test_results_of_other_settings_are_asked_about(ui: Driver, photos: list[Path]) -> None:
    dialog = open_dialog(ui)
    out = photos[0].parent.with_name("photos-maps")
    ui.qtbot.mouseClick(dialog.start, LEFT)
    ended(ui)
    before = (out / JOURNAL).read_bytes()
    dialog.map.setCurrentIndex(1)
    ui.qtbot.mouseClick(dialog.start, LEFT)
    ended(ui)
    assert "outputs.map was jpg and is png" in dialog.banner.text.text()
    leave = next(b for b in dialog.banner.buttons if b.text() == "Leave Them")
    ui.qtbot.mouseClick(leave, LEFT)
    assert (out / JOURNAL).read_bytes() == before
    ui.qtbot.mouseClick(dialog.start, LEFT)
    ended(ui)
    anew = next(b for b in dialog.banner.buttons if b.text() == "Begin Anew")
    ui.qtbot.mouseClick(anew, LEFT)
    ended(ui)
    assert (out / "photo0-attention.png").exists()
    assert dialog.banner.isHidden()


def test_what_stops_it_is_said_in_the_dialog(ui: Driver, photos: list[Path]) -> None:
    dialog = open_dialog(ui)
    dialog.out.line.setText(str(photos[0].parent))
    ui.qtbot.mouseClick(dialog.start, LEFT)
    ended(ui)
    assert "holds other files" in dialog.banner.text.text()
    assert dialog.start.text() == "Start"
    assert ui.window.banner.isHidden()


def test_closing_the_dialog_ends_nothing(
    ui: Driver, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch, photos[1].name)
    dialog = open_dialog(ui)
    ui.qtbot.mouseClick(dialog.start, LEFT)
    ui.until(held.reached.is_set)
    ui.qtbot.mouseClick(dialog.close_, LEFT)
    assert dialog.isHidden()
    held.free.set()
    ended(ui)
    assert open_dialog(ui) is dialog
    assert dialog.words.text().startswith("3 photos")


def test_closing_the_window_ends_it(
    ui: Driver, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch, photos[1].name)
    dialog = open_dialog(ui)
    ui.qtbot.mouseClick(dialog.start, LEFT)
    ui.until(held.reached.is_set)
    threading.Thread(target=held.free.set).start()
    ui.window.close()
    assert dialog.isHidden()
    assert not (photos[0].parent.with_name("photos-maps") / "table.csv").exists()


def test_progress_and_long_lists(ui: Driver) -> None:
    dialog = open_dialog(ui)
    dialog.show_progress(BatchProgress(None, 250, 1000, 1, 8.0, 94.0))
    assert dialog.words.text() == "250 of 1,000 · 1 failed · 8 photos/s · 1 min 34 s left"
    assert dialog.bar.value() == dialog.bar.maximum() // 4
    dialog.show_summary(Summary(5000, 10, 1200, [("a/x.jpg", "It is bad.")], [], 71.0))
    assert dialog.words.text() == "5,000 photos in 1 min 11 s, 10 of them before; 1,200 failed."
    text = dialog.failures.toPlainText()
    assert text == "a/x.jpg: It is bad.\nand 1,199 more; the table has them all"
    assert dialog.height() >= dialog.layout().totalHeightForWidth(dialog.width())
    dialog.show_summary(Summary(2, boxed=2, missing=NOBODY))
    assert f"No installed font has {NOBODY}: a box" in dialog.failures.toPlainText()
    assert dialog.failures.isVisibleTo(dialog)


def test_choices_that_mean_the_same_on_every_photo(ui: Driver) -> None:
    view = replace(ui.session.view, layer=99, head=77, query="reg3")
    session = for_any_photo(replace(ui.session, view=view), ui.cell)
    config = ui.cell.card.config
    assert (session.view.layer, session.view.head) == (config.depth - 1, config.heads - 1)
    assert session.view.query == config.prefix[0]
    untouched = for_any_photo(replace(ui.session, view=view), None)
    assert untouched.view == view
