"""Any session survives its file, and any nonsense in one is refused as such."""

from __future__ import annotations

import copy
import json
import random
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitviz.errors import SessionError
from vitviz.figures import spec
from vitviz.figures.spec import FigureSpec
from vitviz.imaging.preprocess import InputChoice, InputMode
from vitviz.maps.heat_map import Fusion
from vitviz.maps.scaling import Scaling
from vitviz.maps.style import ColourMap, Style
from vitviz.methods import METHODS
from vitviz.methods.base import Direction, Parameter
from vitviz.session.session_file import from_json, to_json
from vitviz.session.state import (
    MOST_PANES,
    Arrangement,
    Compare,
    Pane,
    PhotoRef,
    Session,
    Tab,
    View,
)

COORDINATES = st.floats(-1e6, 1e6)
PATHS = st.text(st.characters(exclude_characters="\0"))  # lone surrogates too: odd file names
POINTS = st.tuples(COORDINATES, COORDINATES)
QUERIES = (
    st.sampled_from(["auto", "patches", "cls", "dist", "reg1", "reg12"])
    | POINTS
    | st.lists(POINTS, min_size=1, max_size=3).map(tuple)
)
RANGES = st.sampled_from(["each", "zero", "shared"]) | st.tuples(COORDINATES, COORDINATES)


def values(parameter: Parameter) -> st.SearchStrategy[Any]:
    if parameter.choices:
        return st.sampled_from(parameter.choices)
    if isinstance(parameter.default, bool):
        return st.booleans()
    if isinstance(parameter.default, str):
        return st.text(max_size=60).filter(lambda text: "\0" not in text)
    low, high = parameter.bounds or (-1e6, 1e6)
    high = 40 if high is None else high
    if isinstance(parameter.default, int):
        return st.integers(int(low), int(high))
    return st.floats(low, high)


@st.composite
def views(draw: st.DrawFn) -> View:
    method = draw(st.sampled_from(list(METHODS.values())))
    params = draw(
        st.fixed_dictionaries({}, optional={p.name: values(p) for p in method.parameters})
    )
    return View(
        method.name,
        tuple(sorted(params.items())),
        draw(st.integers(-100, 100)),
        draw(st.sampled_from(get_args(Fusion)) | st.integers(0, 63)),
        draw(QUERIES),
        draw(st.sampled_from(get_args(Direction))),
        draw(st.none() | st.integers(0, 20_000)),
    )


INPUTS = st.builds(InputChoice, st.sampled_from(get_args(InputMode)), st.integers(1, 4))


@st.composite
def compares(draw: st.DrawFn, photos: tuple[PhotoRef, ...]) -> Compare:
    pane = st.builds(Pane, st.sampled_from(photos or (None,)), PATHS, INPUTS, views())
    others = tuple(draw(st.lists(pane, max_size=MOST_PANES - 1)))
    return Compare(
        others=others,
        focus=draw(st.integers(0, len(others))),
        linked=draw(st.booleans()),
        shared=draw(st.booleans()),
        arrangement=draw(st.sampled_from(get_args(Arrangement))),
        pair=draw(st.tuples(*[st.integers(0, MOST_PANES - 1)] * 2)),
    )


STYLES = st.builds(
    Style, st.sampled_from(get_args(ColourMap)), st.floats(0, 1), st.booleans(), RANGES,
    st.booleans(), st.booleans(), st.sampled_from(get_args(Scaling)),
)  # fmt: skip


def figure(**choices: Any) -> FigureSpec:
    """Types are checked at random places of tuples, and hypothesis allows no dice but its own."""
    state = random.getstate()
    try:
        return FigureSpec(**choices)
    finally:
        random.setstate(state)


FIGURES = st.builds(
    figure,
    content=st.sampled_from(get_args(spec.Content)),
    width_mm=st.floats(spec.LEAST_WIDTH_MM, spec.MOST_WIDTH_MM),
    height_mm=st.floats(0, spec.MOST_WIDTH_MM),
    dpi=st.integers(spec.LEAST_DPI, spec.MOST_DPI),
    text_pt=st.floats(spec.LEAST_TEXT_PT, spec.MOST_TEXT_PT),
    font=PATHS,
    title=PATHS,
    ground=st.sampled_from(get_args(spec.Ground)),
    sharing=st.sampled_from(get_args(spec.Sharing)),
    layers=st.lists(st.integers(-1000, 1000), max_size=3).map(tuple),
    heads=st.lists(st.sampled_from(get_args(Fusion)) | st.integers(0, 63), max_size=3).map(tuple),
    across=st.sampled_from(get_args(spec.Across)),
    columns=st.integers(0, 1000),
    draws=st.sampled_from(get_args(spec.PanelContent)),
    cells=st.sampled_from(get_args(spec.Cells)),
    letters=st.booleans(),
    colour_bar=st.booleans(),
)


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    refs = st.builds(PhotoRef, PATHS, st.integers(0, 1000), st.booleans())
    photos = tuple(draw(st.lists(refs, max_size=4)))
    return Session(
        photos=photos,
        selected=draw(st.integers(0, max(len(photos) - 1, 0))),
        model=draw(PATHS),
        input=draw(INPUTS),
        view=draw(views()),
        style=draw(STYLES),
        tab=draw(st.sampled_from(get_args(Tab))),
        background=draw(st.tuples(*[st.integers(0, 255)] * 3)),
        compare=draw(compares(photos)),
        figure=draw(FIGURES),
    )


# Where types are checked, those of one item, by chance, stand for a whole tuple.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
@given(sessions())
def test_a_session_comes_back_as_it_was(session: Session) -> None:
    again = from_json(to_json(session))
    assert again == session
    assert hash(again) == hash(session)
    assert to_json(again) == to_json(session)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.text() | JSON.map(json.dumps) | JSON.map(lambda v: json.dumps({"vitviz": 2, "view": v})))
def test_what_is_no_session_is_refused(text: str) -> None:
    with pytest.raises(SessionError):
        from_json(text)


FULL = json.loads(
    to_json(
        Session(
            photos=(PhotoRef("a.jpg"), PhotoRef("b.jpg", 2, True)),
            model="m",
            view=View("rollout", (("discard", 0.5), ("start", 1)), query=(3.0, 4.0), target=3),
            style=Style(range=(0.0, 1.0)),
            compare=Compare((Pane(PhotoRef("b.jpg", 2, True), "o", view=View(target=5)),), 1),
        )
    )
)


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a tree of JSON, the inner ones too."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)  # type: ignore[arg-type]
    found = [(*path, key) for key, _ in inner]
    for key, part in value.items() if isinstance(value, dict) else enumerate(value):  # type: ignore[arg-type]
        if isinstance(part, dict | list):
            found += places(part, (*path, key))
    return found


PLACES = places(FULL)


def changed(path: tuple[str | int, ...], value: object) -> str:
    tree: Any = copy.deepcopy(FULL)
    inner = tree
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return json.dumps(tree)


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
@pytest.mark.parametrize(
    "nonsense", [None, {}, {"a": 1}, [None], 1e400, float("nan"), -(2**70), 10**400, "x\0", [[]]],
    ids=lambda value: repr(value)[:12],
)  # fmt: skip
def test_nonsense_in_any_place_is_refused(path: tuple[str | int, ...], nonsense: object) -> None:
    assert isinstance(from_json(json.dumps(FULL)), Session)
    if path[-1] in ("target", "contrast") and nonsense is None:
        return  # the most probable class
    with pytest.raises(SessionError) as caught:
        from_json(changed(path, nonsense))
    assert caught.value.hint


@given(st.sampled_from(PLACES), JSON)
def test_anything_in_any_place_is_a_session_or_refused(
    path: tuple[str | int, ...], value: object
) -> None:
    try:
        session = from_json(changed(path, value))
    except SessionError:
        return
    assert from_json(to_json(session)) == session
