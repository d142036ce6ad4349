"""The epochs of a fine-tuning: how good they were, and what they look at side by side."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vitviz.paths import is_file
from vitviz.session.panes import pair_of
from vitviz.session.split import split, varied
from vitviz.session.state import MOST_PANES, Pane, PhotoRef, Session, with_panes

MOST_PHOTOS = 3
"""Photos seen side by side as a model learns: each with the model before and the newest."""


@dataclass(frozen=True)
class Epoch:
    """What an epoch came to.

    Args:
        number: 0 is before the first.
        accuracy: On the validation photos, 0..1.
        loss: Cross entropy on them, in nats.
        training_loss: Mean over the epoch's steps, in nats; None where it is not known.
        snapshot: A checkpoint of its weights.
    """

    number: int
    accuracy: float
    loss: float
    training_loss: float | None = None
    snapshot: Path | None = None


def best_of(epochs: Sequence[Epoch]) -> Epoch:
    """The first of those with the best accuracy and then the least loss: the one that is kept."""
    return max(epochs, key=lambda epoch: (epoch.accuracy, -epoch.loss))


def epochs_of(run: Path) -> list[Epoch]:
    """The epochs in a run's log, in order; none where it has no log. Loads torch."""
    from vitviz.training.checkpoint import LOG, read_log
    from vitviz.training.finetune.run import SNAPSHOTS

    found: list[Epoch] = []
    losses: list[float] = []
    for line in read_log(run / LOG):
        if "loss" in line:
            losses.append(line["loss"])
        measured = line.get("measured")
        if measured is None:
            continue
        snapshot = run / SNAPSHOTS / f"epoch-{len(found):03}.safetensors"
        found.append(
            Epoch(
                len(found), measured["accuracy"], measured["validation loss"],
                sum(losses) / len(losses) if losses else None,
                snapshot if is_file(snapshot) else None,
            )
        )  # fmt: skip
        losses = []
    return found


def models_shown(before: str, epochs: Sequence[Epoch], most: int = MOST_PANES) -> tuple[str, ...]:
    """The models to be seen side by side: before, epochs at even distances, the newest.

    Args:
        before: The model that was begun with; its body is that of epoch 0.
        epochs: In order; the best of them is among those chosen, where more than two fit.
        most: Models in all, at least 2.
    """
    after = [epoch for epoch in epochs if epoch.number > 0 and epoch.snapshot]
    best = after.index(best_of(after)) if after else 0
    places = _places(len(after), min(most - 1, len(after)), best)
    return before, *(str(after[place].snapshot) for place in places)


def _places(count: int, room: int, best: int) -> list[int]:
    """So many of 0..count - 1, in order: the last, the best, and others at even distances."""
    if room < 3:
        middle = best if best != count - 1 else (count - 1) // 2
        return [middle, count - 1][-room:] if room else []
    places = [round(i * (count - 1) / (room - 1)) for i in range(room)]
    if best not in places:  # so there are more, and the ends stay
        nearest = min(range(1, room - 1), key=lambda i: abs(places[i] - best))
        places[nearest] = best
    return places


def models_for(photos: int) -> int:
    """The most models that can be seen side by side, each with so many photos."""
    return MOST_PANES // max(photos, 1)


def side_by_side(
    session: Session, models: Sequence[str], photos: Sequence[PhotoRef] = ()
) -> Session:
    """Photos with each of the models, in the current view, in the Compare view.

    The first and the last model of the current photo are what a difference is of.

    Args:
        session: With a photo.
        models: At most ``models_for`` as many photos.
        photos: Some of the session's, at most ``MOST_PHOTOS``; the current one by default.

    Raises:
        VitvizError: There is no photo.
    """
    now = session.pane
    chosen = split(session, "models", models)  # the Compare view, where there is a photo
    shown = photos or [ref for ref in (session.photo,) if ref is not None]
    panes = _arranged(now, shown, models, {})
    focus = panes.index(now) if now in panes else 0
    pair = _ends(panes, panes[focus].photo)
    placed = with_panes(chosen, panes, focus)
    return replace(placed, compare=replace(placed.compare, pair=pair))


def photos_shown(session: Session) -> tuple[PhotoRef, ...]:
    """The photos of the panes, in their order."""
    return tuple(dict.fromkeys(pane.photo for pane in session.panes if pane.photo is not None))


def is_side_by_side(session: Session, models: Collection[str]) -> bool:
    """Whether the panes are some photos, each with the same of these models, and more than one.

    Then nobody changed what they are.
    """
    photos, panes = photos_shown(session), session.panes
    theirs = {pane.model for pane in panes}
    there = {(pane.photo, pane.model) for pane in panes}
    return (
        len(theirs) > 1
        and theirs <= set(models)
        and len(photos) <= MOST_PHOTOS
        and len(there) == len(photos) * len(theirs)
    )


def followed(session: Session, models: Sequence[str]) -> Session:
    """Panes that are side by side, with the models that there are by now.

    A pane whose model stays is what it was; the current one too, where its model stays, and is
    else the newest. The view that is open stays open.

    Args:
        session: One that ``is_side_by_side``.
        models: At most ``models_for`` as many photos as there are.
    """
    now, before = session.pane, session.panes
    first, second = (before[index] for index in pair_of(session))
    newest = before[_ends(before, second.photo)[1]]
    panes = _arranged(now, photos_shown(session), models, {_key(pane): pane for pane in before})
    places = {_key(pane): index for index, pane in enumerate(panes)}
    focus = places.get(_key(now), _ends(panes, now.photo)[1])
    begin, end = _ends(panes, first.photo)[0], _ends(panes, second.photo)[1]
    pair = (
        places.get(_key(first), begin),
        end if second == newest else places.get(_key(second), end),
    )
    changed = with_panes(session, panes, focus)
    return replace(changed, compare=replace(changed.compare, pair=pair))


def _key(pane: Pane) -> tuple[PhotoRef | None, str]:
    return pane.photo, pane.model


def _arranged(
    like: Pane, photos: Sequence[PhotoRef], models: Sequence[str],
    there: Mapping[tuple[PhotoRef | None, str], Pane],
) -> tuple[Pane, ...]:  # fmt: skip
    """A pane for each photo and model: those that are there, and others like one of them.

    The longer of the two goes along the rows.
    """
    keys = [(photo, model) for photo in photos for model in models]
    if len(photos) > len(models):
        keys = [(photo, model) for model in models for photo in photos]
    return tuple(
        there.get((photo, model)) or varied(varied(like, "models", model), "photos", photo)
        for photo, model in keys
    )


def _ends(panes: Sequence[Pane], photo: PhotoRef | None) -> tuple[int, int]:
    """The first and the last pane of a photo."""
    of_it = [index for index, pane in enumerate(panes) if pane.photo == photo]
    return of_it[0], of_it[-1]
