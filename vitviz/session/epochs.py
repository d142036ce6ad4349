"""The epochs of a fine-tuning: how good they were, and what they look at side by side."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vitviz.session.panes import pair_of
from vitviz.session.split import split, varied
from vitviz.session.state import MOST_PANES, Session, with_panes


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
    from vitviz.training.finetune import SNAPSHOTS

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
                snapshot if snapshot.is_file() else None,
            )
        )  # fmt: skip
        losses = []
    return found


def models_shown(before: str, epochs: Sequence[Epoch], most: int = MOST_PANES) -> tuple[str, ...]:
    """The models to be seen side by side: before, epochs at even distances, the newest.

    Args:
        before: The model that was begun with; its body is that of epoch 0.
        epochs: In order; the best of them is among those chosen.
        most: Models in all, at least 4.
    """
    after = [(epoch, epoch.snapshot) for epoch in epochs if epoch.number > 0 and epoch.snapshot]
    room = min(most - 1, len(after))
    places = [round(i * (len(after) - 1) / max(1, room - 1)) for i in range(room)]
    after_all = [epoch for epoch, _ in after]
    best = after_all.index(best_of(after_all)) if after else 0
    if places and best not in places:  # so there are more, and the ends stay
        nearest = min(range(1, room - 1), key=lambda i: abs(places[i] - best))
        places[nearest] = best
    return before, *(str(after[place][1]) for place in places)


def side_by_side(session: Session, models: Sequence[str]) -> Session:
    """The current photo and view with each of the models, in the Compare view.

    The first and the last are what a difference is of.

    Raises:
        VitvizError: There is no photo.
    """
    chosen = split(session, "models", models)
    pair = (0, len(chosen.panes) - 1)
    return replace(chosen, compare=replace(chosen.compare, pair=pair))


def is_side_by_side(session: Session, models: Collection[str]) -> bool:
    """Whether all panes are of these models, and of one photo: nobody changed what they are."""
    panes = session.panes
    return (
        len(panes) > 1
        and len({pane.photo for pane in panes}) == 1
        and all(pane.model in models for pane in panes)
    )


def followed(session: Session, models: Sequence[str]) -> Session:
    """Panes that are side by side, with the models that there are by now.

    A pane whose model stays is what it was; the current one too, where its model stays, and is
    else the newest. The view that is open stays open.
    """
    now, last = session.pane, len(session.panes) - 1
    there = {pane.model: pane for pane in session.panes}
    panes = tuple(there.get(model) or varied(now, "models", model) for model in models)
    focus = list(models).index(now.model) if now.model in models else len(panes) - 1
    first, second = pair_of(session)
    pair = (first, len(panes) - 1 if second == last else second)
    changed = with_panes(session, panes, focus)
    return replace(changed, compare=replace(changed.compare, pair=pair))
