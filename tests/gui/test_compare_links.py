"""What goes together in linked panes: cursor, zoom, pan."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication

from tests.gui.compare_cells import (
    FINER,
    MIDDLE,
    TALL,
    WHOLE,
    layers,
    point_at,
    session_of,
    show,
    state,
    values,
)
from vitviz.gui.canvas.canvas import Canvas
from vitviz.gui.canvas.viewport import visible_part
from vitviz.gui.views.compare.view import CompareView


def test_the_cursor_goes_to_the_same_place_on_other_grids(compare_view: CompareView) -> None:
    states = (state(), state(geometry=FINER, seed=1), state(geometry=MIDDLE, seed=2))
    show(compare_view, states, session_of(states))
    heard: list[tuple[int, object]] = []
    compare_view.hovered.connect(lambda index, patch: heard.append((index, patch)))
    point_at(compare_view.panes[0], 260, 130)
    assert [pane.canvas.cursor_patch for pane in compare_view.panes] == [(1, 2), (2, 5), (1, 1)]
    assert heard == [(0, (1, 2))]
    for pane, shown in zip(compare_view.panes, states, strict=True):
        patch = pane.canvas.cursor_patch
        assert patch is not None
        value, rank = pane.numbers.text.split(" · ")
        assert float(value) == pytest.approx(float(values(shown)[patch]), rel=0.01)
        greater = int((values(shown) > values(shown)[patch]).sum())
        assert rank == f"rank {greater + 1} of {values(shown).size}"


def test_what_one_model_did_not_see_is_said_in_its_pane(compare_view: CompareView) -> None:
    states = (state(), state(geometry=MIDDLE, seed=1))
    show(compare_view, states, session_of(states))
    point_at(compare_view.panes[0], 30, 130)
    assert compare_view.panes[0].canvas.cursor_patch == (1, 0)
    assert compare_view.panes[1].canvas.cursor_patch is None
    assert compare_view.panes[1].numbers.text == "not seen by the model"
    compare_view.panes[0].canvas.pointed(-5, -5)
    assert compare_view.panes[1].numbers.text.startswith("with a: ")


def test_the_cursor_goes_to_the_relative_place_on_another_photo(compare_view: CompareView) -> None:
    states = (state(), state("tall.png", TALL, seed=1))
    show(compare_view, states, session_of(states))
    point_at(compare_view.panes[0], 450, 30)  # nine tenths across, a tenth down
    assert compare_view.panes[1].canvas.cursor_patch == (0, 2)


def test_zoom_and_pan_go_together(compare_view: CompareView) -> None:
    states = layers(0, 1, 2)
    show(compare_view, states, session_of(states))
    one, two, three = (pane.canvas for pane in compare_view.panes)
    two.zoom_to(two.zoom * 3, QPointF(60, 40))
    assert one.viewport == two.viewport == three.viewport
    two.move_by(-30, 12)
    assert one.viewport == two.viewport == three.viewport
    three.fit()
    assert one.is_fitted
    assert two.is_fitted


def test_zoom_on_another_photo_is_relative(compare_view: CompareView) -> None:
    states = (state(), state("tall.png", TALL, seed=1))
    show(compare_view, states, session_of(states))
    wide, tall = (pane.canvas for pane in compare_view.panes)
    fitted = wide.zoom, tall.zoom
    middle = tall.on_widget(TALL.seen).center()
    wide.zoom_to(wide.zoom * 3, wide.on_widget(WHOLE.seen).center())
    assert (wide.zoom / fitted[0], tall.zoom / fitted[1]) == pytest.approx((3, 3))
    zoomed = tall.on_widget(TALL.seen).center()
    assert (zoomed.x(), zoomed.y()) == pytest.approx((middle.x(), middle.y()))
    wide.fit()
    assert tall.zoom == fitted[1]


def test_what_is_new_looks_as_the_others_do(compare_view: CompareView) -> None:
    states = layers(0, 1)
    show(compare_view, states, session_of(states))
    middle = compare_view.canvas.on_widget(WHOLE.patch_box(1, 3)).center()
    compare_view.canvas.zoom_to(compare_view.canvas.zoom * 3, middle)
    before = relative(compare_view.canvas)
    for arrangement in ("difference", "wipe", "panes"):
        show(compare_view, states, session_of(states, arrangement=arrangement))
        QApplication.processEvents()
        assert relative(compare_view.canvas)[1:] == pytest.approx(before[1:], abs=0.02), arrangement
    more = layers(0, 1, 2)
    show(compare_view, more, session_of(more, focus=2))
    assert [relative(pane.canvas) for pane in compare_view.panes] == [
        pytest.approx(before, abs=0.02) for _ in compare_view.panes
    ]
    other = (more[0], more[1], state("other.png", seed=4))
    show(compare_view, other, session_of(other, focus=2))
    assert relative(compare_view.panes[2].canvas) == pytest.approx(before, abs=0.02)


def relative(canvas: Canvas) -> tuple[float, float, float]:
    """Zoom in fitting scales, and the point of the photo that is in the middle, 0..1."""
    assert canvas.photo_size is not None
    seen = visible_part(canvas.viewport, canvas.photo_size, canvas._fit_area())
    return seen.zoom, seen.x, seen.y


def test_unlinked_panes_go_alone_until_they_are_linked_again(compare_view: CompareView) -> None:
    states = layers(0, 1)
    show(compare_view, states, session_of(states, linked=False))
    one, two = (pane.canvas for pane in compare_view.panes)
    before = two.viewport
    one.zoom_to(one.zoom * 3)
    assert two.viewport == before
    point_at(compare_view.panes[0], 260, 130)
    assert one.cursor_patch is not None
    assert two.cursor_patch is None
    show(compare_view, states, session_of(states, linked=True))
    assert two.viewport == one.viewport != before


def test_unlinking_takes_the_borrowed_cursors_away(compare_view: CompareView) -> None:
    states = layers(0, 1)
    show(compare_view, states, session_of(states))
    point_at(compare_view.panes[0], 260, 130)
    assert compare_view.panes[1].canvas.cursor_patch is not None
    show(compare_view, states, session_of(states, linked=False))
    assert compare_view.panes[1].canvas.cursor_patch is None
