"""The list of photos with thousands in it: what is near has a thumbnail, and nothing else costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from tests.gui.conftest import Driver
from vitviz.gui.panels.photo_list import MOST_PREVIEWS
from vitviz.gui.panels.photo_model import LABEL, PREVIEW, PhotoModel
from vitviz.gui.panels.photos import PhotosPanel
from vitviz.gui.scene import Scene
from vitviz.gui.threads.service import Preview
from vitviz.session.state import PhotoRef, Session

REFS = tuple(PhotoRef(f"/photos/{number:05}.jpg") for number in range(20_000))


def preview_of(ref: PhotoRef) -> Preview:
    return Preview(ref, np.zeros((6, 9, 3), np.uint8), (600, 900), 1, ())


@pytest.fixture
def panel(qtbot: QtBot) -> PhotosPanel:
    panel = PhotosPanel()
    qtbot.addWidget(panel)
    panel.resize(240, 600)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def show(panel: PhotosPanel, qtbot: QtBot, **session: object) -> tuple[PhotoRef, ...]:
    """Shows a session, and tells which previews are wanted then."""
    with qtbot.waitSignal(panel.previews_wanted) as wanted:
        panel.show_scene(Scene(Session(**session)))  # type: ignore[arg-type]
        panel.list.request_previews()
    return wanted.args[0]


def test_previews_are_wanted_of_what_is_near(panel: PhotosPanel, qtbot: QtBot) -> None:
    wanted = show(panel, qtbot, photos=REFS, selected=0)
    first, last = panel.list.rows_in_sight()
    assert (first, 6 <= last <= 16) == (0, True)
    assert wanted == REFS[:MOST_PREVIEWS]
    for ref in wanted:
        panel.show_preview(preview_of(ref))
    with qtbot.waitSignal(panel.previews_wanted) as signal:
        panel.list.verticalScrollBar().setValue(panel.list.verticalScrollBar().maximum() // 2)
    first, last = panel.list.rows_in_sight()
    assert 9_000 < first < last < 11_000
    (wanted,) = signal.args
    assert wanted[: last - first + 1] == REFS[first : last + 1]
    assert wanted[last - first + 1 : last - first + 3] == (REFS[last + 1], REFS[first - 1])
    assert len(wanted) == MOST_PREVIEWS
    kept = [ref for ref in REFS if panel.preview(ref) is not None]
    assert kept == [REFS[0]], "the chosen photo, and nothing that is far away"


def test_small_lists_have_all_of_them_at_once(panel: PhotosPanel, qtbot: QtBot) -> None:
    few = REFS[:MOST_PREVIEWS]
    assert set(show(panel, qtbot, photos=few, selected=len(few) // 2)) == set(few)


def test_nothing_is_wanted_twice_but_on_another_background(
    panel: PhotosPanel, qtbot: QtBot
) -> None:
    for ref in show(panel, qtbot, photos=REFS[:5], selected=2):
        panel.show_preview(preview_of(ref))
    assert show(panel, qtbot, photos=REFS[:5], selected=2) == ()
    wanted = show(panel, qtbot, photos=REFS[:5], selected=2, background=(1, 2, 3))
    assert set(wanted) == set(REFS[:5])
    assert panel.preview(REFS[2]) is not None, "the old one is shown until the new one is there"
    panel.show_preview(preview_of(REFS[2]))
    again = show(panel, qtbot, photos=REFS[:5], selected=2, background=(1, 2, 3))
    assert set(again) == {*REFS[:5]} - {REFS[2]}


def test_choosing_is_told_once_and_showing_is_not_choosing(
    panel: PhotosPanel, qtbot: QtBot
) -> None:
    told: list[int] = []
    panel.selected.connect(told.append)
    show(panel, qtbot, photos=REFS, selected=3)
    show(panel, qtbot, photos=REFS[2:], selected=1)
    assert (panel.row, told) == (1, [])
    qtbot.keyClick(panel.list, Qt.Key.Key_Right)
    assert (panel.row, told) == (2, [2])
    show(panel, qtbot, photos=(), selected=0)
    assert (panel.row, told) == (-1, [2])


def test_python_is_not_asked_about_every_row(
    panel: PhotosPanel, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Qt lays the whole list out at each change: what it asks of Python then holds the window."""
    show(panel, qtbot, photos=REFS, selected=0)
    calls = 0
    data = PhotoModel.data

    def counted(model: PhotoModel, index: object, role: int = 0) -> object:
        nonlocal calls
        calls += 1
        return data(model, index, role)  # type: ignore[arg-type]

    monkeypatch.setattr(PhotoModel, "data", counted)
    assert "rowCount" not in vars(PhotoModel)
    for ref in REFS[:3]:
        panel.show_preview(preview_of(ref))
        panel.list.executeDelayedItemsLayout()
        panel.grab()
    assert calls < 200


@pytest.mark.parametrize(
    ("old", "new", "removed", "inserted"),
    [
        (REFS[:4], REFS[:9], [], [(4, 8)]),
        (REFS[:9], REFS[:4], [(4, 8)], []),
        (REFS[:6], REFS[:2] + REFS[3:6], [(2, 2)], []),
        (REFS[:3], REFS[7:9], [(0, 2)], [(0, 1)]),
        (REFS[:5], REFS[:2] + REFS[7:8] + REFS[3:5], [(2, 2)], [(2, 2)]),
        (REFS[:3], REFS[:3], [], []),
        (REFS[:3], (), [(0, 2)], []),
    ],
    ids=["opened", "closed last", "closed", "others", "another frame", "same", "none"],
)
def test_only_rows_that_change_are_touched(
    old: tuple[PhotoRef, ...],
    new: tuple[PhotoRef, ...],
    removed: list[tuple[int, int]],
    inserted: list[tuple[int, int]],
) -> None:
    model = PhotoModel()
    model.set_refs(old)
    seen: dict[str, list[tuple[int, int]]] = {"removed": [], "inserted": []}
    model.rowsRemoved.connect(lambda _, first, last: seen["removed"].append((first, last)))
    model.rowsInserted.connect(lambda _, first, last: seen["inserted"].append((first, last)))
    model.set_refs(new)
    assert seen == {"removed": removed, "inserted": inserted}
    assert [model.index(row, 0).data() for row in range(model.rowCount())] == [
        ref.path.removeprefix("/photos/") for ref in new
    ]
    for ref in new:
        model.set_preview(preview_of(ref))
    assert all(model.index(row, 0).data(PREVIEW).ref == ref for row, ref in enumerate(new))


def test_photos_that_are_far_down_come_in_when_they_are_scrolled_to(
    ui: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vitviz.gui.panels.photo_list.MOST_PREVIEWS", 1)
    panel, session = ui.window.panels.photos, ui.session
    panel.setFixedHeight(90)
    panel.show_layout(360, as_rows=False)
    frames = tuple(replace(ref, allow_large=True) for ref in session.photos)
    ui.window.store.set(replace(session, photos=session.photos + frames))
    ui.settle()
    assert panel.preview(frames[2]) is None
    bar = panel.list.verticalScrollBar()
    ui.until(lambda: bar.maximum() > 5 * panel.height())
    bar.setValue(bar.maximum())
    ui.until(lambda: panel.preview(frames[2]) is not None)


NAMED = tuple(
    PhotoRef(f"/photos/{name}") for name in ("b 10.jpg", "a.jpg", "b 9.png", "c.jpg", "d.jpg")
)


def names(panel: PhotosPanel) -> list[str]:
    return [ref.path.removeprefix("/photos/") for ref in panel.photos.refs]


def choose_in(panel: PhotosPanel, title: str) -> None:
    """An entry of the menu that says how the list is sorted."""
    menu = panel.sort.menu()
    next(a for a in menu.actions() if a.text().replace("&", "") == title).trigger()


def test_the_list_is_filtered_by_typing(panel: PhotosPanel, qtbot: QtBot) -> None:
    told: list[int] = []
    panel.selected.connect(told.append)
    show(panel, qtbot, photos=NAMED, selected=1)
    assert panel.foot.count.text() == "5 photos"
    qtbot.keyClicks(panel.search, "B ")
    assert (names(panel), panel.foot.count.text()) == (["b 10.jpg", "b 9.png"], "2 of 5 photos")
    assert (panel.row, told) == (-1, []), "what is shown stays, though it is not in the list"
    rect = panel.list.visualRect(panel.photos.index(1, 0))
    qtbot.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())
    assert told == [2], "told is its place among all"
    panel.show_scene(Scene(Session(photos=NAMED, selected=2)))
    assert panel.row == 1
    panel.search.clear()
    assert (names(panel)[0], panel.row) == ("b 10.jpg", 2)


def test_the_list_is_sorted_and_gone_through_as_it_is_shown(
    panel: PhotosPanel, qtbot: QtBot
) -> None:
    show(panel, qtbot, photos=NAMED, selected=1)
    assert [panel.neighbour(step) for step in (-1, 1)] == [0, 2]
    choose_in(panel, "Name")
    assert names(panel) == ["a.jpg", "b 9.png", "b 10.jpg", "c.jpg", "d.jpg"]
    assert [panel.neighbour(step) for step in (-1, 1)] == [None, 2]
    choose_in(panel, "Backwards")
    assert names(panel)[:2] == ["d.jpg", "c.jpg"]
    assert [panel.neighbour(step) for step in (-1, 1)] == [2, None]
    choose_in(panel, "As Opened")
    choose_in(panel, "Backwards")
    assert panel.photos.refs == NAMED


def test_the_columns_of_a_table_are_offered(panel: PhotosPanel, qtbot: QtBot) -> None:
    show(panel, qtbot, photos=NAMED, selected=0)
    column = {NAMED[3].path: 1.0, NAMED[1].path: 2.0}
    panel.show_table({"entropy": column, "a & b": {NAMED[4].path: "x"}}, "entropy")
    assert names(panel)[:3] == ["c.jpg", "a.jpg", "b 10.jpg"]
    titles = [action.text() for action in panel.sort.menu().actions()]
    assert "a && b" in titles
    assert panel.sort.toolTip() == "Sorted by entropy"


def test_several_are_closed_together(ui: Driver) -> None:
    panel = ui.window.panels.photos
    control = Qt.KeyboardModifier.ControlModifier
    rects = [panel.list.visualRect(panel.photos.index(row, 0)) for row in (0, 2)]
    ui.qtbot.mouseClick(
        panel.list.viewport(), Qt.MouseButton.LeftButton, control, rects[1].center()
    )
    assert panel.chosen == (ui.session.photos[0], ui.session.photos[2])
    assert panel.foot.count.text() == "2 of 3 photos"
    assert ui.session.selected == 2
    ui.qtbot.keyClick(panel.list, Qt.Key.Key_Delete)
    ui.settle()
    assert ui.photo_names() == ["photo1.png"]
    ui.do("edit.undo")
    ui.settle()
    assert len(ui.session.photos) == 3


def test_tiles_fill_the_width_and_the_slider_says_how_many(
    panel: PhotosPanel, qtbot: QtBot
) -> None:
    show(panel, qtbot, photos=REFS[:40], selected=0)
    for tile, columns in ((84, 2), (104, 2), (200, 1), (360, 1)):
        panel.foot.slider.setValue(tile)
        panel.list.executeDelayedItemsLayout()
        assert panel.list.columns == columns
        last = panel.list.visualRect(panel.photos.index(columns - 1, 0))
        assert 0 <= panel.list.viewport().width() - last.right() <= columns + 8
        below = panel.list.visualRect(panel.photos.index(columns, 0))
        assert (below.left(), below.top()) == (0, last.bottom() + 1)
    qtbot.mouseClick(panel.foot.rows, Qt.MouseButton.LeftButton)
    panel.list.executeDelayedItemsLayout()
    rows = [panel.list.visualRect(panel.photos.index(row, 0)) for row in (0, 1)]
    assert rows[0].height() < 60
    assert rows[1].top() == rows[0].bottom() + 1


def test_the_model_says_what_is_on_all_of_them(ui: Driver) -> None:
    panel = ui.window.panels.photos
    assert len(panel.unpredicted) == 2, "the photo that is shown has its prediction"
    first = panel.photos.index(0, 0).data(LABEL)
    best = int(ui.cell.probabilities.argmax())
    assert first.startswith(ui.cell.class_name(best))
    choose_in(panel, "Ask the Model about All")
    ui.until(lambda: not panel.unpredicted)
    choose_in(panel, "Prediction")
    labels = [panel.photos.index(row, 0).data(LABEL).lower() for row in range(3)]
    classes = [label.rpartition(" ")[0].rpartition(" ")[0] for label in labels]
    assert all(classes)
    assert classes == sorted(classes)
    ui.do("go.next_photo")
    ui.settle()
    shown = panel.photos.index(panel.row, 0).data(LABEL)
    best = int(ui.cell.probabilities.argmax())
    assert shown.startswith(ui.cell.class_name(best)), "it is what looking at it gives"
