"""Sessions made ready for a question."""

from __future__ import annotations

from dataclasses import replace

from vitviz.errors import VitvizError
from vitviz.session.state import Compare, Pane, Session, View, with_panes


def vit_or_cnn(session: Session, vit: str, cnn: str) -> Session:
    """What a Vision Transformer and a convolutional network make of the current photo, side by
    side: the relevance to the class that each predicts, and its Grad-CAM.

    Args:
        session: With a photo.
        vit: Id or path of a model with attention over one sequence of patches, and classes.
        cnn: Id or path of a model whose layers give features, and classes.

    Raises:
        VitvizError: There is no photo.
    """
    if session.photo is None:
        raise VitvizError("There is nothing to compare yet.", "Open a photo first.")
    panes = tuple(
        Pane(session.photo, model, session.input, View(method))
        for model, method in ((vit, "relevance"), (cnn, "grad-cam"))
    )
    ready = replace(session, tab="compare", compare=Compare())
    return with_panes(ready, panes, 0)
