"""Panes that fail, are slow, or are not wanted any more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from vitviz.errors import Cancelled, VitvizError
from vitviz.gui.commands import compare, file, go
from vitviz.progress import Stage
from vitviz.session.split import split
from vitviz.session.state import PhotoRef

from .conftest import Driver
from .test_panes import asked_since, shown, split_along, states


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
    assert "b: It does not work. Try again." in ui.compare.wipe.numbers.accessibleName()
    ui.do("compare.panes")
    repair()
    ui.compare.retry_requested.emit(1)
    shown(ui)
    assert states(ui)[1].error is None
    assert ui.session == before


def test_the_current_pane_falls_back_to_what_it_showed(ui: Driver) -> None:
    split_along(ui, "methods", ["attention", "rollout"])
    ui.press("compare.go.b")
    error = VitvizError("It does not work.", "Try again.")
    failing(ui, lambda request: request.method == "relevance", error)
    go.choose_view(ui.window, replace(ui.session.view, method="relevance"), "method")
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
                        progress(Stage("block", 0, 6), 0.4)
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
    compare.choose_pane_query(ui.window, 1, (45.0, 30.0))
    ui.until(lambda: [s.cell is not None and s.cell.patches_of_query(0) != ()
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
    ui.compare.retry_requested.emit(2)
    ui.until(lambda: states(ui)[2].cell is not None)
    assert states(ui)[1].cell is None


def test_closing_a_photo_closes_its_panes_also_while_they_compute(
    ui: Driver, photos: list[Path]
) -> None:
    refs = [PhotoRef(str(path)) for path in photos]
    slow = Slow(ui, lambda request: request.photo == refs[1])
    ui.window.store.set(split(ui.session, "photos", list(refs)))
    ui.until(lambda: slow.started)
    file.close_photos(ui.window, (refs[1],))
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
