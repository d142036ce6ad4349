"""Opening photos and models: every way in, and everything that can be wrong with a file."""

from __future__ import annotations

import pickle
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QFileDialog

from vitviz.errors import Cancelled, NotEnoughMemory
from vitviz.gui.panels.photos import facts
from vitviz.gui.window import Window
from vitviz.imaging.preprocess import InputChoice
from vitviz.models.loading import bundled
from vitviz.session.state import PhotoRef

from .conftest import Driver, draw, threads_left


def files_data(paths: list[Path]) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def drop(window: Window, data: QMimeData) -> bool:
    """Drags ``data`` over the window and lets go; whether the window wanted it."""
    copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    keys = Qt.KeyboardModifier.NoModifier
    entering = QDragEnterEvent(QPoint(300, 300), copy, data, left, keys)
    entering.ignore()
    QApplication.sendEvent(window, entering)
    if not entering.isAccepted():
        return False
    dropping = QDropEvent(QPointF(300, 300), copy, data, left, keys)
    QApplication.sendEvent(window, dropping)
    return dropping.isAccepted()


def test_opening_by_dialog(ui: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    more = [draw(tmp_path / f"more{i}.jpg", 50, 80, seed=i) for i in range(2)]
    names = ([str(path) for path in more], "")
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: names)
    ui.press("file.open")
    ui.settle()
    assert ui.photo_names()[3:] == ["more0.jpg", "more1.jpg"]
    assert ui.window.windowTitle() == "more0.jpg – vitviz", "the first of the new ones is shown"
    assert ui.window.panels.photos.currentRow() == 3


def test_opening_a_folder(ui: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "holiday"
    folder.mkdir()
    draw(folder / "b.png", 40, 30)
    draw(folder / "a.png", 30, 40)
    (folder / "notes.txt").write_text("not a photo", encoding="utf-8")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    ui.press("file.folder")
    ui.settle()
    assert ui.photo_names()[3:] == ["a.png", "b.png"]
    assert not ui.message


def test_a_folder_without_photos(ui: Driver, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    ui.window.documents.add([tmp_path / "bare", draw(tmp_path / "good.png", 40, 30)])
    ui.settle()
    assert "no photos in bare" in ui.message
    assert ui.photo_names()[3:] == ["good.png"], "what could be opened was"


def test_dropping_files(ui: Driver, tmp_path: Path) -> None:
    assert drop(ui.window, files_data([draw(tmp_path / "dropped.png", 40, 70)]))
    ui.settle()
    assert ui.photo_names()[3:] == ["dropped.png"]


def test_dropping_words_does_nothing(ui: Driver) -> None:
    data = QMimeData()
    data.setText("words")
    assert not drop(ui.window, data)
    assert len(ui.photo_names()) == 3


def test_dropping_a_link_says_why_not(ui: Driver) -> None:
    data = QMimeData()
    data.setUrls([QUrl("https://example.org/cat.jpg")])
    drop(ui.window, data)
    assert "no photo" in ui.message
    assert len(ui.photo_names()) == 3


def test_pasting_a_picture(ui: Driver) -> None:
    picture = QImage(40, 64, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.darkGreen)
    QGuiApplication.clipboard().setImage(picture)
    ui.press("edit.paste")
    ui.settle()
    assert ui.cell.geometry.photo_size == (64, 40)
    kept = Path(ui.session.photo.path)
    assert kept.is_file(), "kept, so that the session can open it again"
    ui.press("edit.paste")
    assert len(ui.photo_names()) == 4, "the same picture twice is one photo"


def test_pasting_files(ui: Driver, tmp_path: Path) -> None:
    QGuiApplication.clipboard().setMimeData(files_data([draw(tmp_path / "copied.png", 40, 30)]))
    ui.press("edit.paste")
    ui.settle()
    assert ui.window.windowTitle() == "copied.png – vitviz"


def test_pasting_words(ui: Driver) -> None:
    QGuiApplication.clipboard().setText("words")
    ui.press("edit.paste")
    assert "no photo" in ui.message
    QGuiApplication.clipboard().clear()


def test_the_same_photo_twice_is_one(ui: Driver, photos: list[Path]) -> None:
    ui.window.documents.add([photos[2], photos[2], photos[1]])
    ui.settle()
    assert len(ui.photo_names()) == 3
    assert ui.window.windowTitle() == "photo2.png – vitviz"


def test_recent_files(ui: Driver, photos: list[Path]) -> None:
    photos[1].unlink()
    ui.do("file.close_all")
    menu = ui.window.recent_menu
    menu.aboutToShow.emit()
    titles = [action.text() for action in menu.actions() if not action.isSeparator()]
    assert titles == ["photo0.png", "photo2.png"]
    menu.actions()[-1].trigger()
    ui.settle()
    assert ui.photo_names() == ["photo2.png"]


def test_a_broken_photo(ui: Driver, tmp_path: Path, photos: list[Path]) -> None:
    shown = ui.cell
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 not really a photo")
    ui.window.documents.add([broken])
    ui.until(lambda: ui.message)
    ui.settle()
    assert "broken.jpg" in ui.message
    assert "Traceback" not in ui.message
    assert ui.photo_names() == ["photo0.png", "photo1.png", "photo2.png"]
    assert ui.window.windowTitle() == "photo0.png – vitviz"
    assert ui.cell.explanation is shown.explanation
    assert str(broken) not in ui.window.settings.recent("photos")
    before = ui.session
    ui.press("edit.undo")
    assert ui.session == before, "nothing was done"
    assert not ui.window.store.can_undo


def test_several_broken_photos_and_a_good_one(ui: Driver, tmp_path: Path) -> None:
    broken = []
    for i in range(8):
        broken.append(tmp_path / f"broken{i}.png")
        broken[-1].write_bytes(b"\x89PNG\r\n\x1a\n cut")
    good = draw(tmp_path / "good.png", 44, 66)
    ui.window.documents.add([*broken[:4], good, *broken[4:]])
    ui.until(lambda: "8 files could not be opened" in ui.message)
    ui.until(lambda: ui.photo_names() == ["photo0.png", "photo1.png", "photo2.png", "good.png"])
    ui.settle()
    assert "broken0.png" in ui.message
    assert "and 2 more" in ui.message


def test_a_file_that_is_gone(ui: Driver, tmp_path: Path) -> None:
    ui.window.documents.add([tmp_path / "never.png"])
    ui.until(lambda: "never.png" in ui.message)
    assert len(ui.photo_names()) == 3


def test_only_broken_photos_at_the_start(empty: Driver, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"nothing")
    empty.begin([broken])
    assert "broken.png" in empty.message
    assert empty.window.canvas.message[0] == "Drop a photo here"


def big(tmp_path: Path, name: str = "big.png") -> Path:
    path = tmp_path / name
    Image.new("L", (1500, 1000), 90).save(path)
    return path


def test_a_large_photo_is_asked_about(ui: Driver, tmp_path: Path) -> None:
    ui.window.service.photos.max_pixels = 1_000_000
    ui.window.documents.add([big(tmp_path)])
    ui.until(lambda: ui.window.banner.buttons)
    assert ui.window.banner.property("kind") == "question"
    assert len(ui.photo_names()) == 3
    ui.answer_banner("Leave it")
    assert not ui.message
    assert ui.window.windowTitle() == "photo0.png – vitviz"
    ui.window.documents.add([big(tmp_path)])
    ui.until(lambda: ui.message)
    ui.answer_banner("Open anyway")
    ui.settle()
    assert ui.cell.geometry.photo_size == (1000, 1500)
    assert not ui.message
    assert ui.session.photo.allow_large


def test_large_and_broken_photos_together(ui: Driver, tmp_path: Path) -> None:
    ui.window.service.photos.max_pixels = 1_000_000
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"nothing")
    ui.window.documents.add([big(tmp_path), big(tmp_path, "vast.png"), broken])
    ui.until(lambda: all(n in ui.message for n in ("big.png", "vast.png", "broken.png")))
    ui.answer_banner("Open anyway")
    ui.settle()
    assert ui.photo_names()[3:] == ["big.png", "vast.png"]


def test_frames_of_an_animation(ui: Driver, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (60, 40), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(tmp_path / "three.gif", save_all=True, append_images=frames[1:], duration=40)
    ui.window.documents.add([tmp_path / "three.gif"])
    ui.settle()
    seen = []
    for _ in range(3):
        seen.append(tuple(ui.window.controller.opened.photo.pixels[0, 0]))
        ui.press("go.next_frame")
        ui.settle()
    assert [np.argmax(colour) for colour in seen] == [0, 1, 2]
    assert ui.session.photo.frame == 0
    ui.press("go.previous_frame")
    ui.settle()
    assert ui.session.photo.frame == 2
    preview = ui.window.panels.photos.preview(ui.session.photo)
    assert preview is not None
    assert facts(preview) == "60×40 · 3/3"
    assert len(ui.photo_names()) == 4


def test_a_broken_frame_keeps_the_one_before(ui: Driver, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    frames = [Image.fromarray(rng.integers(0, 256, (90, 60, 3), dtype=np.uint8)) for _ in range(3)]
    path = tmp_path / "cut.tiff"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    ui.window.documents.add([path])
    ui.settle()
    load = ui.window.service.photos.get

    def no_second(ref: PhotoRef, background: tuple[int, int, int]):
        if ref.frame == 1:
            path_there = PhotoRef(str(tmp_path / "not there.png"))
            return load(path_there, background)
        return load(ref, background)

    ui.window.service.photos.get = no_second
    ui.press("go.next_frame")
    ui.until(lambda: ui.message)
    ui.settle()
    assert ui.session.photo == PhotoRef(str(path))
    assert ui.window.windowTitle() == "cut.tiff – vitviz"


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
    assert "layer 12" in ui.window.look.caption.text()
    assert ui.window.settings.recent("models") == [str(path)]
    notes = ui.window.panels.model.notes
    assert notes.isVisible()
    assert all(note in notes.toolTip() for note in ui.cell.card.notes)
    ui.do("model.bundled")
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
    ui.window.panels.method.method.setCurrentIndex(1)
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
                progress("forward, block 1 of 6", 0.4)
                pause.wait(0.001)
        except Cancelled:
            self.ended.set()
            raise


def test_cancelling_a_long_forward(ui: Driver) -> None:
    endless = Endless(ui, lambda request: request.input.fineness == 4)
    ui.window.panels.model.input.setCurrentIndex(4)
    ui.until(lambda: ui.window.status.cancel.isVisible())
    assert "forward, block 1 of 6" in ui.window.status.state.text()
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


def test_quitting_during_a_long_forward(ui: Driver) -> None:
    endless = Endless(ui, lambda request: request.input.fineness == 2)
    ui.window.panels.model.input.setCurrentIndex(2)
    ui.until(endless.started.is_set)
    ui.do("file.quit")
    assert endless.ended.is_set()
    assert threads_left() == []
