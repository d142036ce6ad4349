"""Opening photos and models: every way in, and everything that can be wrong with a file."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QFileDialog

from vitviz.errors import PhotoError
from vitviz.gui import documents
from vitviz.gui.documents import keep_picture
from vitviz.gui.found import FEW
from vitviz.gui.panels.photo_tiles import facts
from vitviz.gui.window import Window
from vitviz.imaging.samples import sample_photos
from vitviz.session.state import PhotoRef

from .conftest import Driver, draw


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
    assert ui.window.panels.photos.row == 3


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


def test_many_files_and_folders_are_looked_at_on_another_thread(
    ui: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []
    look = documents.look_through

    def watched(names: list[str], *progress: object) -> object:
        threads.append(threading.current_thread().name)
        return look(names, *progress)  # type: ignore[arg-type]

    monkeypatch.setattr(documents, "look_through", watched)
    (tmp_path / "many").mkdir()
    photos = [draw(tmp_path / "many" / "a.png", 30, 40)]
    for number in range(FEW):
        photos.append(tmp_path / f"{number}.png")
        shutil.copy(photos[0], photos[-1])
    assert drop(ui.window, files_data(photos))
    ui.settle()
    assert ui.photo_names()[3:] == [path.name for path in photos]
    ui.press("edit.undo")
    ui.window.documents.add([tmp_path / "many"])
    ui.settle()
    assert ui.photo_names()[3:] == ["a.png"]
    ui.window.documents.add(photos[1:2])
    assert threads == ["vitviz-opening", "vitviz-opening", "MainThread"]
    ui.settle()


def test_starting_with_a_folder(empty: Driver, photos: list[Path], tmp_path: Path) -> None:
    empty.begin([photos[0].parent])
    assert empty.photo_names() == [path.name for path in photos], "and no sample photos"
    assert not empty.window.store.can_undo


def test_starting_with_a_folder_without_photos(empty: Driver, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    empty.begin([tmp_path / "bare"])
    assert "no photos in bare" in empty.message
    assert len(empty.photo_names()) == len(sample_photos())


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
    assert "What was dropped holds no picture" in ui.message
    assert len(ui.photo_names()) == 3


def test_pasting_a_picture(ui: Driver) -> None:
    picture = QImage(40, 64, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.darkGreen)
    QGuiApplication.clipboard().setImage(picture)
    ui.press("edit.paste")
    ui.until(lambda: not ui.window.jobs.is_busy)
    ui.settle()
    assert ui.cell.geometry.photo_size == (64, 40)
    kept = Path(ui.session.photo.path)
    assert kept.is_file(), "kept, so that the session can open it again"
    ui.press("edit.paste")
    ui.until(lambda: not ui.window.jobs.is_busy)
    assert len(ui.photo_names()) == 4, "the same picture twice is one photo"


def test_a_pasted_picture_is_written_on_another_thread(
    ui: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []

    def keep(image: QImage, folder: Path) -> Path:
        threads.append(threading.current_thread().name)
        return keep_picture(image, folder)

    monkeypatch.setattr(documents, "keep_picture", keep)
    ui.window.documents.paste(picture_data(30, 20))
    ui.until(lambda: not ui.window.jobs.is_busy)
    assert threads == ["vitviz-opening"]
    assert ui.photo_names()[-1].startswith("pasted-")


def test_a_picture_that_cannot_be_kept_is_refused_in_words(ui: Driver) -> None:
    folder = ui.window.settings.pasted
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("a file where the folder would be")
    ui.window.documents.paste(picture_data(30, 20))
    ui.until(lambda: not ui.window.jobs.is_busy)
    assert "could not be kept" in ui.message
    assert "unexpected" not in ui.message
    assert len(ui.photo_names()) == 3


def picture_data(width: int, height: int) -> QMimeData:
    picture = QImage(width, height, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.darkBlue)
    data = QMimeData()
    data.setImageData(picture)
    return data


def test_pasting_files(ui: Driver, tmp_path: Path) -> None:
    QGuiApplication.clipboard().setMimeData(files_data([draw(tmp_path / "copied.png", 40, 30)]))
    ui.press("edit.paste")
    ui.settle()
    assert ui.window.windowTitle() == "copied.png – vitviz"


def test_pasting_words(ui: Driver) -> None:
    QGuiApplication.clipboard().setText("words")
    ui.press("edit.paste")
    assert "The clipboard holds no picture" in ui.message
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
    assert titles == ["Photos", "photo0.png", "photo2.png", "photos"]
    menu.actions()[2].trigger()
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


def test_many_that_fail_together_are_taken_out_together(ui: Driver, tmp_path: Path) -> None:
    """Each time the whole list is made anew."""
    session, photos = ui.session, ui.window.controller.photos
    broken = [PhotoRef(str(tmp_path / f"broken{i}.png")) for i in range(300)]
    gone = [PhotoRef(str(tmp_path / f"gone{i}.png")) for i in range(30)]
    for ref in broken:
        Path(ref.path).write_bytes(b"\x89PNG\r\n\x1a\n cut")
    ui.window.store.set(replace(session, photos=(*session.photos, *broken, *gone)))
    lists, said = list[int](), list[int]()
    ui.window.store.changed.connect(lambda new, _: lists.append(len(new.photos)))
    photos.refused.connect(lambda refused: said.append(len(refused)))
    for ref in (*broken, *gone):
        ui.window.service.preview_failed.emit(ref, PhotoError("It is cut short."))
    ui.until(lambda: sum(said) == 300)
    assert said == [1, 299]
    assert lists == [len(session.photos) + len(gone) + n for n in (299, 0)]
    assert set(ui.window.files.missing) == {ref.path for ref in gone}
    assert "300 files could not be opened: broken0.png" in ui.message


def test_a_file_that_is_gone(ui: Driver, tmp_path: Path) -> None:
    ui.window.documents.add([tmp_path / "never.png"])
    ui.until(lambda: "never.png" in ui.message)
    assert len(ui.photo_names()) == 3


def test_only_broken_photos_at_the_start(empty: Driver, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"nothing")
    empty.begin([broken])
    assert "broken.png" in empty.message
    assert empty.look.welcome.isVisible()


def big(tmp_path: Path, name: str = "big.png") -> Path:
    path = tmp_path / name
    Image.new("L", (1500, 1000), 90).save(path)
    return path


def test_a_large_photo_is_asked_about(ui: Driver, tmp_path: Path) -> None:
    ui.window.service.photos.max_pixels = 1_000_000
    ui.window.documents.add([big(tmp_path)])
    ui.until(lambda: ui.window.banner.buttons)
    assert ui.window.banner.messages[0].property("kind") == "question"
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

    def no_second(ref: PhotoRef, background: tuple[int, int, int], *rest: object):
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
