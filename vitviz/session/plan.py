"""What must be computed to show a session: the only place that decides it.

Layer, style and tab are not in a ``Request``: every layer comes with the answer
(``Explanation``), so changing them computes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from vitviz.imaging.preprocess import InputChoice
from vitviz.methods import METHODS
from vitviz.methods.base import Direction, Head, ParameterValue
from vitviz.session.state import PhotoRef, Query, Session


@dataclass(frozen=True)
class Request:
    """One question to the engine: one photo, one model, one explanation.

    Args:
        photo: Which photo.
        background: RGB colour behind a transparent one.
        model: Id of a bundled model, or path of a checkpoint.
        input: What the model is given.
        method: Name of an explanation method.
        params: Its settings, sorted by name.
        head: For methods that fuse heads first; None for those that keep them apart.
        query: Whose attention.
        direction: Of the query, or to it.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
    """

    photo: PhotoRef
    background: tuple[int, int, int]
    model: str
    input: InputChoice
    method: str
    params: tuple[tuple[str, ParameterValue], ...]
    head: Head | None
    query: Query
    direction: Direction
    device: str = "auto"


def plan(session: Session, device: str = "auto") -> tuple[Request, ...]:
    """The requests whose answers show this session, in the order of its panes."""
    if session.photo is None or not session.model:
        return ()
    view = session.view
    method = METHODS[view.method]
    direction = view.direction if view.direction in method.directions else method.directions[0]
    request = Request(
        session.photo, session.background, session.model, session.input, view.method,
        view.params, view.head if method.fuses_first else None, view.query, direction, device,
    )  # fmt: skip
    return (request,)
