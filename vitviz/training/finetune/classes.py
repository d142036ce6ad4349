"""Folders as classes: which photos there are of each, to learn from and to measure on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vitviz.errors import VitvizError
from vitviz.models.card import LARGEST_CARD, MOST_NAMES
from vitviz.paths import is_folder
from vitviz.progress import Progress
from vitviz.training.photos import PhotoFile, TrainingPhoto, find_photos, open_photos

LONGEST_NAMES = LARGEST_CARD // 4
"""Characters of the names of all classes together, so that a card can hold them."""


@dataclass(frozen=True, eq=False)
class LabelledPhoto:
    """A photo and its class.

    Args:
        photo: The photo.
        label: Its class, as an index into the names.
    """

    photo: TrainingPhoto
    label: int


@dataclass(frozen=True, eq=False)
class LabelledPhotos:
    """The photos of class folders, divided.

    Args:
        names: Of the classes, in the order of the alphabet, which is that of the head's outputs.
        training: To learn from.
        validation: To measure on; no photo of it, nor a copy, is in ``training``.
        refused: Why other files could not be used, one line each.
    """

    names: tuple[str, ...]
    training: tuple[LabelledPhoto, ...]
    validation: tuple[LabelledPhoto, ...]
    refused: tuple[str, ...]


def labelled_photos(
    folder: Path, validation: Path | None, held_out: float, progress: Progress
) -> LabelledPhotos:
    """Opens the photos of a folder of class folders.

    Args:
        folder: Its folders are the classes; photos may lie deeper in them.
        validation: Of the same class folders, or None: then a part of each class is held out.
        held_out: That part, 0..1; at least one photo of each class.
        progress: Told how far it is.

    Raises:
        VitvizError: There are not two classes, a class has too few photos, or the folders of
            ``validation`` are not those of ``folder``.
    """
    names = class_folders(folder)
    if validation is not None:
        _same_folders(names, folder, validation)
    photos, refused = _opened(folder, names, progress)
    _enough(photos, names, folder, 1 if validation else 2)
    if validation is None:
        training, measured = _divided(photos, held_out)
        return LabelledPhotos(names, training, measured, refused)
    measured, others = _opened(validation, names, progress)
    _enough(measured, names, validation, 1)
    known = {one.photo.sha256 for one in measured}
    training = tuple(one for one in photos if one.photo.sha256 not in known)
    _enough(training, names, folder, 1)
    both = tuple(
        f"{one.photo.file.name}: the same photo is to be measured on"
        for one in photos if one.photo.sha256 in known
    )  # fmt: skip
    return LabelledPhotos(names, training, measured, (*refused, *both, *others))


def class_folders(folder: Path) -> tuple[str, ...]:
    """The names of the folders in a folder, in the order of the alphabet; hidden ones left out.

    Raises:
        VitvizError: There are fewer than two, or far too many.
    """
    try:
        names = sorted(f.name for f in folder.iterdir() if is_folder(f) and f.name[0] != ".")
    except (OSError, ValueError) as error:
        raise VitvizError(
            f"The folder {folder} cannot be read: {getattr(error, 'strerror', None) or error}.",
            "Name a folder that has a folder of photos for each class.",
        ) from error
    if len(names) < 2:
        there = f"one folder ({names[0]})" if names else "no folders"
        raise VitvizError(
            f"{folder} has {there}: a classifier needs at least two classes.",
            "Put the photos of each class into a folder of its own there.",
        )
    if len(names) > MOST_NAMES or sum(map(len, names)) > LONGEST_NAMES:
        raise VitvizError(
            f"{folder} has {len(names):,} folders: their names do not fit on a model's card.",
            "Name a folder that has a folder of photos for each class.",
        )
    return tuple(names)


def _same_folders(names: Sequence[str], folder: Path, validation: Path) -> None:
    there = set(class_folders(validation))
    missing = [name for name in names if name not in there]
    unknown = sorted(there - set(names))
    for what, where, other in ((missing, validation, folder), (unknown, folder, validation)):
        if what:
            raise VitvizError(
                f"{where} has no folder for the class {what[0]}, which {other} has"
                + (f" ({len(what):,} are missing)." if len(what) > 1 else "."),
                "Both need the same class folders.",
            )


def _opened(
    folder: Path, names: Sequence[str], progress: Progress
) -> tuple[tuple[LabelledPhoto, ...], tuple[str, ...]]:
    files: list[PhotoFile] = []
    label_of: dict[str, int] = {}
    for label, name in enumerate(names):
        for file in find_photos([folder / name], empty=True):
            files.append(file)
            label_of[file.name] = label
    pool = open_photos(files, progress, empty=True)
    photos = tuple(LabelledPhoto(photo, label_of[photo.file.name]) for photo in pool.photos)
    return _without_contradictions(photos, names, pool.refused)


def _without_contradictions(
    photos: Sequence[LabelledPhoto], names: Sequence[str], refused: tuple[str, ...]
) -> tuple[tuple[LabelledPhoto, ...], tuple[str, ...]]:
    """The photos without further copies of one, and without those that lie in two classes."""
    classes: dict[str, set[int]] = {}
    for one in photos:
        classes.setdefault(one.photo.sha256, set()).add(one.label)
    kept: dict[str, LabelledPhoto] = {}
    for one in photos:
        labels = classes[one.photo.sha256]
        if len(labels) > 1:
            both = " and ".join(names[label] for label in sorted(labels))
            refused += (f"{one.photo.file.name}: the same photo is in {both}",)
        elif one.photo.sha256 in kept:
            first = kept[one.photo.sha256].photo.file.name
            refused += (f"{one.photo.file.name}: the same photo as {first}",)
        else:
            kept[one.photo.sha256] = one
    return tuple(kept.values()), refused


def _enough(
    photos: Sequence[LabelledPhoto], names: Sequence[str], folder: Path, least: int
) -> None:
    counts = Counter(one.label for one in photos)
    for label, name in enumerate(names):
        if counts[label] < least:
            has = "no photo that can be used" if not counts[label] else "one photo"
            raise VitvizError(
                f"The class {name} has {has} in {folder}"
                + (
                    ": it takes two, one to learn from and one to measure on." if least > 1 else "."
                ),
                "Add photos, or move the folder away.",
            )


def _divided(
    photos: Sequence[LabelledPhoto], held_out: float
) -> tuple[tuple[LabelledPhoto, ...], tuple[LabelledPhoto, ...]]:
    """Of each class the first photos in the order of their hashes are held out.

    By content, so that the division does not depend on names, order or seed.
    """
    training: list[LabelledPhoto] = []
    measured: list[LabelledPhoto] = []
    for label in sorted({one.label for one in photos}):
        here = sorted((p for p in photos if p.label == label), key=lambda p: p.photo.sha256)
        count = min(max(1, round(held_out * len(here))), len(here) - 1)
        measured += here[:count]
        training += here[count:]
    return tuple(training), tuple(measured)
