"""What a folder of class folders holds, found without opening a photo."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vitviz.errors import VitvizError
from vitviz.imaging.load import EXTENSIONS
from vitviz.paths import is_folder
from vitviz.plain_text import shown_text
from vitviz.plurals import count_of
from vitviz.training.finetune.classes import class_folders
from vitviz.training.finetune.divided import parts_of


@dataclass(frozen=True)
class ClassPhotos:
    """The classes of a folder.

    Args:
        counts: Of the photos of each class, by its name.
        measured: Of those to measure on, where they lie apart (``train`` and ``val``).
        divided: How the folder is divided; "" where it is not.
        problem: Why they cannot be trained with, and what to do; "" where they can.
    """

    counts: tuple[tuple[str, int], ...] = ()
    problem: str = ""
    measured: tuple[tuple[str, int], ...] = ()
    divided: str = ""

    @property
    def words(self) -> str:
        """ "3 classes, 120 photos; fewest: owl, 31."."""
        if not self.counts:
            return ""
        photos = sum(count for _, count in self.counts)
        name, fewest = min(self.counts, key=lambda pair: pair[1])
        least = f"{shown_text(name)}, {fewest:,}"
        classes = count_of(len(self.counts), "class", "classes")
        words = f"{classes}, {count_of(photos, 'photo')}; fewest: {least}."
        if self.measured:
            apart = sum(count for _, count in self.measured)
            words += f" {apart:,} more to measure on."
        return f"{words} {self.divided}".strip()

    def commonest(self, held_out: float) -> float | None:
        """The accuracy of always saying the commonest class; None where nothing is known.

        Args:
            held_out: Part of each class that is measured on, 0..1, one photo of it at least.
        """
        if self.measured:
            apart = [count for _, count in self.measured]
            return max(apart) / sum(apart) if sum(apart) else None
        held = [min(max(1, round(held_out * count)), count - 1) for _, count in self.counts]
        return max(held) / sum(held) if sum(held) else None


def class_photos(folder: Path, check: Callable[[], None] = lambda: None) -> ClassPhotos:
    """Counts the photos of each class folder, those in folders inside it among them.

    Args:
        folder: Of class folders.
        check: Called for every folder; may raise ``Cancelled``.
    """
    if not is_folder(folder):
        return ClassPhotos(problem=f"There is no folder {folder}.")
    try:
        parts = parts_of(folder)
        counts = _counts(parts.training, check)
        measured = () if parts.validation is None else _counts(parts.validation, check)
    except VitvizError as error:
        return ClassPhotos(problem=f"{error.message} {error.hint}")
    divided = "" if parts.training == folder else parts.words
    few = [(name, count) for name, count in counts if count < (1 if measured else 2)]
    if not few:
        return ClassPhotos(counts, "", measured, divided)
    name, count = few[0]
    needs = (
        "it takes one to learn from" if measured else
        "it takes two, one to learn from and one to measure on"
    )  # fmt: skip
    others = f" (and {len(few) - 1:,} more classes)" if len(few) > 1 else ""
    has = "one photo" if count else "no photo"
    return ClassPhotos(
        counts,
        f"The class {shown_text(name)} has {has}{others}: {needs}. Add photos, or move the folder "
        "away.",
        measured,
        divided,
    )


def _counts(folder: Path, check: Callable[[], None]) -> tuple[tuple[str, int], ...]:
    return tuple((name, _count(folder / name, check)) for name in class_folders(folder))


def _count(folder: Path, check: Callable[[], None]) -> int:
    count = 0
    for _, _, names in os.walk(folder):
        check()
        count += sum(Path(name).suffix.lower() in EXTENSIONS for name in names)
    return count
