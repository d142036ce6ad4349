"""Names of the classes that a head tells apart."""

from __future__ import annotations

from functools import cache

from vitviz.bundled import resource

SETS: dict[str, int] = {"imagenet-1k": 1000}
"""The sets of names that come with vitviz, and how many classes each has."""


@cache
def class_names(name: str) -> tuple[str, ...]:
    """The names of a set of classes, in the order of a head's outputs; empty for an unknown set.

    Args:
        name: As in a model card's ``classes``: "imagenet-1k".
    """
    if name not in SETS:
        return ()
    return tuple(resource("labels", f"{name}.txt").read_text(encoding="utf-8").splitlines())
