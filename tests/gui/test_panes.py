"""Panes as a user makes, changes and removes them, and what is computed for them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog

from vitviz.errors import Cancelled, VitvizError
from vitviz.gui.dialogs.split import SplitDialog
from vitviz.gui.panes import PaneDrop, PaneState
from vitviz.session import file as session_file
from vitviz.session.split import split
from vitviz.session.state import MOST_PANES, PhotoRef

from .conftest import Driver, draw


def states(ui: Driver) -> tuple[PaneState, ...]:
    return ui.window.controller.pane_states


def all_shown(ui: Driver) -> bool:
    return all(
        state.cell is not None and not state.busy and state.cell.request.photo == state.pane.photo
        for state in states(ui)
    )


def shown(ui: Driver) -> None:
    ui.until(lambda: all_shown(ui))


def layers(ui: Driver) -> list[int]:
    return [pane.view.layer for pane in ui.session.panes]


def split_along(ui: Driver, along: str, values: list[object]) -> None:
    ui.window.store.set(split(ui.session, along, values))  # type: ignore[arg-type]
    shown(ui)


def asked_since(ui: Driver, count: int) -> list[object]:
    return list(ui.requests[count:])


def test_the_tab_with_one_pane_invites(ui: Driver) -> None:
    ui.press("view.compare")
    assert ui.session.tab == "compare"
    assert ui.window.views.currentWidget() is ui.window.compare
    assert ui.window.compare.invite.isVisible()
    assert not ui.window.actions_by_id["compare.remove"].isEnabled()
    ui.press("edit.undo")
    assert ui.session.tab == "look"


def test_adding_a_pane_is_how_comparing_starts(ui: Driver) -> None:
    before, asked = ui.session, len(ui.requests)
    ui.press("compare.add")
    assert ui.session.tab == "compare"
    assert ui.session.panes == (before.pane, before.pane)
    shown(ui)
    assert asked_since(ui, asked) == [], "a copy is there already"
    assert len(ui.window.compare.panes) == 2
    ui.press("edit.undo")
    assert ui.session == before


def test_there_is_an_end_to_panes(ui: Driver) -> None:
    for _ in range(MOST_PANES):
        ui.window.commands.add_pane()
    assert len(ui.session.panes) == MOST_PANES
    assert "6 panes" in ui.message
    assert not ui.window.actions_by_id["compare.add"].isEnabled()


def test_without_a_photo_there_is_nothing_to_compare(empty: Driver) -> None:
    empty.window.commands.add_pane()
    assert "Open a photo first" in empty.message
    empty.window.commands.split()
    assert "Open a photo first" in empty.message
    assert empty.session.compare.others == ()


def test_layers_split_compute_nothing_and_methods_one_each(ui: Driver) -> None:
    asked = len(ui.requests)
    split_along(ui, "layers", [0, 2, 5])
    assert asked_since(ui, asked) == []
    assert [state.cell.heat_map(state.pane.view).layer for state in states(ui)] == [0, 2, 5]
    split_along(ui, "methods", ["attention", "rollout"])
    assert [request.method for request in asked_since(ui, asked)] == ["rollout"]


def test_panels_change_the_current_pane_only(ui: Driver) -> None:
    split_along(ui, "layers", [0, 2, 5])
    ui.press("compare.next")
    assert ui.session.compare.focus == 1
    assert ui.window.panels.layers.filmstrip.layer == 2
    ui.window.panels.layers.layer_chosen.emit(4)
    assert layers(ui) == [0, 4, 5]
    ui.press("compare.go.c")
    assert ui.window.panels.layers.filmstrip.layer == 5
    ui.press("edit.undo")
    assert layers(ui) == [0, 2, 5], "which pane is current is nothing to undo"
    assert ui.session.compare.focus == 1, "but what is undone is to be seen"
    ui.press("compare.previous")
    ui.press("compare.previous")
    assert ui.session.compare.focus == 2, "round and round"


def test_look_shows_the_current_pane(ui: Driver) -> None:
    split_along(ui, "layers", [0, 2, 5])
    ui.press("compare.go.b")
    ui.do("view.look")
    assert ui.window.canvas.heat_map.layer == 2
    ui.press("go.next_layer")
    ui.do("view.compare")
    assert layers(ui) == [0, 3, 5]


def test_changing_one_pane_computes_one(ui: Driver) -> None:
    split_along(ui, "methods", ["attention", "rollout", "relevance"])
    asked = len(ui.requests)
    ui.press("compare.go.b")
    ui.window.commands.choose_view(replace(ui.session.view, params=(("discard", 0.5),)), "params")
    shown(ui)
    (request,) = asked_since(ui, asked)
    assert (request.method, request.params) == ("rollout", (("discard", 0.5),))


def test_other_panes_wait_for_their_tab(ui: Driver, photos: list[Path]) -> None:
    split_along(ui, "photos", [PhotoRef(str(path)) for path in photos])
    ui.do("view.look")
    asked = len(ui.requests)
    ui.window.commands.choose_view(replace(ui.session.view, method="rollout"), "method")
    ui.settle()
    assert len(asked_since(ui, asked)) == 1
    ui.do("view.compare")
    shown(ui)
    assert len(asked_since(ui, asked)) == 1, "the others kept what they had"


def test_removing_and_moving(ui: Driver) -> None:
    split_along(ui, "layers", [0, 2, 5])
    ui.press("compare.on")
    assert (layers(ui), ui.session.compare.focus) == ([2, 0, 5], 1)
    ui.press("compare.back")
    assert layers(ui) == [0, 2, 5]
    ui.press("compare.remove")
    assert (layers(ui), ui.session.compare.focus) == ([2, 5], 0)
    ui.window.compare.removed.emit(1)
    assert layers(ui) == [2]
    ui.press("edit.undo")
    ui.press("edit.undo")
    assert layers(ui) == [0, 2, 5]
    shown(ui)


def test_linked_panes_share_the_query_as_one_step(ui: Driver, photos: list[Path]) -> None:
    first, second = (PhotoRef(str(path)) for path in photos[:2])  # 90 x 60 and 64 x 100
    split_along(ui, "photos", [first, second])
    before = ui.session
    ui.window.compare.query_chosen.emit(0, (45.0, 15.0))
    assert [pane.view.query for pane in ui.session.panes] == [(45.0, 15.0), (32.0, 25.0)]
    shown(ui)
    assert [state.cell.query_patch is not None for state in states(ui)] == [True, True]
    ui.press("edit.undo")
    assert ui.session == before
    ui.press("compare.linked")
    ui.window.compare.query_chosen.emit(1, (32.0, 25.0))
    assert [pane.view.query for pane in ui.session.panes] == ["cls", (32.0, 25.0)]
    ui.press("compare.linked")
    ui.press("go.cls")
    assert [pane.view.query for pane in ui.session.panes] == ["cls", "cls"]


def test_maps_follow_the_cursor_in_all_linked_panes(ui: Driver, photos: list[Path]) -> None:
    ui.press("view.follow")
    split_along(ui, "photos", [PhotoRef(str(path)) for path in photos[:2]])
    ui.window.compare.hovered.emit(1, (3, 4))

    def patches() -> list[tuple[int, int] | None]:
        return [state.cell.query_patch for state in states(ui)]

    ui.until(lambda: not ui.window.service.is_busy and patches()[1] == (3, 4))
    assert patches()[0] is not None
    assert [pane.view.query for pane in ui.session.panes] == ["cls", "cls"], "nothing was chosen"
    ui.window.compare.hovered.emit(1, None)
    ui.until(lambda: patches() == [None, None])
    ui.press("compare.linked")
    ui.window.compare.hovered.emit(1, (3, 4))
    ui.until(lambda: patches() == [None, (3, 4)])


def test_arrangements_ranges_and_pairs(ui: Driver) -> None:
    split_along(ui, "layers", [0, 2, 5])
    for name in ("difference", "wipe", "panes"):
        ui.do(f"compare.{name}")
        assert ui.session.compare.arrangement == name
        assert ui.window.actions_by_id[f"compare.{name}"].isChecked()
    ui.press("compare.shared")
    assert ui.session.compare.shared
    ui.press("compare.go.c")
    ui.press("compare.difference")
    assert ui.session.compare.pair == (0, 2), "the current one against the first of the two"
    ui.do("compare.pair")
    assert ui.session.compare.pair == (2, 0)
    ui.press("compare.swap")
    assert ui.session.compare.pair == (0, 2)
    for signal, value in (
        ("linked_chosen", False), ("shared_chosen", False), ("arrangement_chosen", "wipe"),
    ):  # fmt: skip
        getattr(ui.window.compare, signal).emit(value)
    compare = ui.session.compare
    assert (compare.linked, compare.shared, compare.arrangement) == (False, False, "wipe")


def failing(ui: Driver, when: Callable[[object], bool], error: Exception) -> Callable[[], None]:
    """From now on such requests fail; call what comes back to end that."""
    answer, broken = ui.window.service.engine.answer, [True]

    def fails(request, progress):
        if broken and when(request):
            raise error
        return answer(request, progress)

    ui.window.service.engine.answer = fails
    return broken.clear


def test_a_failing_pane_says_so_and_changes_nothing_else(ui: Driver) -> None:
    error = VitvizError("It does not work.", "Try again.")
    repair = failing(ui, lambda request: request.method == "rollout", error)
    before = split(ui.session, "methods", ["attention", "rollout", "relevance"])
    ui.window.store.set(before)
    ui.until(lambda: states(ui)[1].error is error)
    ui.until(lambda: not ui.window.service.is_busy)
    assert ui.session == before
    assert [state.cell is None for state in states(ui)] == [False, True, False]
    assert not ui.message, "the pane says it"
    asked = len(ui.requests)
    ui.press("compare.go.b")
    ui.press("compare.go.a")
    assert asked_since(ui, asked) == [], "looking at it does not ask again"
    assert ui.session == before
    ui.press("compare.wipe")
    assert "b: It does not work. Try again." in ui.window.compare.wipe.numbers.accessibleName()
    ui.do("compare.panes")
    repair()
    ui.window.compare.retry_requested.emit(1)
    shown(ui)
    assert states(ui)[1].error is None
    assert ui.session == before


def test_the_current_pane_falls_back_to_what_it_showed(ui: Driver) -> None:
    split_along(ui, "methods", ["attention", "rollout"])
    ui.press("compare.go.b")
    error = VitvizError("It does not work.", "Try again.")
    failing(ui, lambda request: request.method == "relevance", error)
    ui.window.commands.choose_view(replace(ui.session.view, method="relevance"), "method")
    ui.until(lambda: ui.message)
    assert [pane.view.method for pane in ui.session.panes] == ["attention", "rollout"]
    shown(ui)


def test_a_current_pane_without_an_answer_keeps_its_error_until_it_is_looked_at(
    ui: Driver,
) -> None:
    error = VitvizError("It does not work.", "Try again.")
    repair = failing(ui, lambda request: request.method == "rollout", error)
    ui.window.store.set(split(ui.session, "methods", ["attention", "rollout"]))
    ui.until(lambda: states(ui)[1].error is error)
    ui.press("compare.go.b")
    assert ui.window.controller.shown_cell is None
    ui.do("view.look")  # which cannot show it: it is tried again, and said
    ui.until(lambda: ui.message)
    assert "It does not work" in ui.message
    assert ui.session.view.method == "rollout"
    repair()
    ui.do("view.compare")
    ui.do("view.look")
    ui.settle()
    assert ui.cell.request.method == "rollout"


class Slow:
    """Requests that wait until they are let go, or nobody wants them."""

    def __init__(self, ui: Driver, when: Callable[[object], bool]) -> None:
        self.started: list[object] = []
        self.cancelled: list[object] = []
        self.go_on = threading.Event()
        answer = ui.window.service.engine.answer

        def slowly(request, progress):
            if when(request):
                self.started.append(request)
                try:
                    while not self.go_on.wait(0.002):
                        progress("forward, block 1 of 6", 0.4)
                except Cancelled:
                    self.cancelled.append(request)
                    raise
            return answer(request, progress)

        ui.window.service.engine.answer = slowly


def test_a_slow_pane_does_not_hold_up_the_others(ui: Driver) -> None:
    slow = Slow(ui, lambda request: request.method == "rollout")
    ui.window.store.set(split(ui.session, "methods", ["rollout", "relevance", "attention"]))
    ui.until(lambda: states(ui)[1].cell is not None)
    ui.until(lambda: states(ui)[0].stage)
    state = states(ui)[0]
    assert (state.busy, state.cell, state.fraction) == (True, None, 0.4)
    ui.window.commands.choose_pane_query(1, (45.0, 30.0))
    ui.until(lambda: [s.cell is not None and s.cell.query_patch is not None
                      for s in states(ui)] == [False, True, True])  # fmt: skip
    slow.go_on.set()
    shown(ui)


def test_work_that_is_still_wanted_goes_on(ui: Driver) -> None:
    slow = Slow(ui, lambda request: request.method == "rollout")
    ui.window.store.set(split(ui.session, "methods", ["attention", "rollout"]))
    ui.until(lambda: slow.started)
    ui.window.panels.layers.layer_chosen.emit(1)  # of the first pane
    ui.press("compare.go.b")
    ui.press("compare.add")
    assert slow.cancelled == []
    slow.go_on.set()
    shown(ui)
    assert len(slow.started) == 1, "two panes, one request"


def test_cancelling_says_so_in_the_panes_that_have_nothing(ui: Driver) -> None:
    slow = Slow(ui, lambda request: request.method != "attention")
    ui.window.store.set(split(ui.session, "methods", ["attention", "rollout", "relevance"]))
    ui.until(lambda: len(slow.started) == 2)
    ui.press("model.cancel")
    ui.until(lambda: len(slow.cancelled) == 2)
    errors = [state.error for state in states(ui)]
    assert [isinstance(error, Cancelled) for error in errors] == [False, True, True]
    assert not ui.message
    ui.press("view.grid")
    assert not ui.window.service.is_busy
    slow.go_on.set()
    ui.window.compare.retry_requested.emit(2)
    ui.until(lambda: states(ui)[2].cell is not None)
    assert states(ui)[1].cell is None


def test_closing_a_photo_closes_its_panes_also_while_they_compute(
    ui: Driver, photos: list[Path]
) -> None:
    refs = [PhotoRef(str(path)) for path in photos]
    slow = Slow(ui, lambda request: request.photo == refs[1])
    ui.window.store.set(split(ui.session, "photos", list(refs)))
    ui.until(lambda: slow.started)
    ui.window.commands.close_photo_at(1)
    assert [pane.photo for pane in ui.session.panes] == [refs[0], refs[2]]
    ui.until(lambda: slow.cancelled)
    shown(ui)
    ui.do("file.close")
    assert [pane.photo for pane in ui.session.panes] == [refs[2]]
    shown(ui)
    ui.do("file.close_all")
    assert ui.session.photo is None
    assert len(states(ui)) == 1
    ui.press("edit.undo")
    ui.press("edit.undo")
    ui.press("edit.undo")
    slow.go_on.set()
    assert [pane.photo for pane in ui.session.panes] == refs
    shown(ui)


def test_one_photo_in_two_panes_is_opened_once(ui: Driver, photos: list[Path]) -> None:
    opened: list[object] = []
    ui.window.service.opened.connect(lambda found: opened.append(found.ref))
    split_along(ui, "layers", [0, 2, 5])
    assert opened == []
    assert len({id(state.opened) for state in states(ui)}) == 1
    split_along(ui, "photos", [PhotoRef(str(path)) for path in photos])
    assert sorted(ref.path for ref in opened) == [str(path) for path in photos[1:]]
    ui.press("compare.remove")
    assert len(ui.window.controller.photo_sizes) == 2, "what no pane shows is let go"


def test_dropping_on_a_pane(ui: Driver, photos: list[Path], tmp_path: Path) -> None:
    split_along(ui, "layers", [0, 2])
    view = ui.window.compare
    view.dropped.emit(PaneDrop(photo=PhotoRef(str(photos[1]))), 1)
    shown(ui)
    assert [pane.photo.path for pane in ui.session.panes] == [str(p) for p in photos[:2]]
    assert ui.session.compare.focus == 1
    view.dropped.emit(PaneDrop(layer=4, head=1), 0)
    assert (ui.session.panes[0].view.layer, ui.session.panes[0].view.head) == (4, 1)
    other = draw(tmp_path / "other.png", 50, 40, seed=9)
    view.dropped.emit(PaneDrop(paths=(str(other),)), 2)
    shown(ui)
    assert len(ui.session.panes) == 3
    assert ui.session.photo.path == str(other)
    assert ui.photo_names()[-1] == "other.png"
    ui.press("edit.undo")
    assert len(ui.session.panes) == 2
    assert len(ui.session.photos) == 3


def test_dropping_a_file_that_is_no_photo(ui: Driver, tmp_path: Path) -> None:
    split_along(ui, "layers", [0, 2])
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no photo")
    ui.window.compare.dropped.emit(PaneDrop(paths=(str(broken),)), 1)
    ui.until(lambda: ui.message)
    assert "broken.png" in ui.message
    assert layers(ui) == [0, 2], "the pane shows again what it showed"
    assert len(ui.photo_names()) == 3
    shown(ui)
    ui.window.compare.dropped.emit(PaneDrop(paths=(str(broken),)), 2)
    ui.until(lambda: len(ui.session.panes) == 2)
    assert layers(ui) == [0, 2], "a pane that has never shown anything goes"


def test_dropping_a_checkpoint_changes_the_pane_s_model(ui: Driver, tmp_path: Path) -> None:
    split_along(ui, "layers", [0, 2])
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"nothing")
    ui.window.compare.dropped.emit(PaneDrop(paths=(str(bad),)), 2)
    ui.until(lambda: states(ui)[2].error is not None)
    assert [pane.model for pane in ui.session.panes][2] == str(bad)
    assert not ui.message, "the pane says it"
    ui.press("compare.remove")
    shown(ui)


def test_all_panes_are_in_the_session_file(
    ui: Driver, photos: list[Path], tmp_path: Path, make_window, qtbot
) -> None:
    split_along(ui, "photos", [PhotoRef(str(path)) for path in photos])
    ui.window.panels.layers.layer_chosen.emit(1)
    path = tmp_path / "panes.vitviz"
    session_file.save(ui.session, path)
    other = Driver(make_window(), qtbot)
    other.begin([path])
    shown(other)
    assert other.session == ui.session
    photos[1].unlink()
    third = Driver(make_window(), qtbot)
    third.begin([path])
    shown(third)
    assert len(third.session.panes) == 2
    assert "photo1.png" in third.message


@pytest.fixture
def answer_split(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[SplitDialog], None]]:
    """What is done with the dialog, before it is accepted."""
    done: list[Callable[[SplitDialog], None]] = []

    def accept(dialog: QDialog) -> QDialog.DialogCode:
        assert isinstance(dialog, SplitDialog)
        for act in done:
            act(dialog)
        return QDialog.DialogCode.Accepted

    monkeypatch.setattr(QDialog, "exec", accept)
    return done


@pytest.mark.parametrize(
    ("along", "count"),
    [("layers", 6), ("heads", 3), ("methods", 5), ("models", 1), ("photos", 3), ("classes", 3)],
)
def test_the_dialog_offers_what_there_is(
    ui: Driver, answer_split: list[Callable[[SplitDialog], None]], along: str, count: int
) -> None:
    ui.do(f"compare.along.{along}")
    shown(ui)
    assert len(ui.session.panes) == count
    assert ui.session.tab == "compare"


def test_ticking_in_the_dialog(
    ui: Driver, answer_split: list[Callable[[SplitDialog], None]]
) -> None:
    def five(dialog: SplitDialog) -> None:
        dialog.choice.setCurrentIndex(0)
        for row in (0, 2, 3):
            dialog.list.itemClicked.emit(dialog.list.item(row))
        assert dialog.values == [3, 4, 7, 9, 11]
        assert dialog.count.text() == "5 panes"
        ui.qtbot.keyClick(dialog.list, Qt.Key.Key_Space)
        assert dialog.values == [0, 3, 4, 7, 9, 11]
        ui.qtbot.keyClick(dialog.list, Qt.Key.Key_Space)
        dialog.show()  # a button that is not to be seen is not pressed
        with ui.qtbot.waitSignal(dialog.accepted):
            ui.qtbot.keyClick(dialog.list, Qt.Key.Key_Return)
        assert dialog.accept_button.isEnabled()

    answer_split.append(five)
    ui.do("compare.split")
    shown(ui)
    assert layers(ui) == [3, 4, 7, 9, 11]
    assert ui.session.compare.focus == 4, "the last layer was the current one"


def test_too_many_and_none_cannot_be_accepted(ui: Driver, answer_split) -> None:
    seen: list[str] = []

    def look(dialog: SplitDialog) -> None:
        dialog.choice.setCurrentIndex(5)
        assert dialog.search.isVisibleTo(dialog)
        for row in range(3, 8):
            dialog.list.itemClicked.emit(dialog.list.item(row))
        seen.append(dialog.count.text())
        assert not dialog.accept_button.isEnabled()
        dialog.search.setText("panda")
        hidden = [dialog.list.item(row).isHidden() for row in range(dialog.list.count())]
        assert 0 < hidden.count(False) < 10
        for row in range(8):
            dialog.list.itemClicked.emit(dialog.list.item(row))
        assert not dialog.accept_button.isEnabled()
        dialog.choice.setCurrentIndex(0)

    answer_split.append(look)
    ui.do("compare.split")
    assert seen == ["8 panes: 6 are the most that can be read"]


def test_photos_from_files_in_the_dialog(
    ui: Driver, answer_split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = draw(tmp_path / "other.png", 50, 40, seed=9)
    monkeypatch.setattr(
        "vitviz.gui.dialogs.split.QFileDialog.getOpenFileNames", lambda *_: ([str(other)], "")
    )
    answer_split.append(lambda dialog: dialog.files.click())
    ui.do("compare.along.photos")
    shown(ui)
    assert len(ui.session.panes) == 4
    assert ui.photo_names()[-1] == "other.png"


def test_keys_and_zoom_act_on_the_current_pane(ui: Driver) -> None:
    split_along(ui, "layers", [0, 2])
    ui.press("compare.go.b")
    canvas = ui.window.compare.panes[1].canvas
    assert ui.window.shown_canvas is canvas
    before = canvas.viewport.scale
    ui.do("view.zoom_in")
    assert canvas.viewport.scale > before
    ui.do("view.look")
    assert ui.window.shown_canvas is ui.window.canvas
