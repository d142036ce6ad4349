"""The list of photos with thousands in it: what is near has a thumbnail, and nothing else costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from tests.gui.conftest import Driver
from vitviz.gui.panels.photo_model import PREVIEW, PhotoModel
from vitviz.gui.panels.photos import MOST_PREVIEWS, PhotosPanel
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
        panel._later.start()
    return wanted.args[0]


def test_previews_are_wanted_of_what_is_near(panel: PhotosPanel, qtbot: QtBot) -> None:
    wanted = show(panel, qtbot, photos=REFS, selected=0)
    first, last = panel.rows_in_sight()
    assert (first, 2 <= last <= 8) == (0, True)
    assert wanted == REFS[:MOST_PREVIEWS]
    for ref in wanted:
        panel.show_preview(preview_of(ref))
    with qtbot.waitSignal(panel.previews_wanted) as signal:
        panel.verticalScrollBar().setValue(panel.verticalScrollBar().maximum() // 2)
    first, last = panel.rows_in_sight()
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
    qtbot.keyClick(panel, Qt.Key.Key_Down)
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
        panel.executeDelayedItemsLayout()
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
    assert [model.index(row).data() for row in range(model.rowCount())] == [
        ref.path.removeprefix("/photos/") for ref in new
    ]
    for ref in new:
        model.set_preview(preview_of(ref))
    assert all(model.index(row).data(PREVIEW).ref == ref for row, ref in enumerate(new))


def test_photos_that_are_far_down_come_in_when_they_are_scrolled_to(
    ui: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vitviz.gui.panels.photos.MOST_PREVIEWS", 1)
    panel, session = ui.window.panels.photos, ui.session
    panel.setFixedHeight(90)
    frames = tuple(replace(ref, allow_large=True) for ref in session.photos)
    ui.window.store.set(replace(session, photos=session.photos + frames))
    ui.settle()
    assert panel.preview(frames[2]) is None
    bar = panel.verticalScrollBar()
    ui.until(lambda: bar.maximum() > 5 * panel.height())
    bar.setValue(bar.maximum())
    ui.until(lambda: panel.preview(frames[2]) is not None)
