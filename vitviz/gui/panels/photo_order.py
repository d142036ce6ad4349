"""Which of the open photos are shown in the list, and in which order: rules that need no Qt."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from vitviz.engine.predicting import Prediction
from vitviz.session.state import PhotoRef

By = Literal["opened", "name", "prediction", "column"]

Value = float | str

Key = tuple[object, ...]

_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True)
class Order:
    """How the list is sorted.

    Args:
        by: "opened": as the photos were opened.
        backwards: The last one first.
        column: Of a table, where it is sorted by one.
    """

    by: By = "opened"
    backwards: bool = False
    column: str = ""


def arranged(
    refs: tuple[PhotoRef, ...],
    words: str = "",
    order: Order = Order(),
    predictions: Mapping[PhotoRef, Prediction] | None = None,
    values: Mapping[str, Value] | None = None,
) -> tuple[PhotoRef, ...]:
    """The photos that are shown, in order.

    Args:
        refs: The open photos.
        words: All of them have to be in a photo's name or predicted class; case does not count.
        order: How they are sorted. What has no prediction or no value stands last, always.
        predictions: As far as they are known.
        values: Of the column that is sorted by, by the photo's path.

    Returns:
        ``refs`` itself where nothing is left out or moved.
    """
    known = predictions or {}
    shown: Sequence[PhotoRef] = refs
    if wanted := words.lower().split():
        shown = [ref for ref in refs if _has(ref, known.get(ref), wanted)]
    if order.by == "opened":
        return refs if shown is refs and not order.backwards else tuple(_turned(shown, order))
    key = _key(order.by, known, values or {})
    keys = {ref: key(ref) for ref in shown}
    there = [ref for ref in shown if keys[ref] is not None]
    missing = [ref for ref in shown if keys[ref] is None]
    there.sort(key=lambda ref: keys[ref] or (), reverse=order.backwards)
    return (*there, *missing)


def natural(name: str) -> Key:
    """Sorts "photo 9" before "photo 10", whatever the case."""
    parts = _DIGITS.split(name.lower())
    # Every second part is digits; a long number would take long to read as one.
    return tuple((len(part.lstrip("0")), part.lstrip("0")) if at % 2 else part
                 for at, part in enumerate(parts))  # fmt: skip


def name_of(ref: PhotoRef) -> str:
    """The name of a photo's file."""
    return os.path.basename(ref.path)  # noqa: PTH119 (pathlib takes ten times as long)


def _key(
    by: By, predictions: Mapping[PhotoRef, Prediction], values: Mapping[str, Value]
) -> Callable[[PhotoRef], Key | None]:
    """What photos are sorted by; None for what has nothing of it."""

    def by_name(ref: PhotoRef) -> Key:
        return natural(name_of(ref))

    def by_prediction(ref: PhotoRef) -> Key | None:
        found = predictions.get(ref)
        return None if found is None else (found.label.lower(), -found.probability)

    def by_value(ref: PhotoRef) -> Key | None:
        value = values.get(ref.path)
        if value is None:
            return None
        return (1, natural(value)) if isinstance(value, str) else (0, value)

    return {"name": by_name, "prediction": by_prediction, "column": by_value}[by]


def _turned(refs: Sequence[PhotoRef], order: Order) -> Sequence[PhotoRef]:
    return refs[::-1] if order.backwards else refs


def _has(ref: PhotoRef, found: Prediction | None, wanted: Sequence[str]) -> bool:
    text = name_of(ref).lower()
    if found is not None:
        text = f"{text}\n{found.label.lower()}"
    return all(word in text for word in wanted)
