"""What can be dragged, where it can be dropped, and what that asks for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray, QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import (
    QDrag,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QMouseEvent,
)
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tests.gui.compare_cells import session_of, show, state
from tests.gui.conftest import Driver
from vitviz.gui.commands.view import choose_tab
from vitviz.gui.scene import PaneDrop
from vitviz.gui.top_bar import Tab
from vitviz.gui.views.compare.view import CompareView
from vitviz.gui.widgets import drops
from vitviz.session.state import PhotoRef, View

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier
COPY = Qt.DropAction.CopyAction
DROPS = (
    PaneDrop(photo=PhotoRef("/a/ph oto.png", 3, True)),
    PaneDrop(layer=7, head=2),
    PaneDrop(layer=0, head="mean"),
    PaneDrop(layer=4),
)


def enter(widget: QWidget, data: QMimeData, at: QPoint | None = None) -> bool:
    """Drags something over a widget; whether it takes it."""
    point = at or widget.rect().center()
    event = QDragEnterEvent(point, COPY, data, LEFT, NONE)
    event.ignore()
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def drop(widget: QWidget, data: QMimeData) -> None:
    assert enter(widget, data)
    centre = QPointF(widget.rect().center())
    QApplication.sendEvent(widget, QDropEvent(centre, COPY, data, LEFT, NONE))


def leave(widget: QWidget) -> None:
    QApplication.sendEvent(widget, QDragLeaveEvent())


def files(*paths: str) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(path) for path in paths])
    return data


def move(widget: QWidget, *points: QPoint) -> None:
    """Moves the pointer with the left button down."""
    for point in points:
        event = QMouseEvent(
            QEvent.Type.MouseMove, QPointF(point), QPointF(widget.mapToGlobal(point)),
            Qt.MouseButton.NoButton, LEFT, NONE,
        )  # fmt: skip
        QApplication.sendEvent(widget, event)


@pytest.fixture
def drags(monkeypatch: pytest.MonkeyPatch) -> list[QMimeData]:
    """What is dragged away; it is never dropped."""
    seen: list[QMimeData] = []

    def take(drag: QDrag, *_: object) -> Qt.DropAction:
        copy = QMimeData()
        for name in drag.mimeData().formats():
            copy.setData(name, drag.mimeData().data(name))
        seen.append(copy)
        return Qt.DropAction.IgnoreAction

    monkeypatch.setattr(QDrag, "exec", take)
    return seen


@pytest.fixture
def view(qtbot: QtBot) -> CompareView:
    widget = CompareView()
    qtbot.addWidget(widget)
    widget.resize(1000, 700)
    widget.show()
    states = tuple(state(view=View(layer=layer)) for layer in range(3))
    show(widget, states, session_of(states))
    return widget


def heard(view: CompareView) -> list[tuple[object, ...]]:
    said: list[tuple[object, ...]] = []
    view.dropped.connect(lambda what, index: said.append((what, index)))
    view.moved.connect(lambda index, to: said.append(("moved", index, to)))
    return said


# Mime data


@pytest.mark.parametrize("what", DROPS)
def test_what_is_dragged_arrives(what: PaneDrop) -> None:
    assert drops.dropped(drops.drop_data(what)) == what


def test_files_arrive_as_paths(tmp_path: Path) -> None:
    path = str(tmp_path / "ä photo.png")
    assert drops.dropped(files(path)) == PaneDrop(paths=(path,))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"photo": {"x": 1}}', b"\xff\xfe"])
def test_other_programs_cannot_harm(content: bytes) -> None:
    data = QMimeData()
    data.setData(drops.DROP, QByteArray(content))
    data.setData(drops.PANE, QByteArray(content))
    assert drops.dropped(data) is None
    assert drops.dropped_pane(data) is None


@pytest.mark.parametrize("fields", [
    {"layer": "x"}, {"layer": -1}, {"head": "best"}, {"head": -2}, {"head": [1]},
    {"photo": {"path": 5}}, {"photo": {"path": "a", "frame": -1}}, {"layer": True},
])  # fmt: skip
def test_nonsense_is_not_taken(fields: dict[str, object]) -> None:
    data = QMimeData()
    content = {"photo": None, "layer": None, "head": None, "paths": [], **fields}
    data.setData(drops.DROP, QByteArray(json.dumps(content).encode()))
    assert drops.dropped(data) is None


def test_words() -> None:
    assert [drops.words(what) for what in DROPS] == [
        "ph oto.png", "layer 8, head 3", "layer 1, mean", "layer 5",
    ]  # fmt: skip
    assert drops.words(PaneDrop(paths=("/a/b.png", "/a/c.png"))) == "b.png and 1 more"


# Dropping


@pytest.mark.parametrize("what", DROPS)
def test_a_drop_on_a_pane(view: CompareView, what: PaneDrop) -> None:
    said = heard(view)
    drop(view.panes[1], drops.drop_data(what))
    assert said == [(what, 1)]


def test_files_on_a_pane_and_beside_them(view: CompareView, tmp_path: Path) -> None:
    said = heard(view)
    path = str(tmp_path / "x.png")
    drop(view.panes[2], files(path))
    drop(view, files(path))
    assert said == [(PaneDrop(paths=(path,)), 2), (PaneDrop(paths=(path,)), 3)]


def test_a_drop_beside_the_panes_is_one_more_until_there_are_six(view: CompareView) -> None:
    said = heard(view)
    drop(view, drops.drop_data(DROPS[1]))
    assert said == [(DROPS[1], 3)]
    states = tuple(state(seed=i) for i in range(6))
    show(view, states, session_of(states))
    assert not enter(view, drops.drop_data(DROPS[1]))
    assert enter(view.panes[5], drops.drop_data(DROPS[1]))


def test_a_pane_on_another(view: CompareView) -> None:
    said = heard(view)
    drop(view.panes[1], drops.pane_data(1))
    assert said == []
    drop(view.panes[2], drops.pane_data(0))
    drop(view, drops.pane_data(1))
    assert said == [("moved", 0, 2), ("moved", 1, 2)]


def test_other_things_are_left_to_others(view: CompareView) -> None:
    data = QMimeData()
    data.setText("words")
    assert not enter(view.panes[0], data)
    assert not enter(view, data)


def test_hints_say_what_a_drop_would_do(view: CompareView, qtbot: QtBot) -> None:
    pane = view.panes[1]
    enter(pane, drops.drop_data(DROPS[1]))
    assert pane._hint.isVisible()
    assert pane._hint.words == "Show layer 8, head 3 here"
    assert view._hint.isVisible()
    leave(pane)
    assert not pane._hint.isVisible()
    qtbot.waitUntil(lambda: not view._hint.isVisible())
    enter(pane, drops.drop_data(DROPS[1]))
    enter(view, drops.drop_data(DROPS[1]))
    drop(pane, drops.drop_data(DROPS[1]))
    assert not pane._hint.isVisible()
    qtbot.waitUntil(lambda: not view._hint.isVisible())


# Dragging


def test_a_pane_is_dragged_by_its_heading(
    view: CompareView, drags: list[QMimeData], qtbot: QtBot
) -> None:
    heading = view.panes[2].heading
    qtbot.mousePress(heading, LEFT, pos=QPoint(30, 8))
    move(heading, QPoint(33, 8), QPoint(60, 30))
    assert [drops.dropped_pane(data) for data in drags] == [2]


def test_a_map_is_dragged_from_the_heads_view_and_a_click_still_opens_it(
    ui: Driver, drags: list[QMimeData]
) -> None:
    choose_tab(ui.window, "heads")
    matrix = ui.heads.matrix
    ui.until(lambda: matrix.drawn > 4 and not matrix.busy)
    place = matrix.layout_of_tiles.box((1, 2)).center().toPoint()
    ui.qtbot.mousePress(matrix.viewport(), LEFT, pos=place)
    move(matrix.viewport(), place + QPoint(3, 0), place + QPoint(40, 30))
    ui.qtbot.mouseRelease(matrix.viewport(), LEFT, pos=place)
    assert [drops.dropped(data) for data in drags] == [PaneDrop(layer=1, head=1)]
    assert ui.session.tab == "heads"
    ui.qtbot.mouseClick(matrix.viewport(), LEFT, pos=place)
    assert (ui.session.tab, ui.session.view.layer, ui.session.view.head) == ("look", 1, 1)


def test_a_layer_is_dragged_out_of_the_filmstrip_and_not_chosen(
    ui: Driver, drags: list[QMimeData]
) -> None:
    strip = ui.window.panels.layers.filmstrip
    before = strip.layer
    first, third = (strip.tile_rect(layer).center() for layer in (0, 2))
    ui.qtbot.mousePress(strip, LEFT, pos=first)
    move(strip, third)
    assert strip.layer == 2
    move(strip, QPoint(third.x(), -30))
    assert [drops.dropped(data) for data in drags] == [PaneDrop(layer=2)]
    assert strip.layer == before
    move(strip, first)
    assert strip.layer == before


def test_a_photo_is_dragged_from_the_list_and_not_chosen(
    ui: Driver, drags: list[QMimeData]
) -> None:
    panel = ui.window.panels.photos.list
    rows = [panel.visualRect(panel.photos.index(row, 0)).center() for row in (1, 2)]
    ui.qtbot.mousePress(panel.viewport(), LEFT, pos=rows[0])
    move(panel.viewport(), rows[0] + QPoint(2, 2), rows[0] + QPoint(40, 40))
    ui.qtbot.mouseRelease(panel.viewport(), LEFT, pos=rows[0])
    assert [drops.dropped(data) for data in drags] == [PaneDrop(photo=ui.session.photos[1])]
    assert ui.session.selected == 0
    assert panel.row == 0
    ui.qtbot.mouseClick(panel.viewport(), LEFT, pos=rows[0])
    assert ui.session.selected == 1
    ui.settle()


def test_a_drag_over_the_compare_tab_opens_it(ui: Driver) -> None:
    (tab,) = ui.window.top_bar.findChildren(Tab)
    data = drops.drop_data(PaneDrop(layer=1))
    assert enter(tab, data)
    leave(tab)
    assert not tab._over.isActive()
    assert ui.session.tab == "look"
    enter(tab, data)
    ui.until(lambda: ui.session.tab == "compare")


# All of it, in the window


def test_a_photo_and_a_map_become_panes(ui: Driver) -> None:
    view = ui.compare
    choose_tab(ui.window, "compare")
    drop(view.invite.parentWidget().parentWidget().parentWidget(),
         drops.drop_data(PaneDrop(photo=ui.session.photos[1])))  # fmt: skip
    assert [pane.photo for pane in ui.session.panes] == list(ui.session.photos[:2])
    drop(view.panes[0], drops.drop_data(PaneDrop(layer=1, head=2)))
    ui.until(lambda: all(pane.canvas.heat_map is not None for pane in view.panes))
    first = ui.session.panes[0].view
    assert (first.layer, first.head) == (1, 2)
    assert view.panes[0].canvas.heat_map.head == 2
    drop(view.panes[1], drops.pane_data(0))
    assert [pane.photo for pane in ui.session.panes] == list(ui.session.photos[1::-1])
    assert ui.session.panes[1].view.head == 2
    ui.settle()


@pytest.mark.parametrize("proposed", [Qt.DropAction.MoveAction, Qt.DropAction.LinkAction])
def test_a_drop_is_never_answered_with_move(ui: Driver, tmp_path: Path, proposed) -> None:
    """A file manager deletes what was moved; with Shift held it proposes that."""
    data = files(str(tmp_path / "missing.png"))
    taking = [ui.window, *ui.window.findChildren(CompareView)]
    for widget in taking:
        offered = COPY | Qt.DropAction.MoveAction | Qt.DropAction.LinkAction
        entered = QDragEnterEvent(
            QPoint(5, 5), offered, data, LEFT, Qt.KeyboardModifier.ShiftModifier
        )
        entered.setDropAction(proposed)
        entered.ignore()
        QApplication.sendEvent(widget, entered)
        assert (entered.isAccepted(), entered.dropAction()) == (True, COPY)
        dropped = QDropEvent(QPointF(5, 5), offered, data, LEFT, Qt.KeyboardModifier.ShiftModifier)
        dropped.setDropAction(proposed)
        QApplication.sendEvent(widget, dropped)
        assert dropped.dropAction() == COPY


def test_nobody_takes_the_action_that_a_drop_proposes() -> None:
    sources = Path("vitviz/gui").rglob("*.py")
    assert [path for path in sources if "acceptProposedAction" in path.read_text("utf-8")] == []


@pytest.mark.parametrize(
    ("name", "prefix"),
    [("deit_tiny_patch16_224.pth", ("cls",)), ("dinov2_small_saliency.safetensors", ("cls",))],
)
def test_real_weights_open_by_a_drop_with_nothing_asked(
    ui: Driver, shared: Path, name: str, prefix: tuple[str, ...]
) -> None:
    path = shared / "data" / "checkpoints" / name
    drop(ui.window, files(str(path)))
    ui.until(lambda: ui.session.model == str(path))
    ui.settle()
    ui.until(lambda: ui.cell.request.model == str(path))
    assert (ui.cell.outline.prefix, ui.cell.outline.depth) == (prefix, 12)
    assert ui.message == ""
    assert QApplication.activeModalWidget() is None
