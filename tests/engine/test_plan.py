"""What must be computed, and what must not."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from vitviz.engine.plan import plan, request_of
from vitviz.imaging.preprocess import InputChoice
from vitviz.maps.style import Style
from vitviz.session.state import Compare, Pane, PhotoRef, Session, View

BASE = Session(
    photos=(PhotoRef("a.jpg"), PhotoRef("b.jpg")), model="m", view=View("rollout", head="mean")
)


def with_view(**choices: object) -> Session:
    return replace(BASE, view=replace(BASE.view, **choices))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "session",
    [
        with_view(layer=2),
        with_view(outliers="exclude"),
        replace(BASE, tab="heads"),
        replace(BASE, tab="patches"),
        *(
            replace(BASE, style=replace(Style(), **change))
            for change in (
                {"colour_map": "grey"}, {"opacity": 0.1}, {"fade": False}, {"range": "shared"},
                {"range": (0.0, 1.0)}, {"smooth": False}, {"grid": False}, {"scaling": "log"},
                {"outlined": 0.6},
            )
        ),
        replace(BASE, photos=(PhotoRef("a.jpg"), PhotoRef("c.jpg"))),
        with_view(direction="to"),  # which rollout does not have
    ],
)  # fmt: skip
def test_what_changes_nothing_that_is_computed(session: Session) -> None:
    assert session != BASE
    assert plan(session) == plan(BASE)


@pytest.mark.parametrize(
    "session",
    [
        replace(BASE, selected=1),
        replace(BASE, photos=(PhotoRef("a.jpg", frame=1),)),
        replace(BASE, background=(0, 0, 0)),
        replace(BASE, model="other"),
        replace(BASE, input=InputChoice("whole photo")),
        replace(BASE, input=InputChoice("whole photo", 2)),
        with_view(method="attention"),
        with_view(params=(("discard", 0.5),)),
        with_view(head="max"),
        with_view(head=1),
        with_view(query=(3.0, 4.0)),
        with_view(query="dist"),
    ],
)
def test_what_changes_what_is_computed(session: Session) -> None:
    assert plan(session) != plan(BASE)
    assert plan(session, "cpu") != plan(session, "cuda")


def test_heads_that_stay_apart_are_a_slice() -> None:
    by_head = [plan(with_view(method="attention", head=head)) for head in ("mean", "max", 0, 2)]
    assert len(set(by_head)) == 1
    assert by_head[0][0].head is None


def test_every_choice_of_a_style_is_covered_here() -> None:
    named = {"colour_map", "opacity", "fade", "range", "smooth", "grid", "scaling", "outlined"}
    assert {field.name for field in fields(Style)} == named


def test_without_a_photo_or_a_model_there_is_nothing_to_do() -> None:
    assert plan(replace(BASE, photos=(), selected=0)) == ()
    assert plan(replace(BASE, model="")) == ()


PANES = (
    Pane(PhotoRef("b.jpg"), "m", view=View("rollout")),
    Pane(PhotoRef("a.jpg"), "other"),
    Pane(PhotoRef("a.jpg"), "other", view=View(layer=2)),
)


def test_the_compare_view_shows_every_pane_and_the_others_the_current_one() -> None:
    session = replace(BASE, compare=Compare(PANES, 1), tab="compare")
    requests = plan(session, "cpu")
    assert requests == tuple(request_of(pane, (255, 255, 255), "cpu") for pane in session.panes)
    assert [(request.photo.path, request.model) for request in requests] == [
        ("b.jpg", "m"), (BASE.pane.photo.path, BASE.model), ("a.jpg", "other"), ("a.jpg", "other")
    ]  # fmt: skip
    assert requests[2] == requests[3], "another layer is nothing to compute"
    for tab in ("look", "heads", "patches"):
        assert plan(replace(session, tab=tab)) == plan(BASE)


def test_the_class_is_asked_about_by_methods_that_ask_about_one_only() -> None:
    assert plan(with_view(target=3)) == plan(BASE)
    (about,) = plan(with_view(method="relevance", target=3))
    assert about.target == 3
    assert request_of(Pane(None, "m"), (0, 0, 0)) is None
