"""What lies beside a checkpoint and says more of it: a model card, or what a hub puts there."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from vitviz.models.card import LARGEST_CARD, CardFile, card_file, is_card
from vitviz.models.checkpoints.configs import LONGEST_CONFIG, read_config, read_processor
from vitviz.models.checkpoints.places import Place
from vitviz.models.checkpoints.said import NOT_SAID, Notes, Said
from vitviz.paths import is_file
from vitviz.reading import parse


class Beside(NamedTuple):
    """What lies beside.

    Args:
        card: The model card; None where there is none.
        said: All that is said, the card's word before a library's.
        notes: What was there and not used.
    """

    card: CardFile | None
    said: Said
    notes: Notes


def look_beside(place: Place) -> Beside:
    """What the files beside a checkpoint say.

    Raises:
        CheckpointError: There is a model card, and it cannot be used.
    """
    card, own, notes = _own(place.files[0] if len(place.files) == 1 else None)
    said = NOT_SAID
    for name, path in place.beside.items():
        values = _json(path)
        if values is None:
            notes += (f"{name} beside it cannot be read and was not used.",)
        elif name.endswith("processor_config.json"):
            said = said.over(Said(preprocessing=read_processor(values)))
        else:
            said = said.over(read_config(values) or NOT_SAID)
    return Beside(card, (card.said() if card else NOT_SAID).over(own).over(said), notes)


def _own(weights: Path | None) -> tuple[CardFile | None, Said, Notes]:
    """What a file of the weights' own name says: ``NAME.json`` beside ``NAME.pth``."""
    if weights is None or not weights.name:
        return None, NOT_SAID, ()
    path = weights.with_suffix(".json")
    if path == weights or not is_file(path):
        return None, NOT_SAID, ()
    with path.open(encoding="utf-8", errors="replace") as file:
        text = file.read(LONGEST_CONFIG + 1)
    values = _parsed(text)
    said = None if values is None else read_config(values)
    if said is not None:
        return None, said, ()
    if is_card(text[: LARGEST_CARD + 1]):
        return card_file(text, path.name), NOT_SAID, ()
    return None, NOT_SAID, (f"{path.name} beside it is no model card and was not used.",)


def _json(path: Path) -> dict[str, Any] | None:
    try:
        with path.open(encoding="utf-8") as file:
            return _parsed(file.read(LONGEST_CONFIG + 1))
    except (OSError, ValueError):
        return None


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        values = parse(text, LONGEST_CONFIG, finite=False)
    except ValueError:
        return None
    return values if isinstance(values, dict) else None
