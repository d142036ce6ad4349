"""JSON from anywhere as frozen dataclasses: the one reader of what strangers may have written.

``parse`` makes values of a text, ``typed`` a dataclass of them. A dataclass says by its type hints
what each field may hold, and bounds stand beside the type::

    @dataclass(frozen=True)
    class InputChoice:
        mode: Literal["as trained", "whole photo"]
        fineness: Annotated[int, Within(1, 4)]

An error names the field and says what it must be: ``"view.layer" must be a whole number from -1000
to 1000, not "last"``. Of the libraries for this, msgspec refuses unknown fields in its own structs
only, and pydantic takes long to load for what the window must have before it can paint.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

Whole = TypeVar("Whole")

LONGEST_JSON = 4 << 20
"""Characters, where the caller says no other limit."""

DEEPEST = 32
"""Objects and lists within each other."""

LARGEST_INTEGER = 1 << 63

MOST = 1 << 16
"""Characters of a text and items of a list or object, where a field has no other bounds."""

Place = tuple[Any, str | int] | None
"""Way to a value from the whole: the place of what it is in, and its name or index in there."""


@dataclass(frozen=True)
class Within:
    """Bounds of a field, both included: of a number, or of the length of a text, list or object."""

    least: float
    most: float

    def has(self, number: float) -> bool:
        """Whether a number is within them; NaN never is."""
        return self.least <= number <= self.most

    def __str__(self) -> str:
        return f"from {_number_text(self.least)} to {_number_text(self.most)}"


def parse(text: str, longest: int = LONGEST_JSON, *, finite: bool = True) -> Any:
    """The value that a JSON text stands for.

    Args:
        text: From anywhere.
        longest: More characters are not looked into.
        finite: Refuse NaN and infinities. What was measured can be either, and Python writes them.

    Raises:
        ValueError: It is not JSON, an object has two fields of one name, a number is not finite
            or beyond 64 bits, or it is nested too deeply.
    """
    if len(text) > longest:
        raise ValueError(f"it is longer than {longest:,} characters")
    try:
        value = DECODER.decode(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error}") from error
    _check(value, None, DEEPEST, finite)
    return value


def typed(kind: type[Whole], value: object) -> Whole:
    """The dataclass (or dictionary) that an object stands for: every field there, none unknown.

    Understands fields that are texts, numbers, truth values, literals, tuples, dictionaries,
    dataclasses, alternatives of these, and ``Any``, which is taken as it is. Texts have no NUL;
    lone surrogates stay, since names of files have them. A whole number may stand for a real one.

    Args:
        kind: The dataclass.
        value: What ``parse`` gave.

    Raises:
        ValueError: It does not fit; the message names the field and what it must be.
    """
    hint: Any = kind
    whole: Whole = _read(_shape(hint, True), value, None)
    return whole


def taken(kind: type[Whole], values: dict[str, Any]) -> Whole:
    """The dataclass from those fields of an object that it names; they are taken out of it.

    Unlike for ``typed``, a field with a default may be missing: for objects that people write.
    What nobody took is refused at the end by ``check_nothing_left``.

    Args:
        kind: The dataclass.
        values: The object.

    Raises:
        ValueError: A field does not fit, or one without default is missing.
    """
    hint: Any = kind
    names = {field.name for field in fields(hint)}
    there = {name: values.pop(name) for name in list(values) if name in names}
    whole: Whole = _read(_shape(hint, False), there, None)
    return whole


def check_nothing_left(values: Mapping[str, object]) -> None:
    """Refuses what nobody took from an object.

    Raises:
        ValueError: There is something.
    """
    _refuse_unknown(values, (), None)


def wrong(name: str, must_be: str, value: object) -> ValueError:
    """The refusal of a field, for rules that depend on more than the field itself."""
    return ValueError(f'"{name}" must be {must_be}, not {_value_text(value)}')


# From text to values


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"there are two fields {_name_text(twice)}")
    return found


def _integer(digits: str) -> int:
    if len(digits) > 20 or abs(number := int(digits)) > LARGEST_INTEGER:
        raise ValueError(f"{digits[:20]}… is not a number of 64 bits")
    return number


DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer)


def _check(value: Any, place: Place, depth: int, finite: bool) -> None:
    if isinstance(value, float) and finite and not math.isfinite(value):
        raise _Wrong(place, "a finite number", value)
    if not isinstance(value, dict | list):
        return
    if not depth:
        raise ValueError(f"it is nested more than {DEEPEST} deep")
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(inner, float | dict | list):
            _check(inner, (place, name), depth - 1, finite)


# From values to types


@dataclass(frozen=True)
class _Shape:
    """What a type hint allows.

    Args:
        words: What a value must be: "a whole number from 1 to 4".
        types: Of the values that can be it at all.
        read: Gives the value as its type; raises ``ValueError``.
    """

    words: str
    types: tuple[type, ...]
    read: Callable[[Any, Place], Any]


def _read(shape: _Shape, value: Any, place: Place) -> Any:
    # The exact type: a truth value is no number here.
    if type(value) not in shape.types:
        raise _Wrong(place, shape.words, value)
    return shape.read(value, place)


@cache
def _shape(kind: Any, complete: bool) -> _Shape:
    """What a type hint allows, made once.

    Args:
        kind: The hint.
        complete: Fields with defaults must be there, too.
    """
    bounds: Within | None = None
    if get_origin(kind) is Annotated:
        kind, *said = get_args(kind)
        bounds = next((one for one in said if isinstance(one, Within)), None)
    if is_dataclass(kind):
        return _dataclass_shape(kind, complete)
    origin, parts = get_origin(kind), get_args(kind)
    if origin is None:
        return _plain_shape(kind, bounds)
    if origin is Literal:
        return _literal_shape(parts)
    inner = [_shape(part, complete) for part in parts if part is not Ellipsis]
    if origin in (Union, UnionType):
        return _alternative_shape(inner)
    if origin is dict:
        return _table_shape(inner[0], inner[1], bounds or Within(0, MOST))
    if Ellipsis in parts:
        return _list_shape(inner[0], bounds or Within(0, MOST))
    return _tuple_shape(inner)


def _plain_shape(kind: type, bounds: Within | None) -> _Shape:
    if kind is str:
        return _text_shape(bounds or Within(0, MOST))
    if kind in (int, float):
        return _number_shape(kind, bounds)
    return {Any: ANYTHING, bool: TRUTH, NoneType: NOTHING}[kind]


def _as_it_is(value: Any, _: Place) -> Any:
    return value


ANYTHING = _Shape("anything", (dict, list, str, int, float, bool, NoneType), _as_it_is)
TRUTH = _Shape("true or false", (bool,), _as_it_is)
NOTHING = _Shape("null", (NoneType,), _as_it_is)


def _number_shape(kind: type, bounds: Within | None) -> _Shape:
    words = ("a whole number" if kind is int else "a number") + (f" {bounds}" if bounds else "")

    def read(value: float, place: Place) -> float:
        if bounds and not bounds.has(value):
            raise _Wrong(place, words, value)
        number: float = kind(value)
        return number

    return _Shape(words, (int,) if kind is int else (int, float), read)


def _text_shape(length: Within) -> _Shape:
    words = f"text of {_length_words(length)} characters, none of them NUL"

    def read(value: str, place: Place) -> str:
        if not length.has(len(value)) or "\0" in value:
            raise _Wrong(place, words, value)
        return value

    return _Shape(words, (str,), read)


def _literal_shape(allowed: tuple[Any, ...]) -> _Shape:
    listed = ", ".join(json.dumps(one) for one in allowed)
    words = f"one of {listed}" if len(allowed) > 1 else listed

    def read(value: Any, place: Place) -> Any:
        if value not in allowed:
            raise _Wrong(place, words, value)
        return value

    return _Shape(words, tuple({type(one) for one in allowed}), read)


def _list_shape(item: _Shape, length: Within) -> _Shape:
    words = f"a list of {_length_words(length)}"

    def read(value: list[Any], place: Place) -> tuple[Any, ...]:
        if not length.has(len(value)):
            raise _Wrong(place, words, value)
        return tuple(_read(item, inner, (place, i)) for i, inner in enumerate(value))

    return _Shape(words, (list,), read)


def _tuple_shape(items: list[_Shape]) -> _Shape:
    words = f"a list of {len(items)}"

    def read(value: list[Any], place: Place) -> tuple[Any, ...]:
        if len(value) != len(items):
            raise _Wrong(place, words, value)
        pairs = enumerate(zip(items, value, strict=True))
        return tuple(_read(item, inner, (place, i)) for i, (item, inner) in pairs)

    return _Shape(words, (list,), read)


def _table_shape(name: _Shape, item: _Shape, length: Within) -> _Shape:
    words = f"an object of {_length_words(length)} fields"

    def read(value: dict[str, Any], place: Place) -> dict[str, Any]:
        if not length.has(len(value)):
            raise _Wrong(place, words, value)
        return {
            _read(name, key, (place, key)): _read(item, inner, (place, key))
            for key, inner in value.items()
        }

    return _Shape(words, (dict,), read)


def _alternative_shape(kinds: list[_Shape]) -> _Shape:
    words = " or ".join(kind.words for kind in kinds)

    def read(value: Any, place: Place) -> Any:
        fitting = [kind for kind in kinds if type(value) in kind.types]
        refusals: list[ValueError] = []
        # The narrowest first, or an int would become the float that stands before it.
        for kind in sorted(fitting, key=lambda kind: len(kind.types)):
            try:
                return kind.read(value, place)
            except ValueError as error:
                refusals.append(error)
        if isinstance(value, dict | list):  # what got furthest says what is wrong inside
            raise max(refusals, key=_depth)
        raise _Wrong(place, words, value)

    return _Shape(words, tuple({one for kind in kinds for one in kind.types}), read)


def _dataclass_shape(kind: Any, complete: bool) -> _Shape:
    hints = get_type_hints(kind, include_extras=True)
    shapes = {field.name: _shape(hints[field.name], complete) for field in fields(kind)}
    needed = [
        field.name for field in fields(kind)
        if complete or (field.default is MISSING and field.default_factory is MISSING)
    ]  # fmt: skip

    def read(value: dict[str, Any], place: Place) -> Any:
        for name in needed:
            if name not in value:
                raise ValueError(f"{_place_text((place, name))} is missing")
        _refuse_unknown(value, shapes, place)
        return kind(
            **{name: _read(shapes[name], inner, (place, name)) for name, inner in value.items()}
        )

    return _Shape("an object", (dict,), read)


def _refuse_unknown(value: Mapping[str, object], known: Any, place: Place) -> None:
    if value.keys() - known:
        unknown = [_place_text((place, name)) for name in value if name not in known]
        raise ValueError(f"it has fields that vitviz does not know: {', '.join(unknown[:3])}")


# Words


class _Wrong(ValueError):
    """The refusal of a value at a place."""

    def __init__(self, place: Place, must_be: str, value: object) -> None:
        subject = _place_text(place) if place else "it"
        super().__init__(f"{subject} must be {must_be}, not {_value_text(value)}")
        self.depth = 0
        while place:
            place, self.depth = place[0], self.depth + 1


def _depth(refusal: ValueError) -> int:
    return refusal.depth if isinstance(refusal, _Wrong) else MOST


def _place_text(place: Place) -> str:
    """ "view.params[0]", in quotes."""
    parts: list[str] = []
    while place:
        place, name = place
        parts.append(f"[{name}]" if isinstance(name, int) else f".{_name_text(name)[1:-1]}")
    return f'"{"".join(reversed(parts)).removeprefix(".")}"'


def _name_text(name: str) -> str:
    """In quotes, on one line and in ASCII, whatever is in it."""
    short = name if len(name) <= 40 else f"{name[:39]}…"
    return json.dumps(short, ensure_ascii=not short.isprintable())


def _value_text(value: object) -> str:
    match value:
        case dict():
            return "an object"
        case list() | tuple():
            return f"a list of {len(value):,}"
        case str():
            return _name_text(value)
    return json.dumps(value)


def _length_words(length: Within) -> str:
    most = _number_text(length.most)
    return f"{_number_text(length.least)} to {most}" if length.least else f"at most {most}"


def _number_text(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"
