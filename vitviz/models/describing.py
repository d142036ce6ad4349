"""The card of a checkpoint: from what is said of it, what its weights tell, and what is assumed."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vitviz.errors import CheckpointError
from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.card import (
    CARD_WORDS,
    CardFile,
    ModelCard,
    complete,
    refusing,
)
from vitviz.models.checkpoints.places import Place
from vitviz.models.checkpoints.said import Assumption, Notes, Said, texts
from vitviz.models.config import Config
from vitviz.models.family import Family
from vitviz.models.labels import SETS
from vitviz.reading import check_nothing_left

if TYPE_CHECKING:
    from vitviz.models.checkpoints.reader import Reader

PARTS = {
    "mean": "mean",
    "std": "standard deviation",
    "rule": "resizing",
    "interpolation": "interpolation",
}
"""Of preprocessing, in words."""


def described(
    place: Place, file: CardFile | None, family: Family, reader: Reader, config: Config, said: Said
) -> ModelCard:
    """The card of a network: the file's where there is one, and what is said over what is usual.

    Raises:
        CheckpointError: The card's file does not go with the network.
    """
    usual, notes = reader.preprocessing(config)
    preprocessing, notes = prepared(usual, notes, said, config, family)
    name = Path(place.files[0].name if len(place.files) == 1 else place.name)
    if file is not None:
        with refusing(file.where):
            card = complete(file, family, config, preprocessing)
        card = replace(card, id=card.id or name.stem, title=card.title or name.stem)
    else:
        card = ModelCard(
            id=name.stem, title=place.name if place.name != name.name else name.stem,
            config=config, preprocessing=preprocessing, source=place.name, family=family.name,
        )  # fmt: skip
    card = replace(card, outputs=said.outputs or card.outputs)
    card, more = _named(card, said)
    return with_notes(card, notes + more)


def with_notes(card: ModelCard, notes: Notes) -> ModelCard:
    """The card with these notes too."""
    new = tuple(note for note in notes if isinstance(note, Assumption))
    return replace(card, notes=(*card.notes, *texts(notes)), assumed=(*card.assumed, *new))


def prepared(
    usual: Preprocessing, notes: Notes, said: Said, config: Config, family: Family
) -> tuple[Preprocessing, Notes]:
    """What is said of preprocessing over what is usual, and what stays assumed."""
    given = dict(said.preprocessing)
    trained = family.trained(config)
    size = given.get("input_size", trained.input_size)
    left: Notes = ()
    if any(side % trained.patch for side in size):
        left = (
            f"Photos of {size[0]} x {size[1]}, as is said beside it, do not divide into patches of "
            f"{trained.patch}: they are made {trained.input_size[0]} x {trained.input_size[1]}.",
        )
        size = trained.input_size
    short = min(size)
    if "edge" not in given:
        changed = "rule" in given or size != usual.input_size
        given["edge"] = max(size) if changed else usual.edge
    elif str(given.get("rule", usual.rule)).endswith("centre crop"):
        given["edge"] = max(given["edge"], short)
    assumed = [words for name, words in PARTS.items() if name not in given]
    preprocessing = replace(usual, **{**given, "input_size": tuple(size)})
    if not assumed:
        return preprocessing, left
    if len(assumed) == len(PARTS):
        return preprocessing, notes + left
    is_ = "is" if len(assumed) == 1 else "are"
    text = f"Of the preprocessing {_listed(assumed)} {is_} assumed: {_in_words(preprocessing)}."
    return preprocessing, (Assumption("preprocessing", text), *left)


def _in_words(wants: Preprocessing) -> str:
    return (
        f"{wants.rule} (edge {wants.edge}, {wants.interpolation}), mean "
        f"{', '.join(f'{v:g}' for v in wants.mean)}, std {', '.join(f'{v:g}' for v in wants.std)}"
    )


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _named(card: ModelCard, said: Said) -> tuple[ModelCard, Notes]:
    """The card with names of its classes: said ones, else those of a known set of as many."""
    classes = card.outline.classes
    if not classes:
        return card, ()
    if said.names and len(said.names) == classes:
        return replace(card, names=said.names, classes=""), ()
    notes: Notes = ()
    if said.names:
        notes = (f"{len(said.names)} names of classes were there for {classes} outputs: not used.",)
    if said.classes or card.classes or said.names:
        known = said.classes or card.classes
        return replace(card, classes=known if SETS.get(known) == classes else ""), notes
    own = said.kind == "transformers" and "id2label" in said.arguments
    found = next((name for name, count in SETS.items() if count == classes), "")
    if not found or own:
        return card, notes
    text = f"{classes} classes are assumed to be {found}'s."
    return replace(card, classes=found), (*notes, Assumption("names", text))


def check_said(family: Family, config: Config, corrections: Said, file: CardFile | None) -> None:
    """Refuses what a card or the user says of the network where the weights say otherwise.

    Raises:
        CheckpointError: It is so, or a field is of another type, out of range or unknown.
    """
    if file is not None:
        with refusing(file.where):
            is_ = _with(family, config, file.network)
        hint = "Correct the card, or move it away to load the checkpoint without it."
        _compare(f"The model card {file.where}".rstrip(), is_, config, hint)
    if corrections.network:
        names = {ours: theirs for theirs, ours in CARD_WORDS.items()}
        given = {names.get(name, name): value for name, value in corrections.network.items()}
        if "grid" in given:
            (rows, cols), patch = given.pop("grid"), family.trained(config).patch
            given["input_size"] = rows * patch, cols * patch
        hint = "Correct what was said of it, or leave it out."
        try:
            is_ = _with(family, config, given)
        except ValueError as error:
            raise CheckpointError(
                f"What was said of the model cannot be: {error}.", hint
            ) from error
        _compare("What was said of the model", is_, config, hint)


def _with(family: Family, config: Config, given: dict[str, Any]) -> Config:
    """The configuration with these fields of a card's file over it."""
    values = {**family.fields(config), **given}
    values = json.loads(json.dumps(values))  # as a card's file has it: lists, also further in
    read = family.read(values, 0)
    check_nothing_left(values)
    return read


def _compare(who: str, said: Config, is_: Config, hint: str) -> None:
    different = [
        f"{field.name} {getattr(said, field.name)}, not {getattr(is_, field.name)}"
        for field in fields(is_)
        if getattr(said, field.name) != getattr(is_, field.name)
    ]
    if different:
        raise CheckpointError(
            f"{who} does not agree with its weights: it says {'; '.join(different)}.", hint
        )
