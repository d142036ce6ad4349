"""What a pane can be split along, and what there is of it to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from vitviz.engine.answers import Cell, top_indices
from vitviz.maps.heat_map import Fusion
from vitviz.methods import METHODS
from vitviz.models.loading import bundled
from vitviz.session.split import Along, current, some
from vitviz.session.state import Session
from vitviz.wording.names import capitalised, head_name, layer_name
from vitviz.wording.numbers import score

TITLES: dict[Along, str] = {
    "layers": "Layers", "heads": "Heads", "methods": "Methods", "models": "Models",
    "photos": "Photos", "classes": "Classes",
}  # fmt: skip

FEW = 3
"""Classes, and models, that are chosen at first: more of them are rarely meant."""


@dataclass(frozen=True)
class SplitChoices:
    """What there is to choose from.

    Args:
        values: (title, value), in the order of the panes.
        chosen: The values that are chosen at first.
        missing: Why there are none.
    """

    values: tuple[tuple[str, object], ...]
    chosen: tuple[object, ...] = ()
    missing: str = ""


def split_choices(
    session: Session, cell: Cell | None, models: Sequence[str]
) -> dict[Along, SplitChoices]:
    """What there is, for each choice that can be varied.

    Args:
        session: With the pane that is split.
        cell: That pane's answer, for what depends on the model; None before there is one.
        models: Paths of checkpoints that were used lately.
    """
    known: dict[Along, SplitChoices] = {
        "layers": _layers(session, cell), "heads": _heads(session, cell),
        "methods": _methods(cell), "models": _models(session, models),
        "photos": open_photos(session), "classes": _classes(session, cell),
    }  # fmt: skip
    return known


def _layers(session: Session, cell: Cell | None) -> SplitChoices:
    if cell is None:
        return SplitChoices((), missing="They are known once the model has answered.")
    layers = cell.explanation.layers
    values = tuple((capitalised(layer_name(layer, cell.outline)), layer) for layer in layers)
    return SplitChoices(values, tuple(some("layers", layers, session.view.layer)))


def _heads(session: Session, cell: Cell | None) -> SplitChoices:
    if cell is None:
        return SplitChoices((), missing="They are known once the model has answered.")
    fusions = tuple((f"{capitalised(name)} of all heads", name) for name in get_args(Fusion))
    heads = range(cell.outline.heads)
    values = (*fusions, *((capitalised(head_name(head)), head) for head in heads))
    return SplitChoices(values, tuple(some("heads", heads, session.view.head)))


def _methods(cell: Cell | None) -> SplitChoices:
    usable = [m for m in METHODS.values() if cell is None or m.fits(cell.outline)]
    values = tuple((method.title, method.name) for method in usable)
    return SplitChoices(values, tuple(name for _, name in values))


def _models(session: Session, recent: Sequence[str]) -> SplitChoices:
    values = [(card.title, card.id) for card in bundled()]
    ids = {id for _, id in values}
    paths = [path for path in dict.fromkeys((session.model, *recent)) if path not in ids]
    values += [(Path(path).name, path) for path in paths]
    others = [model for _, model in values if model != session.model]
    chosen = [session.model, *others[: FEW - 1]]
    return SplitChoices(tuple(values), tuple(model for _, model in values if model in chosen))


def open_photos(session: Session) -> SplitChoices:
    """The open photos."""
    values = tuple(
        (Path(ref.path).name + (f", frame {ref.frame + 1}" if ref.frame else ""), ref)
        for ref in session.photos
    )
    return SplitChoices(values, tuple(some("photos", session.photos, session.photo)))


def _classes(session: Session, cell: Cell | None) -> SplitChoices:
    if cell is None:
        return SplitChoices((), missing="They are known once the model has answered.")
    if cell.probabilities is None:
        return SplitChoices((), missing="This model tells no classes apart.")
    best = top_indices(cell, len(cell.probabilities))
    values = tuple(
        (f"{cell.class_name(index)} · {score(cell.probabilities[index], cell.outputs)}", index)
        for index in best
    )
    now = current(session.pane, "classes")
    first = [now] if now is not None and now not in best[:FEW] else []
    return SplitChoices(values, (*first, *best[: FEW - len(first)]))
