"""What a folder of class folders holds, found without opening a photo."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vitviz.errors import VitvizError
from vitviz.imaging.load import EXTENSIONS
from vitviz.plain_text import shown_text
from vitviz.training.finetune.classes import class_folders


@dataclass(frozen=True)
class ClassPhotos:
    """The classes of a folder.

    Args:
        counts: Of the photos of each class, by its name.
        problem: Why they cannot be trained with, and what to do; "" where they can.
    """

    counts: tuple[tuple[str, int], ...] = ()
    problem: str = ""

    @property
    def words(self) -> str:
        """ "3 classes, 120 photos; fewest: owl, 31."."""
        if not self.counts:
            return ""
        photos = sum(count for _, count in self.counts)
        name, fewest = min(self.counts, key=lambda pair: pair[1])
        least = f"{shown_text(name)}, {fewest:,}"
        return f"{len(self.counts):,} classes, {photos:,} photos; fewest: {least}."

    def commonest(self, held_out: float) -> float | None:
        """The accuracy of always saying the commonest class; None where nothing is known.

        Args:
            held_out: Part of each class that is measured on, 0..1, one photo of it at least.
        """
        held = [min(max(1, round(held_out * count)), count - 1) for _, count in self.counts]
        return max(held) / sum(held) if sum(held) else None


def class_photos(folder: Path, check: Callable[[], None] = lambda: None) -> ClassPhotos:
    """Counts the photos of each class folder, those in folders inside it among them.

    Args:
        folder: Of class folders.
        check: Called for every folder; may raise ``Cancelled``.
    """
    if not folder.is_dir():
        return ClassPhotos(problem=f"There is no folder {folder}.")
    try:
        counts = tuple((name, _count(folder / name, check)) for name in class_folders(folder))
    except VitvizError as error:
        return ClassPhotos(problem=f"{error.message} {error.hint}")
    few = [(name, count) for name, count in counts if count < 2]
    if not few:
        return ClassPhotos(counts)
    name, count = few[0]
    others = f" (and {len(few) - 1:,} more classes)" if len(few) > 1 else ""
    has = "one photo" if count else "no photo"
    return ClassPhotos(
        counts,
        f"The class {shown_text(name)} has {has}{others}: it takes two, one to learn from and "
        "one to measure on. Add photos, or move the folder away.",
    )


def _count(folder: Path, check: Callable[[], None]) -> int:
    count = 0
    for _, _, names in os.walk(folder):
        check()
        count += sum(Path(name).suffix.lower() in EXTENSIONS for name in names)
    return count
