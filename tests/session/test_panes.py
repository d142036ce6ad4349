"""Panes come, go and change places; the pair that is compared stays the same two."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitviz.errors import VitvizError
from vitviz.session.panes import (
    add_pane,
    focus_pane,
    move_pane,
    pair_of,
    remove_pane,
    replace_pane,
    same_place,
    with_frame,
    with_query,
    without_photos,
)
from vitviz.session.state import MOST_PANES, Compare, Pane, PhotoRef, Session, View

A, B, C = (PhotoRef(f"{name}.jpg") for name in "abc")


def session_of(*layers: int, focus: int = 0, pair: tuple[int, int] = (0, 1)) -> Session:
    """Panes told apart by their layer, all on the first of three photos."""
    panes = [Pane(A, "m", view=View(layer=layer)) for layer in layers]
    others = tuple(panes[:focus] + panes[focus + 1 :])
    return Session(
        (A, B, C), model="m", view=panes[focus].view, compare=Compare(others, focus, pair=pair)
    )


def layers(session: Session) -> list[int]:
    return [pane.view.layer for pane in session.panes]


def test_a_new_pane_is_a_copy_beside_the_current_one_and_becomes_current() -> None:
    session = add_pane(session_of(1))
    assert layers(session) == [1, 1]
    assert (session.compare.focus, session.tab, pair_of(session)) == (1, "compare", (0, 1))
    session = add_pane(session_of(1, 2, 3, focus=1, pair=(0, 2)))
    assert layers(session) == [1, 2, 2, 3]
    assert session.compare.focus == 2
    assert pair_of(session) == (0, 3), "still the same two"


def test_a_given_pane_stands_where_it_was_put() -> None:
    session = add_pane(session_of(1, 2), Pane(B, "m", view=View(layer=9)), 0)
    assert layers(session) == [9, 1, 2]
    assert (session.compare.focus, session.photo) == (0, B)


def test_there_is_an_end_to_panes_and_none_without_a_photo() -> None:
    with pytest.raises(VitvizError, match="6 panes"):
        add_pane(session_of(*range(MOST_PANES)))
    with pytest.raises(VitvizError, match="nothing to compare"):
        add_pane(Session(model="m"))


@pytest.mark.parametrize(
    ("index", "left", "focus", "pair"),
    [(0, [2, 3, 4], 1, (0, 2)), (2, [1, 2, 4], 2, (1, 2)), (3, [1, 2, 3], 2, (1, 2)),
     (1, [1, 3, 4], 1, (1, 2))],
)  # fmt: skip
def test_removing(index: int, left: list[int], focus: int, pair: tuple[int, int]) -> None:
    session = remove_pane(session_of(1, 2, 3, 4, focus=2, pair=(1, 3)), index)
    assert (layers(session), session.compare.focus, pair_of(session)) == (left, focus, pair)


def test_the_only_pane_cannot_be_removed() -> None:
    assert remove_pane(session_of(1), 0) == session_of(1)


def test_moving_keeps_the_current_one_and_the_pair() -> None:
    session = move_pane(session_of(1, 2, 3, focus=2, pair=(2, 0)), 2, 0)
    assert layers(session) == [3, 1, 2]
    assert (session.compare.focus, pair_of(session)) == (0, (0, 1))
    assert move_pane(session, 0, 2) == session_of(1, 2, 3, focus=2, pair=(2, 0))


def test_focus_changes_nothing_but_the_current_one() -> None:
    session = session_of(1, 2, 3)
    other = focus_pane(session, 2)
    assert (other.panes, other.view.layer, other.compare.focus) == (session.panes, 3, 2)
    assert focus_pane(other, 0) == session


def test_another_choice_in_one_pane() -> None:
    session = replace_pane(session_of(1, 2, 3, focus=1), 2, Pane(C, "m", view=View(layer=7)))
    assert layers(session) == [1, 2, 7]
    assert session.photo == A
    assert replace_pane(session, 1, session.panes[2]).photo == C


@given(st.integers(1, MOST_PANES), st.tuples(st.integers(0, 5), st.integers(0, 5)))
def test_a_pair_is_two_panes_that_there_are(count: int, pair: tuple[int, int]) -> None:
    first, second = pair_of(session_of(*range(count), pair=pair))
    assert first in range(count)
    assert second in range(count)
    assert (first == second) == (count == 1)


@given(st.data())
def test_any_program_leaves_a_session_that_makes_sense(data: st.DataObject) -> None:
    session = session_of(1)
    for step in data.draw(st.lists(st.sampled_from(["add", "remove", "move", "focus", "close"]))):
        panes = session.panes
        index = data.draw(st.integers(0, len(panes) - 1))
        match step:
            case "add" if session.photo and len(panes) < MOST_PANES:
                photo = data.draw(st.sampled_from(session.photos))
                session = add_pane(session, replace(session.pane, photo=photo), index)
            case "remove":
                session = remove_pane(session, index)
            case "move":
                session = move_pane(session, index, data.draw(st.integers(0, len(panes) - 1)))
            case "focus":
                session = focus_pane(session, index)
            case "close" if session.photos:
                session = without_photos(session, {data.draw(st.sampled_from(session.photos))})
        assert 0 <= session.compare.focus < len(session.panes) <= MOST_PANES
        assert {pane.photo for pane in session.panes} <= {*session.photos, session.photo}
        assert session.panes[session.compare.focus] == session.pane


def test_closing_a_photo_closes_its_panes() -> None:
    panes = (Pane(A, "m"), Pane(B, "m"), Pane(A, "m", view=View(layer=3)), Pane(C, "m"))
    compare = Compare(panes[:1] + panes[2:], 1)
    session = Session((A, B, C), 1, "m", tab="compare", compare=compare)
    assert session.panes == panes
    left = without_photos(session, {A})
    assert (left.panes, left.photos, left.pane) == ((panes[1], panes[3]), (B, C), panes[1])
    left = without_photos(session, {B})
    assert (left.panes, left.compare.focus, left.photo) == ((panes[0], *panes[2:]), 1, A)
    left = without_photos(session, {B, C})
    assert (left.panes, left.photos, left.selected) == ((panes[0], panes[2]), (A,), 0)


def test_closing_a_photo_elsewhere_keeps_what_is_looked_at() -> None:
    """Panes that are not in sight do not take the place of the current one."""
    others = (Pane(A, "other", view=View(layer=3)), Pane(B, "m"))
    view = View(layer=7, method="rollout")
    session = Session((A, B, C), 1, "m", view=view, compare=Compare(others, 1))
    left = without_photos(session, {B})
    assert left.pane == Pane(C, "m", view=view)
    assert (left.panes, left.compare.focus) == ((others[0], left.pane), 1)


def test_the_last_pane_shows_the_photo_beside_the_closed_one() -> None:
    session = Session((A, B, C), 1, "m", view=View(query=(3.0, 4.0)))
    left = without_photos(session, {B})
    assert (left.photos, left.photo, left.view.query) == ((A, C), C, "auto")
    assert without_photos(left, {C}).photo == A
    everything = without_photos(session, session.photos)
    assert (everything.photos, everything.selected, everything.photo) == ((), 0, None)
    assert without_photos(session, {A}).view.query == (3.0, 4.0), "the photo shown stays"


def test_a_frame_that_another_pane_shows_stays_open() -> None:
    alone = with_frame(Session((A, B)), 2)
    assert alone.photos == (replace(A, frame=2), B)
    both = with_frame(Session((A, B), compare=Compare((Pane(A),))), 2)
    assert both.photos == (A, replace(A, frame=2), B)
    assert (both.photo, both.panes[1].photo) == (replace(A, frame=2), A)
    third = with_frame(both, 3)
    assert third.photos == (A, replace(A, frame=3), B)
    assert with_frame(third, 0).photos == (A, B), "back to the one that was there"
    assert with_frame(third, 3) == third


SIZES = {A: (100, 200), B: (50, 80)}


def test_a_query_goes_to_the_same_point_or_as_far_along() -> None:
    assert same_place("cls", A, B, {}) == "cls"
    assert same_place((50.0, 25.0), A, A, {}) == (50.0, 25.0)
    assert same_place((50.0, 25.0), A, B, SIZES) == (20.0, 12.5)
    assert same_place((50.0, 25.0), A, C, SIZES) is None


def test_linked_panes_go_with_a_query_and_others_do_not() -> None:
    panes = tuple(Pane(photo, "m", view=View(query="dist")) for photo in (A, B, C, A))
    linked = with_query(panes, 0, (50.0, 25.0), SIZES, linked=True)
    queries = [pane.view.query for pane in linked]
    assert queries == [(50.0, 25.0), (20.0, 12.5), "dist", (50.0, 25.0)]
    alone = with_query(panes, 1, "cls", SIZES, linked=False)
    assert [pane.view.query for pane in alone] == ["dist", "cls", "dist", "dist"]


def test_thousands_are_closed_at_once() -> None:
    """Each may be looked for once, not once for each of the others: that took minutes."""
    asked = 0

    class Counted(PhotoRef):
        def __hash__(self) -> int:
            nonlocal asked
            asked += 1
            return super().__hash__()

        def __eq__(self, other: object) -> bool:
            nonlocal asked
            asked += 1
            return self is other

    photos = tuple(Counted(f"{number}.png") for number in range(3000))
    session = Session(photos, 1500)
    assert without_photos(session, photos).photos == ()
    assert len(without_photos(session, photos[10:11]).photos) == 2999
    assert without_photos(session, photos[1500:1501]).photo is photos[1501]
    assert asked < 20 * len(photos)
