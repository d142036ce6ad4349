"""What a pane can be split along, as the dialog offers it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.samples import request_for
from vitviz.engine.answers import top_indices
from vitviz.engine.engine import Engine
from vitviz.gui.dialogs.split_values import FEW, split_choices
from vitviz.methods import METHODS
from vitviz.models.loading import bundled
from vitviz.session.state import PhotoRef, Session, View

A, B = PhotoRef("a.jpg"), PhotoRef("film.gif", frame=2)


def test_before_there_is_an_answer() -> None:
    offered = split_choices(Session((A, B), model="m.pth"), None, ["other.pth", "m.pth"])
    for along in ("layers", "heads", "classes"):
        assert offered[along].values == ()
        assert "once the model has answered" in offered[along].missing
    assert offered["methods"].chosen == tuple(METHODS)
    assert offered["photos"].values == (("a.jpg", A), ("film.gif, frame 3", B))
    assert offered["models"].values == (
        *((card.title, card.id) for card in bundled()),
        ("m.pth", "m.pth"),
        ("other.pth", "other.pth"),
    )
    assert "m.pth" in offered["models"].chosen
    assert len(offered["models"].chosen) <= FEW


def test_what_the_model_has(photo: Path, checkpoint: Path) -> None:
    cell = Engine().answer(request_for(photo, checkpoint))
    session = Session((PhotoRef(str(photo)),), model=str(checkpoint))
    offered = split_choices(session, cell, [])
    assert offered["layers"].values == (("Layer 1", 0), ("Layer 2", 1))
    titles = [title for title, _ in offered["heads"].values]
    assert titles[-3:] == ["Head 1", "Head 2", "Head 3"]
    best = top_indices(cell, 7)
    assert [value for _, value in offered["classes"].values] == list(best)
    assert offered["classes"].chosen == tuple(best[:FEW])
    rare = best[-1]
    chosen = replace(session, view=View("relevance", target=rare))
    assert split_choices(chosen, cell, [])["classes"].chosen == (rare, *best[: FEW - 1])
