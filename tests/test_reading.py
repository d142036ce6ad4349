"""JSON as dataclasses: what fits comes back, what does not is refused and named."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitviz.exporting.provenance import InputFacts, MapFacts, ModelFacts, PhotoFacts, Provenance
from vitviz.exporting.provenance import from_json as provenance_from
from vitviz.exporting.provenance import to_json as provenance_to
from vitviz.reading import parse, typed


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
        ({"more": 1}, "the whole"),
    ],
)
def test_what_does_not_fit(change: dict[str, object], where: str) -> None:
    with pytest.raises(ValueError, match=where):
        typed(Outer, GOOD | change)


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}', "[" * 200_000, ""])
def test_json_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse(text)


text = st.text(max_size=20)
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
    text, st.none() | whole, text, text, text,
)  # fmt: skip


@given(st.builds(Provenance, text, text, st.dictionaries(text, text, max_size=3),
                 st.lists(maps, max_size=2).map(tuple)))  # fmt: skip
def test_any_provenance_comes_back(made: Provenance) -> None:
    again = provenance_from(provenance_to(made))
    assert again == made
    assert json.dumps(asdict(again), sort_keys=True) == json.dumps(asdict(made), sort_keys=True)
