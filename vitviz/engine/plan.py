"""What must be computed to show a session: the only place that decides it."""

from __future__ import annotations

from vitviz.engine.requests import DecodeRequest, ExplainRequest
from vitviz.methods import METHODS
from vitviz.session.state import Pane, PhotoRef, Session, View


def plan(session: Session, device: str = "auto") -> tuple[ExplainRequest, ...]:
    """The requests whose answers show this session, in the order of its panes.

    The Compare view shows all panes, the others the current one. Panes that differ in what is
    not computed (their layer) have the same request, which is there once for each.
    """
    panes = session.panes if session.tab == "compare" else (session.pane,)
    requests = (request_of(pane, session.background, device) for pane in panes)
    return tuple(request for request in requests if request is not None)


def request_of(
    pane: Pane, background: tuple[int, int, int], device: str = "auto"
) -> ExplainRequest | None:
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
    return ExplainRequest(
        pane.photo, background, pane.model, pane.input, view.method, view.params,
        view.head if method.fuses_first else None, view.query if method.about_token else "auto",
        direction, view.target if method.class_specific else None,
        view.contrast if method.class_specific else None, device, ablation=view.ablation,
        reference=reference_of(pane.photo, view),
    )  # fmt: skip


def reference_of(photo: PhotoRef | None, view: View) -> tuple[PhotoRef, ...]:
    """The other photos that a map refers to; none where it refers to its own alone."""
    refers = METHODS[view.method].refers
    if not refers:
        return ()
    reference = view.reference[:1] if refers == "photo" else tuple(dict.fromkeys(view.reference))
    return () if reference == (photo,) else reference


def decode_request_of(
    session: Session, device: str = "auto", normalised: bool | None = None
) -> DecodeRequest | None:
    """The request for what a decoder makes of the current photo; None without one or a model.

    Args:
        session: Its mask says which patches are hidden.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        normalised: As of ``DecodeRequest``.
    """
    if session.photo is None or not session.model:
        return None
    return DecodeRequest(
        session.photo, session.background, session.model, session.input, session.mask,
        session.view.query, normalised, device, ablation=session.view.ablation,
    )  # fmt: skip
