"""Panes as a user makes, changes and removes them, and what is computed for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from vitviz.gui.commands import compare, go
from vitviz.gui.scene import PaneDrop, PaneState
from vitviz.session import session_file
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
    assert ui.window.views.currentWidget() is ui.compare
    assert ui.compare.invite.isVisible()
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
    assert len(ui.compare.panes) == 2
    ui.press("edit.undo")
    assert ui.session == before


def test_there_is_an_end_to_panes(ui: Driver) -> None:
    for _ in range(MOST_PANES):
        compare.add_pane(ui.window)
    assert len(ui.session.panes) == MOST_PANES
    assert "6 panes" in ui.message
    assert not ui.window.actions_by_id["compare.add"].isEnabled()


def test_without_a_photo_there_is_nothing_to_compare(empty: Driver) -> None:
    compare.add_pane(empty.window)
    assert "Open a photo first" in empty.message
    compare.split_along_layers(empty.window)
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
    go.choose_view(ui.window, replace(ui.session.view, params=(("discard", 0.5),)), "params")
    shown(ui)
    (request,) = asked_since(ui, asked)
    assert (request.method, request.params) == ("rollout", (("discard", 0.5),))


def test_other_panes_wait_for_their_tab(ui: Driver, photos: list[Path]) -> None:
    split_along(ui, "photos", [PhotoRef(str(path)) for path in photos])
    ui.do("view.look")
    asked = len(ui.requests)
    go.choose_view(ui.window, replace(ui.session.view, method="rollout"), "method")
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
    ui.compare.removed.emit(1)
    assert layers(ui) == [2]
    ui.press("edit.undo")
    ui.press("edit.undo")
    assert layers(ui) == [0, 2, 5]
    shown(ui)


def test_linked_panes_share_the_query_as_one_step(ui: Driver, photos: list[Path]) -> None:
    first, second = (PhotoRef(str(path)) for path in photos[:2])  # 90 x 60 and 64 x 100
    split_along(ui, "photos", [first, second])
    before = ui.session
    ui.compare.query_chosen.emit(0, (45.0, 15.0))
    assert [pane.view.query for pane in ui.session.panes] == [(45.0, 15.0), (32.0, 25.0)]
    shown(ui)
    assert [state.cell.patches_of_query(0) != () for state in states(ui)] == [True, True]
    ui.press("edit.undo")
    assert ui.session == before
    ui.press("compare.linked")
    ui.compare.query_chosen.emit(1, (32.0, 25.0))
    assert [pane.view.query for pane in ui.session.panes] == ["auto", (32.0, 25.0)]
    ui.press("compare.linked")
    ui.press("go.query")
    assert [pane.view.query for pane in ui.session.panes] == ["auto", "auto"]


def test_maps_follow_the_cursor_in_all_linked_panes(ui: Driver, photos: list[Path]) -> None:
    ui.press("view.follow")
    split_along(ui, "photos", [PhotoRef(str(path)) for path in photos[:2]])
    ui.compare.hovered.emit(1, (3, 4))

    def patches() -> list[tuple[tuple[int, int], ...]]:
        return [state.cell.patches_of_query(0) for state in states(ui)]

    ui.until(lambda: not ui.window.service.is_busy and patches()[1] == ((3, 4),))
    assert patches()[0] != ()
    assert [pane.view.query for pane in ui.session.panes] == ["auto", "auto"], "nothing was chosen"
    ui.compare.hovered.emit(1, None)
    ui.until(lambda: patches() == [(), ()])
    ui.press("compare.linked")
    ui.compare.hovered.emit(1, (3, 4))
    ui.until(lambda: patches() == [(), ((3, 4),)])


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
        getattr(ui.compare, signal).emit(value)
    compare = ui.session.compare
    assert (compare.linked, compare.shared, compare.arrangement) == (False, False, "wipe")


def test_one_photo_in_two_panes_is_opened_once(ui: Driver, photos: list[Path]) -> None:
    opened: list[object] = []
    ui.window.service.opened.connect(lambda found: opened.append(found.ref))
    split_along(ui, "layers", [0, 2, 5])
    assert opened == []
    assert len({id(state.opened) for state in states(ui)}) == 1
    split_along(ui, "photos", [PhotoRef(str(path)) for path in photos])
    assert sorted(ref.path for ref in opened) == [str(path) for path in photos[1:]]
    ui.press("compare.remove")
    assert len(ui.window.controller.photos.sizes) == 2, "what no pane shows is let go"


def test_dropping_on_a_pane(ui: Driver, photos: list[Path], tmp_path: Path) -> None:
    split_along(ui, "layers", [0, 2])
    view = ui.compare
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
    ui.compare.dropped.emit(PaneDrop(paths=(str(broken),)), 1)
    ui.until(lambda: ui.message)
    assert "broken.png" in ui.message
    assert layers(ui) == [0, 2], "the pane shows again what it showed"
    assert len(ui.photo_names()) == 3
    shown(ui)
    ui.compare.dropped.emit(PaneDrop(paths=(str(broken),)), 2)
    ui.until(lambda: len(ui.session.panes) == 2)
    assert layers(ui) == [0, 2], "a pane that has never shown anything goes"


def test_dropping_a_checkpoint_changes_the_pane_s_model(ui: Driver, tmp_path: Path) -> None:
    split_along(ui, "layers", [0, 2])
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"nothing")
    ui.compare.dropped.emit(PaneDrop(paths=(str(bad),)), 2)
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
    third.window.begin([path])
    third.until(lambda: third.message)
    assert third.session == ui.session, "the pane without its photo keeps its place"
    assert "photo1.png" in third.message


def test_keys_and_zoom_act_on_the_current_pane(ui: Driver) -> None:
    split_along(ui, "layers", [0, 2])
    ui.press("compare.go.b")
    canvas = ui.compare.panes[1].canvas
    assert ui.window.views.canvas is canvas
    before = canvas.viewport.scale
    ui.do("view.zoom_in")
    assert canvas.viewport.scale > before
    ui.do("view.look")
    assert ui.window.views.canvas is ui.window.canvas


def test_linked_panes_look_for_the_very_patch_that_was_clicked(
    ui: Driver, photos: list[Path]
) -> None:
    first, second = (PhotoRef(str(path)) for path in photos[:2])
    go.choose_view(ui.window, replace(ui.session.view, method="similarity"), "method")
    split_along(ui, "photos", [first, second])
    ui.compare.query_chosen.emit(1, (32.0, 25.0))
    shown(ui)
    asked = [(pane.view.query, pane.view.reference) for pane in ui.session.panes]
    assert asked == [((32.0, 25.0), (second,))] * 2
    requests = [state.cell.request for state in states(ui)]
    assert [request.reference for request in requests] == [(second,), ()]
    assert [state.cell.patches_of_query(0) != () for state in states(ui)] == [False, True]
    assert requests[0].asks_elsewhere
    assert f" of {photos[1].name}" in ui.compare.caption.text
    ui.press("go.query")
    assert {pane.view.reference for pane in ui.session.panes} == {()}
