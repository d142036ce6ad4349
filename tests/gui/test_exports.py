"""Exports from the window, what is copied, and opening a file's own state."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication, QImage
from PySide6.QtWidgets import QDialog, QFileDialog, QMessageBox

from tests.gui.conftest import Driver
from tests.samples import NOBODY, of_class
from vitviz.exporting import animation
from vitviz.exporting.clipboard import picture
from vitviz.exporting.figure_files import PaneMap
from vitviz.exporting.stamp import beside_of, read
from vitviz.gui.commands import edit, file, go
from vitviz.gui.dialogs.export_animation import NO_VIDEO, AnimationDialog
from vitviz.gui.dialogs.export_data import DataDialog
from vitviz.gui.scene import PaneState
from vitviz.gui.settings import Preferences
from vitviz.gui.threads.jobs import Job, Jobs
from vitviz.gui.widgets.form import Choice
from vitviz.maps.overlay import composite
from vitviz.progress import Progress
from vitviz.session.state import Compare, View


@pytest.fixture
def accept(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Answers the next dialogs: sets their choices, and names the file."""

    def answer(path: Path, **choices: object) -> None:
        def accepted(dialog: QDialog) -> QDialog.DialogCode:
            for name, value in choices.items():
                control = getattr(dialog, name)
                if isinstance(control, Choice):
                    control.setCurrentIndex(control._values.index(value))
                else:
                    control.setValue(value)
            return QDialog.DialogCode.Accepted

        monkeypatch.setattr(QDialog, "exec", accepted)
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))

    return answer


def idle(ui: Driver) -> None:
    ui.until(lambda: not ui.window.jobs.is_busy)


def test_data_is_exported_as_chosen(
    ui: Driver, tmp_path: Path, accept: Callable[..., None]
) -> None:
    accept(tmp_path / "values.npz", format=".npz", holds=True)
    ui.press("file.export_data")
    idle(ui)
    assert "Saved values.npz" in ui.window.status.state.text()
    with np.load(tmp_path / "values.npz") as arrays:
        prefix = len(ui.cell.layout.prefix)
        expected = ui.cell.explanation.values[:, :, prefix:].reshape(arrays["values"].shape)
        np.testing.assert_array_equal(arrays["values"], expected)
    accept(tmp_path / "photo-sized", format=".tiff", resolution="photo")
    ui.press("file.export_data")
    idle(ui)
    with Image.open(tmp_path / "photo-sized.tiff") as image:
        assert (image.mode, image.size) == ("F", (90, 60))


def test_an_animation_is_exported_as_chosen(
    ui: Driver, tmp_path: Path, accept: Callable[..., None]
) -> None:
    accept(tmp_path / "film.png", format=".png", along="heads", rate=4.0)
    ui.press("file.export_animation")
    idle(ui)
    made = read(tmp_path / "film.png")
    assert [one.head for one in made.maps] == [1, 2, 3]
    with Image.open(tmp_path / "film.png") as image:
        assert image.n_frames == 3  # type: ignore[attr-defined]
        assert image.info["duration"] == 250


def test_a_cancelled_animation_leaves_no_file(
    ui: Driver, tmp_path: Path, accept: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on, over = threading.Event(), threading.Event(), threading.Event()
    write = animation.write_animation

    def slow(*arguments: object) -> None:
        progress = arguments[6]
        assert callable(progress)
        began.set()
        assert go_on.wait(20)
        try:
            write(*arguments)  # type: ignore[arg-type]
        finally:
            over.set()

    monkeypatch.setattr(animation, "write_animation", slow)
    accept(tmp_path / "film.gif", format=".gif")
    ui.press("file.export_animation")
    assert began.wait(20)
    assert ui.window.job_view.isVisible()
    assert "film.gif" in ui.window.job_view.title.text()
    ui.qtbot.mouseClick(ui.window.job_view.cancel, Qt.MouseButton.LeftButton)
    assert not ui.window.job_view.isVisible()
    go_on.set()
    assert over.wait(20)
    assert not (tmp_path / "film.gif").exists()
    assert ui.message == ""


def test_a_failure_is_said(ui: Driver, tmp_path: Path, accept: Callable[..., None]) -> None:
    accept(tmp_path / "nowhere" / "values.csv", format=".csv")
    ui.press("file.export_data")
    ui.until(lambda: "could not be written" in ui.message)


def test_a_name_that_the_dialog_did_not_ask_about(
    ui: Driver, tmp_path: Path, accept: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "values.csv").write_bytes(b"old")
    asked: list[str] = []

    def no(parent: object, title: str, question: str) -> QMessageBox.StandardButton:
        asked.append(question)
        return QMessageBox.StandardButton.No

    monkeypatch.setattr(QMessageBox, "question", no)
    accept(tmp_path / "values", format=".csv")
    ui.press("file.export_data")
    idle(ui)
    assert asked == ["values.csv already exists. Replace it?"]
    assert (tmp_path / "values.csv").read_bytes() == b"old"


def test_provenance_as_the_preferences_have_it(
    ui: Driver, tmp_path: Path, accept: Callable[..., None], photos: list[Path]
) -> None:
    accept(tmp_path / "values.csv", format=".csv")
    ui.press("file.export_data")
    idle(ui)
    assert not beside_of(tmp_path / "values.csv").exists()
    edit.set_preferences(ui.window, replace(Preferences(), provenance_beside=True, full_paths=True))
    ui.press("file.export_data")
    idle(ui)
    made = read(beside_of(tmp_path / "values.csv"))
    assert made.session["photos"] == [
        {"path": str(photos[0]), "frame": 0, "allow_large": False}
    ]  # fmt: skip


# The clipboard


def copied_pixels() -> np.ndarray:
    image = QGuiApplication.clipboard().image().convertToFormat(QImage.Format.Format_RGB888)
    lines = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    return lines[:, : 3 * image.width()].reshape(image.height(), image.width(), 3)


def test_copying_the_picture_at_the_photo_s_size(ui: Driver) -> None:
    ui.press("edit.copy")
    idle(ui)
    pixels, cell = copied_pixels(), ui.cell
    opened = ui.window.controller.opened
    assert opened is not None
    values = cell.heat_map(ui.session.view).values
    ends = float(values.min()), float(values.max())
    expected = composite(opened.photo.pixels, values, cell.geometry, ui.session.style, *ends)
    windows = np.lib.stride_tricks.sliding_window_view(pixels[..., 0], expected.shape[:2])
    assert (windows == expected[..., 0]).all((2, 3)).sum() == 1


@pytest.mark.slow
def test_copying_other_views_copies_a_figure_of_them(ui: Driver) -> None:
    figures = {}
    for tab in ("view.heads", "view.patches"):
        ui.do(tab)
        ui.do("edit.copy")
        idle(ui)
        figures[tab] = copied_pixels().copy()
        assert "Copied a picture" in ui.window.status.state.text()
        assert figures[tab].shape[1] == round(300 / 25.4 * 200)
        assert (figures[tab][:4] == 255).all()
    assert not np.array_equal(figures["view.heads"], figures["view.patches"])


def test_copying_every_pane(ui: Driver) -> None:
    first = ui.session.pane
    other = replace(first, photo=ui.session.photos[1], view=View(layer=1))
    compare = Compare((other,), shared=True)
    ui.window.store.set(replace(ui.session, tab="compare", compare=compare))
    ui.until(lambda: all(state.cell and not state.busy for state in states(ui)))
    shown = [PaneMap(s.pane, s.cell, s.opened.photo) for s in states(ui)]  # type: ignore[union-attr,arg-type]
    ui.do("edit.copy")
    idle(ui)
    copied = picture(shown, ui.session.style, shared=True)
    np.testing.assert_array_equal(copied_pixels(), copied.pixels)


def test_letters_that_no_font_has_are_said_of_copies_and_films(
    ui: Driver, tmp_path: Path, checkpoint: Path, accept: Callable[..., None]
) -> None:
    model = str(of_class(checkpoint, f"cat {NOBODY}"))
    ui.window.store.set(replace(ui.session, model=model, view=View("relevance", target=0)))
    ui.settle()
    state = ui.window.status.state
    ui.do("edit.copy")
    idle(ui)
    assert state.text().startswith("Copied a picture of ")
    assert state.text().endswith(f". No font has {NOBODY}")
    assert f"No installed font has {NOBODY}: a box stands for each." in state.toolTip()
    accept(tmp_path / "film.gif", along="depth")
    ui.do("file.export_animation")
    idle(ui)
    assert state.text() == f"Saved film.gif. No font has {NOBODY}"
    accept(tmp_path / "map.npy")
    ui.do("file.save_map")
    idle(ui)
    assert (state.text(), state.toolTip()) == ("Saved map.npy", "")


def states(ui: Driver) -> tuple[PaneState, ...]:
    found = ui.window.controller.pane_states
    assert len(found) == 2
    return found


def test_copying_the_view_as_shown(ui: Driver) -> None:
    ui.do("edit.copy_view")
    pixmap = QGuiApplication.clipboard().pixmap()
    assert pixmap.deviceIndependentSize().toSize() == ui.window.views.size()


def test_copying_the_values(ui: Driver) -> None:
    ui.do("edit.copy_values")
    values = ui.cell.heat_map(ui.session.view).values
    data = QGuiApplication.clipboard().mimeData()
    lines = data.text().splitlines()
    np.testing.assert_array_equal(np.array([x.split("\t") for x in lines], np.float32), values)
    assert bytes(data.data("text/csv").data()).decode() == data.text().replace("\t", ",")


# Opening what made a file


def exported(ui: Driver, path: Path, accept: Callable[..., None]) -> Path:
    go.choose_layer(ui.window, 2)
    ui.settle()
    accept(path, format=path.suffix)
    ui.press("file.export_data")
    idle(ui)
    file.close_all_photos(ui.window)
    go.choose_layer(ui.window, 0)
    ui.settle()
    return path


def test_opening_a_file_s_state(
    ui: Driver, tmp_path: Path, accept: Callable[..., None], photos: list[Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    path = exported(ui, tmp_path / "values.npz", accept)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    ui.do("file.session")
    idle(ui)
    ui.settle()
    assert ui.photo_names() == [photos[0].name], "found among the photos opened lately"
    assert ui.session.view.layer == 2
    assert ui.message == ""
    ui.do("edit.undo")
    ui.settle()
    assert ui.photo_names() == []


def test_a_photo_that_is_not_there_any_more_is_told(
    ui: Driver, tmp_path: Path, accept: Callable[..., None], photos: list[Path]
) -> None:
    path, content = exported(ui, tmp_path / "values.csv", accept), photos[0].read_bytes()
    photos[0].unlink()
    ui.window.documents.add([path])
    ui.until(lambda: "Not found: the photo photo0.png." in ui.message)
    idle(ui)
    assert ui.photo_names() == ["photo0.png"], "its place is kept, with all that was chosen"
    assert ui.session.view.layer == 2
    assert ui.window.controller.shown_cell is None
    assert ui.window.canvas.heat_map is None
    moved = tmp_path / "elsewhere" / "renamed.png"
    moved.parent.mkdir()
    moved.write_bytes(content)
    ui.window.documents.locating.look_in(moved.parent)
    ui.settle()
    assert ui.photo_names() == ["renamed.png"], "found by its bytes"
    assert ui.window.canvas.heat_map.layer == 2
    assert not ui.message


def test_a_dropped_picture_is_a_photo_and_with_shift_its_state(
    ui: Driver, tmp_path: Path, accept: Callable[..., None]
) -> None:
    accept(tmp_path / "map.png")
    ui.press("file.save_map")
    idle(ui)
    file.close_all_photos(ui.window)
    ui.settle()

    def drop(keys: Qt.KeyboardModifier) -> None:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(tmp_path / "map.png"))])
        event = QDropEvent(
            QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, keys
        )
        ui.window.dropEvent(event)
        idle(ui)
        ui.settle()

    drop(Qt.KeyboardModifier.NoModifier)
    assert ui.photo_names() == ["map.png"]
    drop(Qt.KeyboardModifier.ShiftModifier)
    assert ui.photo_names() == ["photo0.png"]


# The dialogs


def test_the_data_dialog_says_what_there_will_be(ui: Driver) -> None:
    dialog = DataDialog(ui.cell, ui.session.view, True, ui.window)
    assert "14 rows x 14 columns" in dialog.count.text()
    assert not dialog.resolution.isEnabled()
    dialog.format.setCurrentIndex(3)
    dialog.resolution.setCurrentIndex(1)
    dialog.holds.setCurrentIndex(1)
    assert dialog.resolution.isEnabled()
    assert "36 maps of 60 rows x 90 columns" in dialog.count.text()
    assert dialog.wanted.resolution == "photo"
    dialog.format.setCurrentIndex(0)
    assert dialog.wanted.resolution == "patches"
    dialog.deleteLater()


def animation_dialog(ui: Driver) -> AnimationDialog:
    opened = ui.window.controller.opened
    assert opened is not None
    return AnimationDialog(opened.photo, ui.cell, ui.session, ui.window, can_video=False)


def test_the_animation_dialog_says_how_long_it_is(ui: Driver) -> None:
    dialog = animation_dialog(ui)
    assert "12 frames, 7.0 s" in dialog.about.text()
    dialog.format.setCurrentIndex(2)
    assert dialog.about.text() == NO_VIDEO
    assert not dialog.export.isEnabled()
    dialog.format.setCurrentIndex(1)
    assert dialog.export.isEnabled()
    dialog.along.setCurrentIndex(1)
    assert "3 frames" in dialog.about.text()
    dialog.reject()
    dialog.deleteLater()


def test_the_animation_dialog_plays_what_will_be_written(ui: Driver) -> None:
    dialog = animation_dialog(ui)
    dialog.rate.setValue(30)
    dialog.hold.setValue(0)
    dialog.bar.setChecked(False)
    dialog.words.setChecked(False)
    shown: set[bytes] = set()

    def frame() -> bytes:
        image = dialog.player.pixmap().toImage()
        assert image.width() * 60 == pytest.approx(image.height() * 90, rel=0.02)
        return bytes(image.constBits())

    ui.until(lambda: shown.add(frame()) or len(shown) == 12)
    dialog.reject()
    assert not dialog.player.pixmap()
    dialog.deleteLater()


def test_heads_that_are_not_there_yet_are_not_played(ui: Driver) -> None:
    go.choose_view(ui.window, replace(ui.session.view, method="rollout"), "")
    ui.settle()
    dialog = animation_dialog(ui)
    assert dialog.player.pixmap()
    dialog.along.setCurrentIndex(1)
    assert "computed when it is written" in dialog.player.text()
    dialog.reject()
    dialog.deleteLater()


# Jobs


def test_jobs_are_done_one_after_another(qtbot: object) -> None:
    jobs, done = Jobs(), list[object]()

    def double(number: int) -> Callable[[Progress], object]:
        return lambda _: 2 * number

    with qtbot.waitSignal(jobs.idle):  # type: ignore[attr-defined]
        for number in range(5):
            jobs.begin(Job(f"job {number}", double(number), done.append))
    assert done == [0, 2, 4, 6, 8]
    jobs.close()


def test_a_job_that_fails_lets_the_next_one_be_done(qtbot: object) -> None:
    jobs, done, failed = Jobs(), list[object](), list[object]()
    jobs.failed.connect(failed.append)

    def fails(_: Progress) -> object:
        raise ValueError("no")

    with qtbot.waitSignal(jobs.idle):  # type: ignore[attr-defined]
        jobs.begin(Job("fails", fails, done.append))
        jobs.begin(Job("works", lambda _: 1, done.append))
    assert done == [1]
    assert [str(error) for error in failed] == ["no"]
    jobs.close()
