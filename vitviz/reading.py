"""JSON from anywhere as frozen dataclasses: every field there, none unknown, each of its type."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, NoReturn, TypeVar, get_args, get_origin, get_type_hints

Whole = TypeVar("Whole")


def parse(text: str) -> object:
    """JSON without NaN and infinities.

    Raises:
        ValueError: It is none.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def typed(kind: type[Whole], value: object, where: str = "") -> Whole:
    """The dataclass whose fields a JSON object has.

    Understands fields that are texts, numbers, truth values, tuples, dictionaries, dataclasses,
    alternatives of these, and ``Any``, which is taken as it is.

    Args:
        kind: The dataclass.
        value: What ``parse`` gave.
        where: Path of the value, for messages.

    Raises:
        ValueError: It has not that shape; the message says where.
    """
    read: Whole = _read(kind, value, where)
    return read


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number")


def _wrong(where: str) -> ValueError:
    return ValueError(f"{where or 'the whole'} is not what it should be")


def _read(kind: Any, value: Any, where: str) -> Any:
    if kind is Any:
        return value
    if is_dataclass(kind):
        return _dataclass(kind, value, where)
    reader = READERS.get(get_origin(kind))
    if reader is not None:
        return reader(get_args(kind), value, where)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind or (kind is float and not math.isfinite(value)):
        raise _wrong(where)
    return value


def _dataclass(kind: Any, value: Any, where: str) -> Any:
    names = {field.name for field in fields(kind)}
    if not isinstance(value, dict) or value.keys() != names:
        raise _wrong(where)
    hints = get_type_hints(kind)
    return kind(**{name: _read(hints[name], value[name], f"{where}.{name}".lstrip("."))
                   for name in names})  # fmt: skip


def _tuple(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _wrong(where)
    if kinds[1:] == (Ellipsis,):
        kinds = kinds[:1] * len(value)
    if len(kinds) != len(value):
        raise _wrong(where)
    pairs = zip(kinds, value, strict=True)
    return tuple(_read(kind, item, f"{where}[{i}]") for i, (kind, item) in enumerate(pairs))


def _dictionary(kinds: tuple[Any, ...], value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(where)
    return {name: _read(kinds[1], item, f"{where}.{name}") for name, item in value.items()}


def _alternative(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    # The exact type first, or an int would be read as the float that stands before it.
    for kind in sorted(kinds, key=lambda kind: kind is not type(value)):
        if kind is NoneType and value is None:
            return None
        try:
            return _read(kind, value, where)
        except ValueError:
            continue
    raise _wrong(where)


READERS: dict[Any, Callable[[tuple[Any, ...], Any, str], Any]] = {
    tuple: _tuple,
    dict: _dictionary,
    UnionType: _alternative,
}
