"""What must be computed to show a session: the only place that decides it.

Layer, style and tab are not in a ``Request``: every layer comes with the answer
(``Explanation``), so changing them computes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from vitviz.imaging.preprocess import InputChoice
from vitviz.methods import METHODS
from vitviz.methods.base import Direction, Head, ParameterValue
from vitviz.session.state import Pane, PhotoRef, Query, Session


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
        target: Index of the class, for class-specific methods; None: the most probable one.
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
    target: int | None = None
    device: str = "auto"


def plan(session: Session, device: str = "auto") -> tuple[Request, ...]:
    """The requests whose answers show this session, in the order of its panes.

    The Compare view shows all panes, the others the current one. Panes that differ in what is
    not computed (their layer) have the same request, which is there once for each.
    """
    panes = session.panes if session.tab == "compare" else (session.pane,)
    requests = (request_of(pane, session.background, device) for pane in panes)
    return tuple(request for request in requests if request is not None)


def request_of(
    pane: Pane, background: tuple[int, int, int], device: str = "auto"
) -> Request | None:
    """The request whose answer shows a pane; None without a photo or a model.

    Args:
        pane: What was chosen.
        background: RGB colour behind transparent photos.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
    """
    if pane.photo is None or not pane.model:
        return None
    view, method = pane.view, METHODS[pane.view.method]
    direction = view.direction if view.direction in method.directions else method.directions[0]
    return Request(
        pane.photo, background, pane.model, pane.input, view.method, view.params,
        view.head if method.fuses_first else None, view.query, direction,
        view.target if method.class_specific else None, device,
    )  # fmt: skip
