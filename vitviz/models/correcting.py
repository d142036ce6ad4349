"""What people correct of a model: how it is now, what of it was assumed, and trying what they say.

The words, their bounds and the memory are those of ``checkpoints.corrections``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from vitviz.models.card import CARD_WORDS, ModelCard
from vitviz.models.checkpoints.corrections import (
    CORRECTABLE,
    read_words,
    remember,
    remembered,
)
from vitviz.models.checkpoints.places import find
from vitviz.models.checkpoints.said import Said
from vitviz.models.families import FAMILIES
from vitviz.progress import Progress, silent

ABOUT = {
    "input_size": ("grid", "size"),
    "preprocessing": ("mean", "std", "size", "rule", "edge", "interpolation"),
    "names": ("classes",),
}
"""What an assumption about a field is about, in the words of corrections."""

LEFT_OUT = ("part", "head")
"""Corrections that have a control of their own."""


def values(card: ModelCard) -> dict[str, str]:
    """What a model is taken for now, as words of corrections: only what it has."""
    own = FAMILIES[card.family].fields(card.config)
    network: dict[str, Any] = {CARD_WORDS.get(name, name): value for name, value in own.items()}
    told = ("heads", "activation", "pool", "norm_eps")
    found: dict[str, Any] = {name: network[name] for name in told if name in network}
    wants, trained = card.preprocessing, FAMILIES[card.family].trained(card.config)
    rows, cols = (side // trained.patch for side in trained.input_size)
    found |= {"grid": (rows, cols), "mean": wants.mean, "std": wants.std, "rule": wants.rule,
              "size": wants.input_size, "edge": wants.edge,
              "interpolation": wants.interpolation}  # fmt: skip
    if card.outline.classes:
        found |= {"outputs": card.outputs or "classes", "classes": card.classes or "own"}
    known = {name: CORRECTABLE[name].write(value) for name, value in found.items()}
    return {name: known[name] for name in CORRECTABLE if name in known}


def assumed(card: ModelCard) -> dict[str, str]:
    """Why a word's value was assumed, by word."""
    why: dict[str, str] = {}
    for field, text in card.assumed:
        for name in ABOUT.get(field, (field,)):
            why.setdefault(name, text)
    return why


def said_of(card: ModelCard, changed: Mapping[str, str], names: tuple[str, ...] = ()) -> Said:
    """What the user says of a model: what was said before, and what is changed now.

    Args:
        card: Of the model as it is.
        changed: Words by name.
        names: Of its classes; none: those that were said before, if any.

    Raises:
        VitvizError: There is no such word, or it cannot have such a value.
    """
    before = dict(word.split("=", 1) for word in card.corrected)
    words = [f"{name}={value}" for name, value in {**before, **changed}.items()]
    return read_words(words, names)


def check(name: str, text: str) -> str:
    """What is wrong with a value, in words; "" for nothing."""
    one = CORRECTABLE[name]
    try:
        one.read(text.strip())
    except (ValueError, OverflowError):
        return f"{one.title}: {one.values}"
    return ""


def correct(model: str, card: ModelCard, said: Said, progress: Progress = silent) -> ModelCard:
    """Opens a model as the user says it is, and if that can be, remembers it for this file.

    Args:
        model: Path of its checkpoint.
        card: As it is now.
        said: All that the user says; nothing: what was said is forgotten.
        progress: Told how far it is.

    Returns:
        The card of the model as it is then.

    Raises:
        CheckpointError: The weights say otherwise; nothing is remembered.
        VitvizError: It could not be remembered.
    """
    from vitviz.models.loading import load_model

    if not said.names and not said.is_nothing:
        said = replace(said, names=remembered(find(Path(model)).files).names)
    made = load_model(model, "cpu", progress, said).card
    remember(card.sha256, card.bytes, said)
    return made


def choose_part(model: str, card: ModelCard, part: str, progress: Progress = silent) -> ModelCard:
    """Takes another network of the same file from now on; as ``correct``."""
    return correct(model, card, replace(said_of(card, {}), part=part), progress)
