"""A script gets what it asked for or a refusal, never the nearest thing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.explanations import explanation_of
from vitviz.errors import VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.maps.heat_map import Explanation
from vitviz.methods import METHODS
from vitviz.methods.base import Method, Parameter
from vitviz.models.outline import LayerOutline, Outline
from vitviz.models.tokens import TokenLayout
from vitviz.session.state import Query, View
from vitviz.session.strict import (
    check_contrast,
    check_direction,
    check_map,
    check_parameters,
    check_query,
    check_target,
    class_called,
    method_called,
    read_parameter,
)

METHOD = Method(
    "test", "Test", "", METHODS["rollout"].explain,
    parameters=(
        Parameter("share", "Share", 0.5, bounds=(0.0, 1.0)),
        Parameter("layer", "Layer", 0, bounds=(0, None)),
        Parameter("free", "Free", 1.0),
        Parameter("flag", "Flag", False),
        Parameter("kind", "Kind", "a", choices=("a", "b")),
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("share=0.25", 0.25), ("share=1", 1.0), ("layer=3", 3), ("free=-2e5", -2e5),
        ("flag=yes", True), ("flag=False", False), ("flag=0", False), ("kind=b", "b"),
    ],
)  # fmt: skip
def test_values_are_read_as_their_parameter_s_type(text: str, value: object) -> None:
    name, read = read_parameter(METHOD, text)
    assert (name, read) == (text.partition("=")[0], value)
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("share=1.5", "from 0 to 1"), ("share=nan", "from 0 to 1"), ("share=", "from 0 to 1"),
        ("share", "a number"), ("share=0,5", "a number"), ("layer=1.5", "a whole number from 0"),
        ("layer=-1", "a whole number from 0"), ("layer=99999", "whole number"),
        ("free=inf", "default"), ("flag=2", "true or false"), ("kind=c", "a, b"),
        ("colour=red", "share, layer"), ("=1", "It has: share"),
    ],
)  # fmt: skip
def test_other_values_are_refused_with_what_would_do(text: str, words: str) -> None:
    with pytest.raises(VitvizError) as caught:
        read_parameter(METHOD, text)
    assert words in caught.value.hint


@pytest.mark.parametrize("value", [True, "0.5", None, [], float("nan"), 10**400, 2])
def test_values_of_another_type_are_refused(value: Any) -> None:
    with pytest.raises(VitvizError):
        check_parameters(METHOD, {"share": value})


def test_a_method_and_a_direction_that_are_not_there() -> None:
    assert method_called("rollout") is METHODS["rollout"]
    with pytest.raises(VitvizError, match="no method “magic”") as caught:
        method_called("magic")
    assert "rollout" in caught.value.hint
    check_direction(METHODS["attention"], "to")
    with pytest.raises(VitvizError, match="no direction “to”"):
        check_direction(METHODS["rollout"], "to")


OUTLINE = Outline(
    tuple(LayerOutline(f"block {i}", (3, 5), 4, 3) for i in range(6)), ("cls", "dist"), 0, 0,
    frozenset({"attention"}),
)  # fmt: skip


def explanation(first: int) -> Explanation:
    values = np.zeros((6 - first, 1, 17), np.float32)
    layout = TokenLayout(("cls", "dist"), (3, 5))
    return explanation_of(values, tuple(range(first, 6)), "mean", layout, "test")


@pytest.mark.parametrize(("layer", "head"), [(0, 0), (5, 2), (-1, "max"), (-6, "mean")])
def test_layers_and_heads_that_are_there(layer: int, head: Any) -> None:
    check_map(View(layer=layer, head=head), explanation(0), OUTLINE)


@pytest.mark.parametrize(
    ("first", "layer", "head", "words"),
    [
        (0, 6, 0, "There is no layer 7: the model has 6."),
        (0, -7, 0, "There is no layer -7: the model has 6."),
        (2, 1, 0, "There is no layer 2: it starts at layer 3, and the model has 6."),
        (0, 0, 3, "There is no head 4: the model has 3."),
        (0, 0, -1, "There is no head 0: the model has 3."),
    ],
)
def test_layers_and_heads_that_are_not(first: int, layer: int, head: int, words: str) -> None:
    with pytest.raises(VitvizError) as caught:
        check_map(View(layer=layer, head=head), explanation(first), OUTLINE)
    assert caught.value.message == words


@pytest.mark.parametrize("method", ["attention-grad-cam", "feature-norm"])
def test_methods_without_a_map_of_each_head(method: str) -> None:
    check_map(View(method, head="mean"), explanation(0), OUTLINE)
    with pytest.raises(VitvizError, match="one map of each layer, not one of each head"):
        check_map(View(method, head=2), explanation(0), OUTLINE)


GEOMETRY = Geometry((40, 60), (20, 30), (0, 5), (20, 20), 4)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("reg1", "no token “reg1” (it has: cls, dist)"),
        ((60.0, 20.0), "not on the photo, which is 60 x 40"),
        ((-1.0, 20.0), "not on the photo"),
        ((float("nan"), 20.0), "not on the photo"),
        (((20.0, 20.0), (-1.0, 20.0)), "The point -1,20 is not on the photo"),
        ((5.0, 20.0), "did not see the point 5,20: it was given x 10 to 50, y 0 to 40"),
    ],
)
def test_queries_that_are_not_there(query: Query, words: str) -> None:
    with pytest.raises(VitvizError) as caught:
        check_query(METHODS["attention"], query, ("cls", "dist"), GEOMETRY)
    assert words in caught.value.message


def test_queries_that_are_there() -> None:
    check_query(METHODS["attention"], "dist", ("cls", "dist"), GEOMETRY)
    check_query(METHODS["attention"], (10.0, 0.0), (), GEOMETRY)
    check_query(METHODS["attention"], ((10.0, 0.0), (20.0, 20.0)), (), GEOMETRY)
    for name in ("auto", "patches"):
        check_query(METHODS["attention"], name, (), GEOMETRY)
    with pytest.raises(VitvizError, match="it has: none"):
        check_query(METHODS["attention"], "cls", (), GEOMETRY)


def test_classes_that_are_there() -> None:
    for target in (None, 0, 6):
        check_target(METHODS["relevance"], target, 7)
    check_target(METHODS["rollout"], None, 7)
    check_target(
        METHODS["relevance"], 3, 0
    )  # what a model without classes is told, the method says


@pytest.mark.parametrize(
    ("method", "target", "words"),
    [
        ("relevance", 7, "There is no class 7: the model has 7."),
        ("relevance", -1, "There is no class -1: the model has 7."),
        ("rollout", 0, "Attention rollout is not about a class."),
    ],
)
def test_classes_that_are_not(method: str, target: int, words: str) -> None:
    with pytest.raises(VitvizError) as caught:
        check_target(METHODS[method], target, 7)
    assert caught.value.message == words
    assert "relevance" in caught.value.hint or "0 to 6" in caught.value.hint


NAMES = ("tench", "collie", "Border collie", "crane", "American black bear", "Crane")


@pytest.mark.parametrize(
    ("text", "index"), [("collie", 1), ("COLLIE ", 1), ("border Collie", 2), ("0", 0), ("999", 999)]
)
def test_a_class_by_its_name_or_number(text: str, index: int) -> None:
    assert class_called(text, NAMES) == index


@pytest.mark.parametrize(
    ("text", "names", "hint"),
    [
        ("black bear", NAMES, "Did you mean American black bear?"),
        ("coly", NAMES, "Did you mean collie?"),
        ("colli", NAMES, "Did you mean collie, Border collie?"),
        ("crane", NAMES, "Give one of 3, 5."),
        ("zzz", NAMES, "Give a name or a number, from 0."),
        ("", NAMES, "Give a name or a number, from 0."),
        ("collie", (), "The names of this model's classes are not known: give a number, from 0."),
        ("-1", (), "The names of this model's classes are not known: give a number, from 0."),
    ],
)
def test_names_that_no_class_or_more_than_one_has(
    text: str, names: tuple[str, ...], hint: str
) -> None:
    with pytest.raises(VitvizError) as caught:
        class_called(text, names)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("target", "contrast", "words"),
    [(2, 2, "against itself"), (2, 7, "There is no class 7"), (None, -1, "There is no class -1")],
)
def test_classes_that_cannot_be_set_against_another(
    target: int | None, contrast: int, words: str
) -> None:
    with pytest.raises(VitvizError, match=words):
        check_contrast(METHODS["relevance"], target, contrast, 7)
    check_contrast(METHODS["relevance"], target, 3, 7)
    with pytest.raises(VitvizError, match="is not about a class"):
        check_contrast(METHODS["rollout"], None, 3, 7)
