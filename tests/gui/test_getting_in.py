"""Getting in: what an empty window offers, what a drag announces, the first minute and the tour."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QToolButton

from vitviz.gui.found import promise
from vitviz.gui.tour import Tour

from .conftest import Driver

COPY, LEFT, NONE = (
    Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
)  # fmt: skip


def urls(paths: list[Path]) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def test_an_empty_window_opens_photos_by_buttons(
    ui: Driver, photos: list[Path], monkeypatch
) -> None:
    ui.do("file.close_all")
    ui.settle()
    welcome, panel = ui.look.welcome, ui.window.panels.photos
    assert welcome.isVisible()
    assert panel.empty.isVisible()
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(photos[1])], ""))
    for button in (welcome.open, panel.empty.open, ui.window.panels.plus):
        ui.qtbot.mouseClick(button, LEFT)
        ui.settle()
        assert ui.photo_names() == ["photo1.png"]
        assert not welcome.isVisible()
        if button is not ui.window.panels.plus:
            ui.do("file.close_all")
            ui.settle()


def test_what_was_open_lately_is_offered_with_pictures(ui: Driver) -> None:
    ui.do("file.close_all")
    ui.settle()
    buttons = ui.look.welcome.recent
    assert [button.text() for button in buttons] == ["photo0.png", "photo1.png", "photo2.png"]
    ui.until(lambda: all(not button.icon().isNull() for button in buttons))
    ui.qtbot.mouseClick(buttons[2], LEFT)
    ui.settle()
    assert ui.photo_names() == ["photo2.png"]


def test_a_drag_announces_what_a_drop_would_do(ui: Driver, tmp_path: Path) -> None:
    window, cover = ui.window, ui.window.drop_cover
    at = QPoint(400, 300)
    (tmp_path / "folder").mkdir()
    for names, words in (
        (["a.jpg", "b.png", "c.webp"], "Open 3 photos"),
        (["mine.safetensors"], "Use mine.safetensors as the model"),
        (["things.zip"], "Cannot open .zip: unpack it first"),
        (["folder"], "Open folder"),
    ):
        data = urls([tmp_path / name for name in names])
        QApplication.sendEvent(window, QDragEnterEvent(at, COPY, data, LEFT, NONE))
        assert (cover.isVisible(), cover.words) == (True, words)
        QApplication.sendEvent(window, QDragLeaveEvent())
        assert not cover.isVisible()
    photo = tmp_path / "photos" / "photo0.png"
    data = urls([photo])
    QApplication.sendEvent(window, QDragEnterEvent(at, COPY, data, LEFT, NONE))
    QApplication.sendEvent(window, QDropEvent(QPointF(at), COPY, data, LEFT, NONE))
    assert not cover.isVisible()
    ui.settle()


def test_promises_of_many() -> None:
    assert promise(["a.jpg", "b.txt", "c.pth"]) == ("Open 1 photo and 2 other files", False)
    assert promise(["a.zip", "b.7z"]) == ("Archives: unpack them first", True)
    assert promise(["/far//server/x.vitviz"]) == ("Open the session x.vitviz", False)


def test_the_line_for_the_first_minute_is_read_once(ui: Driver, make_window) -> None:
    hint = ui.look.hint
    assert hint.isVisible()
    ui.qtbot.mouseClick(hint.close_button, LEFT)
    assert not hint.isVisible()
    assert not make_window().preferences.hint


def test_the_tour_goes_from_place_to_place(ui: Driver) -> None:
    ui.qtbot.mouseClick(ui.look.hint.tour, LEFT)
    (tour,) = ui.window.findChildren(Tour)
    assert not ui.look.hint.isVisible()
    assert len(tour.stops) == 5
    for number, stop in enumerate(tour.stops):
        assert tour.number.text() == f"{number + 1} of 5"
        assert ui.window.rect().contains(tour.geometry())
        place = stop.place()
        assert tour.frame.geometry().topLeft() == place.mapTo(ui.window, QPoint(0, 0))
        ui.qtbot.keyClick(tour, Qt.Key.Key_Right)
    ui.until(lambda: ui.window.findChildren(Tour) == [])


def test_the_tour_ends_with_escape_and_leaves_the_window_usable(ui: Driver) -> None:
    ui.do("help.tour")
    (tour,) = ui.window.findChildren(Tour)
    ui.click_patch(3, 3)
    ui.settle()
    assert not isinstance(ui.session.view.query, str)
    ui.qtbot.keyClick(tour, Qt.Key.Key_Escape)
    ui.until(lambda: ui.window.findChildren(Tour) == [])


def test_the_plus_is_in_the_heading_of_the_photos(ui: Driver) -> None:
    heading = ui.window.panels.docks[0].titleBarWidget()
    names = [button.accessibleName() for button in heading.findChildren(QToolButton)]
    assert sorted(names) == ["Close the Photos panel", "Open photos"]
