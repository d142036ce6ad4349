"""One pane becomes several that differ in one choice."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitviz.errors import VitvizError
from vitviz.methods import METHODS
from vitviz.session.split import Along, current, some, split
from vitviz.session.state import MOST_PANES, Compare, Pane, PhotoRef, Session, View

A, B, C = (PhotoRef(f"{name}.jpg") for name in "abc")
SESSION = Session(
    (A, B), model="m", view=View("rollout", (("discard", 0.5),), layer=2, query=(3.0, 4.0)),
    compare=Compare((Pane(B, "m"),), 1, linked=False, pair=(1, 0)),
)  # fmt: skip
VALUES: dict[Along, list[object]] = {
    "layers": [0, 2, 5],
    "heads": ["mean", 0, 3],
    "methods": ["attention", "rollout"],
    "models": ["m", "other.pth"],
    "photos": [A, C],
    "classes": [None, 1, 5],
}


@pytest.mark.parametrize("along", get_args(Along))
def test_the_panes_differ_in_one_choice_and_in_no_other(along: Along) -> None:
    result = split(SESSION, along, VALUES[along])
    assert [current(pane, along) for pane in result.panes] == VALUES[along]
    assert result.tab == "compare"
    rest = {
        replace(
            pane,
            photo=A if along == "photos" else pane.photo,
            model="m" if along == "models" else pane.model,
            view=replace(
                pane.view,
                layer=2 if along == "layers" else pane.view.layer,
                head="mean" if along == "heads" else pane.view.head,
                method="rollout" if along == "methods" else pane.view.method,
                params=() if along == "methods" else pane.view.params,
                query="auto" if along == "photos" else pane.view.query,
                target=None if along == "classes" else pane.view.target,
            ),
        )
        for pane in result.panes
    }
    assert len(rest) == 1
    assert (result.compare.linked, result.compare.pair) == (False, (0, 1))
    assert {pane.photo for pane in result.panes} <= set(result.photos)


@pytest.mark.parametrize("along", ["layers", "heads", "methods", "models", "photos"])
def test_the_pane_that_was_there_stays_the_current_one(along: Along) -> None:
    result = split(SESSION, along, VALUES[along])
    assert result.pane == SESSION.pane
    assert result.compare.focus == VALUES[along].index(current(SESSION.pane, along))


def test_where_it_is_not_among_them_the_first_is_current() -> None:
    result = split(SESSION, "layers", [7, 8])
    assert (result.view.layer, result.compare.focus) == (7, 0)


def test_other_methods_have_their_own_settings_and_other_photos_no_query_patch() -> None:
    by_method = split(SESSION, "methods", ["attention", "rollout"]).panes
    assert [pane.view.params for pane in by_method] == [(), (("discard", 0.5),)]
    by_photo = split(SESSION, "photos", [A, C])
    assert [pane.view.query for pane in by_photo.panes] == [(3.0, 4.0), "auto"]
    assert by_photo.photos == (A, B, C)


def test_classes_need_a_method_that_asks_about_one() -> None:
    result = split(SESSION, "classes", [1, 5])
    assert METHODS[result.view.method].class_specific
    session = replace(SESSION, view=replace(result.view, target=None))
    assert split(session, "classes", [1, 5]).view.method == result.view.method


def test_the_same_value_twice_is_one_pane_and_one_value_a_session_with_one() -> None:
    assert len(split(SESSION, "layers", [1, 1, 2]).panes) == 2
    assert split(SESSION, "layers", [3]).compare.others == ()


def test_nothing_to_split_is_said() -> None:
    with pytest.raises(VitvizError, match="no heads to split"):
        split(SESSION, "heads", [])
    with pytest.raises(VitvizError, match="nothing to compare"):
        split(Session(model="m"), "layers", [1])


def test_too_many_layers_are_thinned_out_evenly_and_others_begin_at_the_current_one() -> None:
    assert some("layers", range(12), 3) == [0, 2, 4, 7, 9, 11]
    assert some("layers", range(6), 3) == [0, 1, 2, 3, 4, 5]
    assert some("heads", ["mean", *range(12)], 7) == ["mean", 0, 1, 2, 3, 4]
    assert some("photos", "abcdefgh", "c") == list("cdefgh")
    assert some("photos", "abcdefgh", "g") == list("cdefgh")
    assert some("models", "abcdefgh", "x") == list("abcdef")


@given(st.sampled_from(get_args(Along)), st.integers(1, 40), st.integers(0, 40))
def test_there_are_as_many_as_can_be_in_order_and_the_layers_reach_the_last(
    along: Along, count: int, now: int
) -> None:
    values = list(range(count))
    chosen = some(along, values, now)
    assert len(chosen) == min(count, MOST_PANES)
    assert chosen == sorted(set(chosen))
    if along == "layers":
        assert {values[0], values[-1]} <= set(chosen)
        steps = {b - a for a, b in pairwise(chosen)}
        assert not steps or max(steps) - min(steps) <= 1
    elif along != "heads" and now in values:
        assert now in chosen
