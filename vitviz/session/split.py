"""One pane made into several that differ in one choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, cast

from vitviz.errors import VitvizError
from vitviz.methods import METHODS
from vitviz.session.panes import for_model, view_on_another
from vitviz.session.state import MOST_PANES, Pane, PhotoRef, Session, with_panes

Along = Literal["layers", "heads", "methods", "models", "photos", "classes"]
"""The choice that is varied."""


def split(session: Session, along: Along, values: Sequence[object]) -> Session:
    """The current pane repeated with one choice varied, in the Compare view.

    The pane that is what the current one was becomes the current one, else the first.

    Args:
        session: With a photo.
        along: What is varied.
        values: What it shall be, in order; of more than ``MOST_PANES`` those that ``some`` takes.
            Layers from 0; heads from 0, or fusions; names of methods; ids or paths of models;
            photos, which are opened where they are not; indices of classes.

    Raises:
        VitvizError: There is no photo, or nothing to vary.
    """
    if session.photo is None:
        raise VitvizError("There is nothing to compare yet.", "Open a photo first.")
    if not values:
        raise VitvizError(f"There are no {along} to split along.", "Choose at least one.")
    chosen = some(along, list(dict.fromkeys(values)), current(session.pane, along))
    if along == "photos":
        session = _with_photos(session, cast("list[PhotoRef]", chosen))
    elif along == "classes":
        session = _about_a_class(session)
    panes = tuple(varied(session.pane, along, value) for value in chosen)
    focus = panes.index(session.pane) if session.pane in panes else 0
    alone = replace(session.compare, pair=(0, 1))
    return with_panes(replace(session, tab="compare", compare=alone), panes, focus)


def current(pane: Pane, along: Along) -> object:
    """What a pane has for the choice that would be varied."""
    view = pane.view
    has: dict[Along, object] = {
        "layers": view.layer, "heads": view.head, "methods": view.method,
        "models": pane.model, "photos": pane.photo, "classes": view.target,
    }  # fmt: skip
    return has[along]


def some(along: Along, values: Sequence[object], now: object) -> list[object]:
    """As many of the values as there can be panes, in their order.

    Layers are taken at equal distances, the first and the last among them. Of the others those
    from the current one on, or the first ones where it is none of them.
    """
    count = len(values)
    if count <= MOST_PANES:
        return list(values)
    if along == "layers":
        step = (count - 1) / (MOST_PANES - 1)
        return [values[round(i * step)] for i in range(MOST_PANES)]
    start = values.index(now) if now in values and along != "heads" else 0
    start = min(start, count - MOST_PANES)
    return list(values[start : start + MOST_PANES])


def varied(pane: Pane, along: Along, value: Any) -> Pane:
    """The pane with another value of one choice; what would mean nothing with it goes.

    Another method has other settings, another photo another query patch, another model other
    classes.
    """
    if value == current(pane, along):
        return pane
    view = pane.view
    match along:
        case "layers":
            return replace(pane, view=replace(view, layer=value))
        case "heads":
            return replace(pane, view=replace(view, head=value))
        case "methods":
            return replace(pane, view=replace(view, method=value, params=()))
        case "models":
            return replace(pane, model=value, view=for_model(view))
        case "photos":
            return replace(pane, photo=value, view=view_on_another(view, pane.photo))
        case "classes":
            return replace(pane, view=replace(view, target=value))


def _about_a_class(session: Session) -> Session:
    """The session with a method that asks about one class: its own, or the first there is."""
    if METHODS[session.view.method].class_specific:
        return session
    method = next(method for method in METHODS.values() if method.class_specific)
    return replace(session, view=replace(session.view, method=method.name, params=()))


def _with_photos(session: Session, photos: Sequence[PhotoRef]) -> Session:
    new = tuple(ref for ref in photos if ref not in session.photos)
    return replace(session, photos=session.photos + new)
