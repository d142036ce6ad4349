"""A batch's table, or any other that names photos, read again: values of each photo, by column."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import TextIO

from vitviz.errors import VitvizError
from vitviz.progress import Progress, Stage, silent

NAMES = ("photo", "path", "file", "filename", "image", "name")
"""What the column that names photos is called; the first of them that is there."""

MOST_COLUMNS = 512
MOST_LINES = 1 << 20
LONGEST_CELL = 1 << 16

EVERY = 1000
"""Lines after which it is said how far it is."""

Value = float | str

Table = dict[str, dict[str, Value]]


def read_columns(path: Path, photos: Sequence[str], progress: Progress = silent) -> Table:
    """Values of photos, from a CSV whose first line names its columns.

    A line is about the photo whose path ends with what the line calls it: a batch names photos by
    their way from its folder. Where several end so, the one with the longest common end is meant.

    Args:
        path: Of the table.
        photos: Paths of the photos it may be about.
        progress: Called now and then; may raise ``Cancelled``.

    Returns:
        Of each column but the one with the names, the values by the photo's path; numbers where
        they are numbers. Columns without a value are left out.

    Raises:
        VitvizError: It is no such table, or about none of these photos.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
            table = _table(_lines(file, path, progress), path, photos)
    except OSError as error:
        raise VitvizError(
            f"{path.name} cannot be read: {error.strerror or error}.", "Choose another table."
        ) from error
    except csv.Error as error:
        raise VitvizError(
            f"{path.name} is no table: {error}.", "Choose the table.csv of a batch."
        ) from error
    if not table:
        raise VitvizError(
            f"{path.name} says nothing of the photos that are open.",
            "Open the photos that it is about, or choose another table.",
        )
    return table


def _lines(file: TextIO, path: Path, progress: Progress) -> Iterator[list[str]]:
    size = max(1, path.stat().st_size)
    read = 0
    for number, line in enumerate(csv.reader(file)):
        if number > MOST_LINES or len(line) > MOST_COLUMNS:
            raise VitvizError(
                f"{path.name} is too large: more than {MOST_LINES:,} lines or {MOST_COLUMNS} "
                "columns.",
                "Make a smaller one of it.",
            )
        read += sum(map(len, line))
        if number % EVERY == 0:
            progress(Stage("files", number, 0), min(1.0, read / size))
        yield line


def _table(lines: Iterator[list[str]], path: Path, photos: Sequence[str]) -> Table:
    header = [name.strip() for name in next(lines, [])]
    lower = [name.lower() for name in header]
    column = next((lower.index(name) for name in NAMES if name in lower), None)
    if column is None:
        raise VitvizError(
            f"{path.name} has no column that names photos.",
            f'Its first line has to name one "{NAMES[0]}".',
        )
    by_end = _by_name(photos)
    table: Table = {name: {} for at, name in enumerate(header) if name and at != column}
    for line in lines:
        photo = _meant(line[column], by_end) if len(line) > column else None
        if photo is None:
            continue
        for at, name in enumerate(header[: len(line)]):
            if name and at != column and line[at]:
                table[name][photo] = _value(line[at])
    return {name: values for name, values in table.items() if values}


def _by_name(photos: Iterable[str]) -> dict[str, list[tuple[str, ...]]]:
    """The parts of each path, by the name of its file."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for photo in photos:
        parts = (*photo.replace("\\", "/").split("/"), photo)
        found.setdefault(parts[-2], []).append(parts)
    return found


def _meant(name: str, by_name: dict[str, list[tuple[str, ...]]]) -> str | None:
    """The path of the photo that a line is about."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts:
        return None
    found = by_name.get(parts[-1], [])
    best = max(found, key=lambda known: _common(known[:-1], parts), default=None)
    return None if best is None else best[-1]


def _common(known: Sequence[str], asked: Sequence[str]) -> int:
    """How many parts at the end are the same."""
    pairs = zip(reversed(known), reversed(asked), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _value(text: str) -> Value:
    try:
        number = float(text)
    except ValueError:
        return text[:LONGEST_CELL].removeprefix("'")
    return number if number == number else text  # not NaN, which has no place in an order
