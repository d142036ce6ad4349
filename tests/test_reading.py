"""JSON as dataclasses: what fits comes back, what does not is refused and named."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitviz.exporting.provenance import InputFacts, MapFacts, ModelFacts, PhotoFacts, Provenance
from vitviz.exporting.provenance import from_json as provenance_from
from vitviz.exporting.provenance import to_json as provenance_to
from vitviz.reading import DEEPEST, MOST, Within, check_nothing_left, parse, taken, typed


@dataclass(frozen=True)
class Inner:
    number: float
    pair: tuple[int, str]


@dataclass(frozen=True)
class Outer:
    inner: Inner
    many: tuple[int, ...]
    either: bool | int | str | None
    table: dict[str, float]
    free: Any


GOOD = {
    "inner": {"number": 2, "pair": [1, "a"]}, "many": [1, 2, 3], "either": None,
    "table": {"x": 0.5}, "free": {"anything": [1, {}]},
}  # fmt: skip


def test_what_fits() -> None:
    found = typed(Outer, GOOD)
    assert found == Outer(Inner(2.0, (1, "a")), (1, 2, 3), None, {"x": 0.5}, GOOD["free"])
    assert type(found.inner.number) is float


@pytest.mark.parametrize("either", [True, False, 0, 1, "text", None])
def test_an_alternative_keeps_its_type(either: object) -> None:
    found = typed(Outer, GOOD | {"either": either})
    assert (type(found.either), found.either) == (type(either), either)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"inner": {"number": True, "pair": [1, "a"]}}, "inner.number"),
        ({"inner": {"number": 1, "pair": [1]}}, "inner.pair"),
        ({"inner": {"number": 1, "pair": [1.0, "a"]}}, r"inner.pair\[0\]"),
        ({"inner": {"number": 1}}, "inner"),
        ({"inner": []}, "inner"),
        ({"many": [1, "2"]}, r"many\[1\]"),
        ({"many": "12"}, "many"),
        ({"either": 0.5}, "either"),
        ({"table": {"x": "y"}}, "table.x"),
        ({"table": [1]}, "table"),
        ({"more": 1}, 'does not know: "more"'),
    ],
)
def test_what_does_not_fit(change: dict[str, object], where: str) -> None:
    with pytest.raises(ValueError, match=where):
        typed(Outer, GOOD | change)


@dataclass(frozen=True)
class Bounded:
    word: Annotated[str, Within(1, 5)] = "a"
    whole: Annotated[int, Within(-3, 4)] = 0
    real: Annotated[float, Within(-0.5, 2)] = 0.0
    colour: Literal["red", "blue"] = "red"
    few: Annotated[tuple[int, ...], Within(0, 2)] = ()
    head: Literal["mean"] | Annotated[int, Within(0, 9)] = "mean"
    inner: Inner | None = None
    names: dict[str, int] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"word": ""}, '"word" must be text of 1 to 5 characters, none of them NUL, not ""'),
        ({"word": "a\0"}, "none of them NUL"),
        ({"word": "abcdef"}, "1 to 5 characters"),
        ({"whole": 5}, '"whole" must be a whole number from -3 to 4, not 5'),
        ({"whole": True}, "a whole number from -3 to 4, not true"),
        ({"whole": 1.0}, "a whole number from -3 to 4, not 1.0"),
        ({"real": -0.6}, '"real" must be a number from -0.5 to 2, not -0.6'),
        ({"real": True}, "not true"),
        ({"real": float("nan")}, "not NaN"),
        ({"real": "1"}, 'not "1"'),
        ({"colour": "green"}, '"colour" must be one of "red", "blue", not "green"'),
        ({"few": [1, 2, 3]}, '"few" must be a list of at most 2, not a list of 3'),
        ({"few": [1, None]}, '"few[1]" must be a whole number, not null'),
        ({"head": "max"}, '"head" must be "mean" or a whole number from 0 to 9, not "max"'),
        ({"head": 10}, '"head" must be "mean" or a whole number from 0 to 9, not 10'),
        ({"head": None}, '"head" must be "mean" or a whole number from 0 to 9, not null'),
        ({"inner": {"number": 1, "pair": [1, 2]}}, '"inner.pair[1]" must be text'),
        ({"inner": {"number": 1}}, '"inner.pair" is missing'),
        ({"inner": {"number": 1, "pair": [1, "a"], "third": 1}}, 'not know: "inner.third"'),
        ({"names": {"\x1b[2J\n": "x"}}, '"names.\\u001b[2J\\n" must be a whole number'),
        ({"names": {"a\0": 1}}, "none of them NUL"),
    ],
)
def test_a_refusal_names_the_field_and_what_it_must_be(
    change: dict[str, object], said: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        typed(Bounded, json.loads(json.dumps(asdict(Bounded()))) | change)


def test_a_field_that_is_not_there_is_refused_though_it_has_a_default() -> None:
    with pytest.raises(ValueError, match='"word" is missing'):
        typed(Bounded, {})


def test_what_people_write_may_leave_out_what_has_a_default() -> None:
    values = {"whole": 3, "number": 1, "other": 5}
    assert taken(Bounded, values) == Bounded(whole=3)
    assert values == {"number": 1, "other": 5}
    with pytest.raises(ValueError, match='"pair" is missing'):
        taken(Inner, values)
    with pytest.raises(ValueError, match='does not know: "other"'):
        check_nothing_left(values)
    check_nothing_left({})


def test_a_field_without_bounds_of_its_own_has_some() -> None:
    assert typed(Outer, GOOD | {"many": [0] * MOST}).many[-1] == 0
    for change in ({"many": [0] * (MOST + 1)}, {"either": "x" * (MOST + 1)},
                   {"table": {str(i): 0 for i in range(MOST + 1)}}):  # fmt: skip
        with pytest.raises(ValueError, match="at most 65,536"):
            typed(Outer, GOOD | change)


def test_lone_surrogates_come_back_as_they_are() -> None:
    name = "photo\udcff.png"
    text = json.dumps(GOOD | {"either": name})
    assert typed(Outer, parse(text)).either == name
    with pytest.raises(ValueError, match=re.escape(r'not "photo\udcff.png"')):
        typed(Outer, GOOD | {"many": name})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("1" * 50, "not a number of 64 bits"),
        ("9" * 5000, "not a number of 64 bits"),
        (str(2**63 + 1), "not a number of 64 bits"),
        ("NaN", "must be a finite number"),
        ("[Infinity]", r'"[0]" must be a finite number'),
        ('{"a": {"b": [0, -1e999]}}', '"a.b[1]" must be a finite number, not -Infinity'),
        ('{"a": 1, "b": 2, "a": 1}', 'two fields "a"'),
        ('[{"a": {"x": 1, "x": 2}}]', 'two fields "x"'),
        ("[" * 200_000, "nested"),
        ('{"a":' * 200_000, "nested"),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "nested more than"),
        ('{"a":' * (DEEPEST + 1) + "1" + "}" * (DEEPEST + 1), "nested more than"),
        (" " * 101 + "1", "longer than 100 characters"),
    ],
)
def test_json_that_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        parse(text, 100 if said.startswith("longer") else len(text))


def test_json_at_its_limits() -> None:
    assert parse("[" * DEEPEST + "]" * DEEPEST) is not None
    assert parse(str(-(2**63))) == -(2**63)
    assert parse('{"": [1e308, -0.0, null, "\\ud800"]}') == {"": [1e308, 0.0, None, "\ud800"]}


def test_what_was_measured_may_be_infinite_or_none() -> None:
    values = parse('{"loss": NaN, "many": [Infinity]}', finite=False)
    assert math.isnan(values["loss"])
    assert values["many"] == [math.inf]
    assert math.isnan(typed(dict[str, Any], values)["loss"])


text = st.text(st.characters(exclude_characters="\0"), max_size=20)
whole = st.integers(-(2**40), 2**40)
number = st.floats(allow_nan=False, allow_infinity=False)
size = st.tuples(whole, whole)
many = st.lists(number, max_size=3).map(tuple)
photos = st.builds(PhotoFacts, text, text, size, whole, st.tuples(whole, whole, whole))
models = st.builds(ModelFacts, text, text, text, whole, st.lists(text, max_size=3).map(tuple))
inputs = st.builds(InputFacts, text, whole, text, text, many, many, size, size, size, whole, size,
                   st.tuples(number, number, number, number))  # fmt: skip
maps = st.builds(
    MapFacts, text, photos, models, inputs, text,
    st.dictionaries(text, st.one_of(st.booleans(), whole, number, text), max_size=3),
    st.none() | whole, st.none() | whole | text, text, st.none() | st.tuples(number, number),
    text, st.none() | whole, st.none() | whole, text, text, text,
)  # fmt: skip


@given(st.builds(Provenance, text, text, st.dictionaries(text, text, max_size=3),
                 st.lists(maps, max_size=2).map(tuple)))  # fmt: skip
def test_any_provenance_comes_back(made: Provenance) -> None:
    again = provenance_from(provenance_to(made))
    assert again == made
    assert json.dumps(asdict(again), sort_keys=True) == json.dumps(asdict(made), sort_keys=True)
