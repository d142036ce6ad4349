"""Opening checkpoints, good and bad, and work that fails or is ended."""

from __future__ import annotations

import pickle
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from vitviz.errors import Cancelled, NotEnoughMemory
from vitviz.imaging.preprocess import InputChoice
from vitviz.methods import METHODS
from vitviz.models.loading import bundled
from vitviz.progress import Stage

from .conftest import Driver, threads_left


def truncated(path: Path) -> None:
    path.write_bytes(struct.pack("<Q", 4000) + b'{"cls_token":{"dtype":"F32","shape"')


class Shout:
    def __reduce__(self):
        return (print, ("code from a checkpoint runs",))


def with_code(path: Path) -> None:
    path.write_bytes(pickle.dumps({"cls_token": Shout()}))


def unknown_family(path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"conv1.weight": np.zeros((4, 3, 3, 3), np.float32)}, path)


def empty_file(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("cut.safetensors", truncated),
        ("code.pth", with_code),
        ("resnet.safetensors", unknown_family),
        ("empty.pth", empty_file),
        ("missing.pth", lambda path: None),
    ],
)
def test_a_checkpoint_that_is_none(
    ui: Driver, tmp_path: Path, name: str, make: Callable[[Path], None], capfd
) -> None:
    explanation, model = ui.cell.explanation, ui.session.model
    make(tmp_path / name)
    ui.window.documents.add([tmp_path / name])
    ui.until(lambda: ui.message)
    ui.settle()
    assert "unexpected" not in ui.message
    assert "conv1.weight" in ui.message or name in ui.message
    assert ui.session.model == model
    assert ui.cell.explanation is explanation
    assert ui.window.panels.model.title.text() == ui.cell.card.title
    assert "code from a checkpoint" not in capfd.readouterr().out


def test_a_broken_checkpoint_at_the_start(empty: Driver, tmp_path: Path) -> None:
    truncated(tmp_path / "cut.safetensors")
    empty.begin([tmp_path / "cut.safetensors"])
    assert "cut.safetensors" in empty.message
    assert empty.cell.card.id.startswith("vitviz")
    assert empty.window.windowTitle() == "panda.jpg – vitviz"


def test_another_checkpoint(ui: Driver, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shared / "data" / "checkpoints" / "deit_tiny_patch16_224.pth"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    ui.press("model.open")
    ui.settle()
    assert ui.cell.card.config.depth == 12
    assert ui.window.panels.layers.filmstrip.layers == tuple(range(12))
    assert "layer 12" in ui.look.caption.text()
    assert ui.window.settings.recent("models") == [str(path)]
    notes = ui.window.panels.model.notes
    assert notes.isVisible()
    assert all(note in notes.text for note in ui.cell.card.notes)
    ui.do("model.bundled.vitviz-small-v1")
    ui.settle()
    assert ui.cell.card.id == bundled()[0].id
    ui.press("edit.undo")
    ui.settle()
    assert ui.cell.card.config.depth == 12


def failing(ui: Driver, when: Callable[[object], bool], error: Exception) -> None:
    answer = ui.window.service.engine.answer

    def fails(request, progress):
        if when(request):
            raise error
        return answer(request, progress)

    ui.window.service.engine.answer = fails


def test_too_little_memory_goes_back_to_the_last_input(ui: Driver) -> None:
    error = NotEnoughMemory("4× finer needs 9 GB.", "Choose a coarser grid.", needed_bytes=9 << 30)
    failing(ui, lambda request: request.input.fineness == 4, error)
    panel = ui.window.panels.model.input
    panel.setCurrentIndex(1)
    ui.settle()
    grid = ui.cell.layout.grid
    panel.setCurrentIndex(4)
    ui.until(lambda: ui.message)
    ui.settle()
    assert ui.message == "4× finer needs 9 GB. Choose a coarser grid."
    assert ui.session.input == InputChoice("whole photo", 1)
    assert panel.currentIndex() == 1
    assert ui.cell.layout.grid == grid


def test_an_unexpected_exception_has_a_report(ui: Driver, caplog) -> None:
    failing(ui, lambda request: request.method == "rollout", ZeroDivisionError("of all things"))
    ui.window.panels.method.method.setCurrentIndex(list(METHODS).index("rollout"))
    ui.until(lambda: ui.message)
    ui.settle()
    assert "ZeroDivisionError: of all things" in ui.message
    ui.answer_banner("Copy report")
    report = QGuiApplication.clipboard().text()
    assert "Traceback (most recent call last)" in report
    assert "in fails" in report
    assert "ZeroDivisionError: of all things" in report
    assert "vitviz" in report
    assert "torch" in report
    assert ui.session.view.method == "attention"
    assert ui.window.panels.method.method.currentIndex() == 0
    assert any(record.exc_info for record in caplog.records)


def test_a_device_that_is_not_there(make_window, qtbot, photos: list[Path]) -> None:
    ui = Driver(make_window(device="cuda:7"), qtbot)
    ui.begin(photos)
    assert "cuda:7" in ui.message
    assert ui.window.canvas.heat_map is not None
    assert ui.window.preferences.device == "auto"


class Endless:
    """A forward that goes on until nobody wants it."""

    def __init__(self, ui: Driver, when: Callable[[object], bool]) -> None:
        self.started, self.ended = threading.Event(), threading.Event()
        self._answer, self._when = ui.window.service.engine.answer, when
        ui.window.service.engine.answer = self.answer

    def answer(self, request, progress):
        if not self._when(request):
            return self._answer(request, progress)
        self.started.set()
        pause = threading.Event()
        try:
            while True:
                progress(Stage("block", 0, 6), 0.4)
                pause.wait(0.001)
        except Cancelled:
            self.ended.set()
            raise


def test_cancelling_a_long_forward(ui: Driver) -> None:
    endless = Endless(ui, lambda request: request.input.fineness == 4)
    ui.window.panels.model.input.setCurrentIndex(4)
    ui.until(lambda: ui.window.status.cancel.isVisible())
    assert "Block 1 of 6" in ui.window.status.state.text()
    assert ui.window.status.progress.value() == 400
    ui.qtbot.mouseClick(ui.window.status.cancel, Qt.MouseButton.LeftButton)
    ui.until(endless.ended.is_set)
    ui.settle()
    assert ui.session.input == InputChoice(), "back to what worked"
    assert not ui.window.status.cancel.isVisible()
    assert "Ready" in ui.window.status.state.text()
    assert not ui.message


def test_cancelling_the_only_work_offers_it_again(ui: Driver, photos: list[Path]) -> None:
    slow = [True]
    Endless(ui, lambda request: slow[0] and request.photo.path == str(photos[1]))
    ui.press("go.next_photo")
    ui.until(lambda: ui.window.controller.opened.ref.path == str(photos[1]))
    ui.until(lambda: ui.window.status.cancel.isVisible())
    ui.press("model.cancel")
    assert "no map yet" in ui.message
    ui.press("view.grid")
    assert not ui.window.service.is_busy, "what was cancelled does not start again by itself"
    slow[0] = False
    ui.answer_banner("Compute it")
    ui.settle()
    assert ui.window.canvas.heat_map is not None


def test_no_map_yet_is_taken_back_once_there_is_one(ui: Driver, photos: list[Path]) -> None:
    slow = [True]
    Endless(ui, lambda request: slow[0] and request.photo.path == str(photos[1]))
    ui.press("go.next_photo")
    ui.until(lambda: ui.window.status.cancel.isVisible())
    ui.until(lambda: ui.window.controller.opened.ref.path == str(photos[1]))
    ui.press("model.cancel")
    assert "no map yet" in ui.message
    slow[0] = False
    ui.press("go.previous_photo")
    ui.settle()
    assert not ui.message, "it is not about this photo, which has one"


def test_the_panel_waits_for_a_photo_where_there_is_none(empty: Driver, tmp_path: Path) -> None:
    assert empty.window.panels.model.facts.text() == "Loaded with the first photo."
    (tmp_path / "broken.png").write_bytes(b"nothing")
    empty.begin([tmp_path / "broken.png"])
    empty.until(lambda: empty.message)
    assert empty.photo_names() == []
    assert empty.window.panels.model.facts.text() == "Loaded with the first photo."


def test_quitting_during_a_long_forward(ui: Driver) -> None:
    endless = Endless(ui, lambda request: request.input.fineness == 2)
    ui.window.panels.model.input.setCurrentIndex(2)
    ui.until(endless.started.is_set)
    ui.do("file.quit")
    assert endless.ended.is_set()
    assert threads_left() == []
