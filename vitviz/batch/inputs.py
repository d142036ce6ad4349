"""Where the photos of a batch are: a folder, a list, a tar or a Parquet file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vitviz.batch import parquet, tar
from vitviz.batch.listing import BatchItem, photos_below
from vitviz.errors import PhotoError
from vitviz.imaging.load import read_file
from vitviz.paths import DEVICE, is_elsewhere, is_file, is_folder, is_inside
from vitviz.progress import Control

if TYPE_CHECKING:
    from vitviz.batch.job import Columns

LISTS = (".txt", ".lst", ".list")

LONGEST_NAME = 4096
"""Characters of a name in a list or an archive."""

KINDS = "a folder of photos, a text with a name a line (.txt), a tar (.tar) or a Parquet file"

UNFIT = re.compile(r'[<>:"\\|?*\x00-\x1f\x7f]')
"""What cannot stand in the name of a file on some system."""


class Places:
    """Names for results of photos that do not lie in one folder: inside the folder of the results,
    possible on every system, and no two the same.
    """

    def __init__(self) -> None:
        self._used: set[str] = set()

    def of(self, key: str) -> str:
        """A name for the results of a photo; with its suffix, since ``a.jpg`` and ``a.png`` can be
        there both.
        """
        name = key if is_inside(key) else key.replace("\\", "/").rpartition("/")[2]
        parts = [_possible(part) for part in name.split("/") if part not in ("", ".", "..")]
        base = place = "/".join(parts) or "photo"
        number = 1
        while place.casefold() in self._used:
            number += 1
            place = f"{base}-{number}"
        self._used.add(place.casefold())
        return place


def _possible(part: str) -> str:
    part = UNFIT.sub("_", part).rstrip(". ") or "_"
    return f"_{part}" if DEVICE.fullmatch(part) else part


def photos_of(source: Path, columns: Columns) -> Iterator[BatchItem]:
    """The photos that a batch is about, in their order; none is opened.

    Args:
        source: ``KINDS``.
        columns: Of Parquet files.

    Raises:
        PhotoError: It is nothing of the kind, or cannot be read at all.
    """
    suffix = source.suffix.lower()
    if is_folder(source) or not is_file(source):  # of what is not there, this says so
        yield from photos_below(source)
    elif suffix in LISTS:
        yield from _named(_listed(source, columns))
    elif _is_archive(source):
        yield from _named(_in_archive(source, "", columns))
    else:
        raise PhotoError(f"{source.name} is not {KINDS}.", "Give one of these.")


def read_item(item: BatchItem, control: Control) -> bytes:
    """The bytes of a photo, on any thread.

    Raises:
        PhotoError: They cannot be had.
    """
    if item.data is not None:
        return item.data
    if item.at is None:
        return read_file(item.path, control.progress)
    return tar.read_member(item.path, item.key, *item.at)


class Feed:
    """Items made ready for threads: what can only be read one after another is read here."""

    def __init__(self) -> None:
        self._rows = parquet.Rows()

    def ready(self, item: BatchItem) -> BatchItem:
        """The item, with its bytes or what is wrong with them where it lies in a Parquet file."""
        if not item.column or item.problem is not None:
            return item
        assert item.at is not None
        try:
            return replace(item, data=self._rows.read(item.path, item.column, item.key, *item.at))
        except PhotoError as error:
            return replace(item, problem=error)


def _named(items: Iterator[BatchItem]) -> Iterator[BatchItem]:
    """With places for the results; a photo that is there twice under one name is told apart."""
    places, known = Places(), set[str]()
    for item in items:
        key, number = item.key, 1
        while key in known:
            number += 1
            key = f"{item.key}#{number}"
        known.add(key)
        yield replace(item, key=key, place=places.of(key))


def _is_archive(path: Path) -> bool:
    return path.suffix.lower() in (".tar", ".parquet")


def _in_archive(path: Path, before: str, columns: Columns) -> Iterator[BatchItem]:
    """The photos of an archive, their keys behind ``before``; it fails as a photo does."""
    members = (
        tar.members(path) if path.suffix.lower() == ".tar"
        else parquet.rows(path, columns.image, columns.key)
    )  # fmt: skip
    some = False
    try:
        for item in members:
            some = True
            yield replace(item, key=before + item.key)
    except PhotoError as error:
        if not (before or some):  # there is nothing else
            raise
        yield BatchItem(path, before.rstrip("/") or path.name, problem=error)


def _listed(path: Path, columns: Columns) -> Iterator[BatchItem]:
    """Photos and archives that a text names, a line each, as seen from its folder; empty lines and
    those that begin with # are left out, and a line that is there twice is taken once.
    """
    known: set[str] = set()
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
            while line := file.readline(LONGEST_NAME + 1):
                if len(line) > LONGEST_NAME:
                    raise PhotoError(
                        f"{path.name} has a line of more than {LONGEST_NAME:,} letters.",
                        "Give a text with one name a line.",
                    )
                name = line.rstrip("\r\n")
                if name.strip() and not name.startswith("#") and name not in known:
                    known.add(name)
                    yield from _of_line(path.parent, name, columns)
    except (OSError, ValueError) as error:
        raise PhotoError(
            f"{path.name} cannot be read: {getattr(error, 'strerror', None) or error}.",
            "Check that it is there and that you may open it.",
        ) from error


def _of_line(folder: Path, name: str, columns: Columns) -> Iterator[BatchItem]:
    if "\0" in name or is_elsewhere(name):
        problem = PhotoError(
            f"{name[:200]} leads to another computer or to a device.",
            "Copy the photos to where this computer has files.",
        )
        yield BatchItem(folder, name.replace("\0", " "), problem=problem)
        return
    path = folder / name
    if _is_archive(path) and is_file(path):
        yield from _in_archive(path, f"{name}/", columns)
    else:
        yield BatchItem(path, name.replace("\\", "/"))
