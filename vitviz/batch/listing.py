"""The photos of a folder and of all folders in it, one folder at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vitviz.errors import PhotoError
from vitviz.imaging.decoding.formats import natural_order, photos_in
from vitviz.paths import is_folder, is_there

JOURNAL = "vitviz-batch.jsonl"
"""In the folder of the results; folders that have one hold no photos."""


@dataclass(frozen=True)
class BatchItem:
    """A photo of a batch, or something that could not be read.

    Args:
        path: Of the file that its bytes are in: its own, or an archive.
        key: What it is called in the table: the path relative to the batch's folder, with "/", or
            its name in an archive, behind the archive's where there are several.
        place: Of its results: relative, with "/", without a suffix; no two photos share one.
        problem: Why it, or the folder, could not be read; None for a photo.
        at: Where in an archive: of a tar, the offset and the size in bytes; of a Parquet file, the
            group and the row in it.
        column: Of a Parquet file, with the bytes.
        data: The bytes, where they have to be read one after another.
    """

    path: Path
    key: str
    place: str = ""
    problem: PhotoError | None = None
    at: tuple[int, int] | None = None
    column: str = ""
    data: bytes | None = None

    @property
    def name(self) -> str:
        """For messages and files."""
        return str(self.path) if self.at is None else self.key

    @property
    def unit(self) -> str:
        """What is only read as a whole: the photo, or a group of rows of a Parquet file."""
        return f"{self.path.name} {self.at[0]}" if self.at and self.column else self.key


def photos_below(folder: Path) -> Iterator[BatchItem]:
    """The photos in a folder and in the folders inside it, in natural order.

    A folder's own photos come before those of the folders in it. One folder is listed at a time.
    Hidden folders, links to folders and folders with results of a batch are left out.

    Raises:
        PhotoError: The folder itself cannot be read.
    """
    yield from _in_folder(folder, "")


def _in_folder(folder: Path, prefix: str) -> Iterator[BatchItem]:
    photos = photos_in(folder)
    for photo, name in zip(photos, places([photo.name for photo in photos]), strict=True):
        yield BatchItem(photo, prefix + photo.name, prefix + name)
    for inner in _folders_in(folder):
        key = f"{prefix}{inner.name}/"
        try:
            yield from _in_folder(inner, key)
        except PhotoError as error:
            yield BatchItem(inner, key, problem=error)


def _folders_in(folder: Path) -> list[Path]:
    try:
        return sorted(filter(_holds_photos, folder.iterdir()), key=natural_order)
    except OSError as error:
        raise PhotoError(
            f"The folders in {folder.name} cannot be read: {error.strerror or error}.",
            "Check that you may open them.",
        ) from error


def _holds_photos(path: Path) -> bool:
    if path.name.startswith(".") or path.is_symlink() or not is_folder(path):
        return False
    return not is_there(path / JOURNAL)


def places(names: list[str]) -> list[str]:
    """A name for the results of each photo of one folder.

    The photo's name without its suffix; with it where another photo would have the same. Names
    that differ only in case are numbered, since not every disk can tell them apart.

    Args:
        names: Of the photos, with suffixes.
    """
    stems = [Path(name).stem for name in names]
    known = Counter(word.casefold() for word in (*names, *stems))
    chosen, used = list[str](), set[str]()
    for name, stem in zip(names, stems, strict=True):
        base = place = stem if known[stem.casefold()] == 1 else name
        number = 1
        while place.casefold() in used:
            number += 1
            place = f"{base}-{number}"
        used.add(place.casefold())
        chosen.append(place)
    return chosen
