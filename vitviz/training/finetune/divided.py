"""Folders that come divided: ``train`` and ``val`` with the same class folders in each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vitviz.paths import is_folder

TRAINING = ("train", "training")
VALIDATION = ("val", "valid", "validation", "dev", "eval")
TEST = ("test", "testing")
"""What the parts are called, in any case."""


@dataclass(frozen=True)
class Parts:
    """Where the photos are to learn from, and those to measure on.

    Args:
        training: Of class folders.
        validation: Of the same class folders; None: a part of each class is held out.
        left_out: Names of the folders beside them that are not used.
    """

    training: Path
    validation: Path | None
    left_out: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """ "Learns from the classes in train, measured on those in val; not used: test."."""
        measured = (
            f"measured on those in {self.validation.name}" if self.validation is not None
            else "measured on a part of each"
        )  # fmt: skip
        left = f"; not used: {', '.join(self.left_out)}" if self.left_out else ""
        return f"Learns from the classes in {self.training.name}, {measured}{left}."


def parts_of(folder: Path, validation: Path | None = None) -> Parts:
    """The parts of a folder; the folder itself where it is not divided.

    It is divided where one folder in it is called ``train``, holds folders, and either has a class
    folder in common with another part or stands beside nothing but parts. Without ``val`` the
    photos in ``test`` are measured on.

    Args:
        folder: Of class folders, or divided.
        validation: Asked for; goes before what is found.
    """
    inside = _folders(folder)
    training = _called(inside, TRAINING)
    classes = set(_folders(training)) if training is not None else set()
    if training is None or not classes:
        return Parts(folder, validation)
    labelled = [
        part for names in (VALIDATION, TEST)
        if (part := _called(inside, names)) is not None and classes & _folders(part).keys()
    ]  # fmt: skip
    known = (*TRAINING, *VALIDATION, *TEST)
    if not labelled and any(name.casefold() not in known for name in inside):
        return Parts(folder, validation)
    chosen = validation or next(iter(labelled), None)
    left = sorted(name for name, path in inside.items() if path not in (training, chosen))
    return Parts(training, chosen, tuple(left))


def _folders(folder: Path) -> dict[str, Path]:
    """The folders in a folder by name, hidden ones left out; none where it cannot be read."""
    try:
        return {f.name: f for f in folder.iterdir() if is_folder(f) and f.name[0] != "."}
    except (OSError, ValueError):  # whoever opens the photos says why
        return {}


def _called(folders: dict[str, Path], names: tuple[str, ...]) -> Path | None:
    """The first of some names that is there, in whatever case."""
    by_case = {name.casefold(): path for name, path in sorted(folders.items())}
    return next((by_case[name] for name in names if name in by_case), None)
