"""What a batch has done, one JSON object a line, beside the results.

The first line holds the settings, each other one a photo. A line is appended once the photo's
files are in place, so whatever ends the program leaves at most one line cut short, which is taken
off at the next start.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from vitviz.batch.job import BatchStopped, Settings, SettingsChanged
from vitviz.batch.listing import JOURNAL
from vitviz.errors import VitvizError
from vitviz.reading import parse, typed
from vitviz.writing import write_whole

FORMAT = "vitviz batch"
VERSION = 1

Row = dict[str, str | int | float | None]
"""Columns of the table, by name."""


@dataclass(frozen=True)
class Entry:
    """What became of one photo.

    Args:
        photo: Path relative to the batch's folder, with "/".
        bytes: Size of its file; -1 where there was none.
        changed_ns: When its file was last written, in nanoseconds.
        sha256: Of its file; "" where it could not be read.
        files: Of the results: path relative to the folder of the results, and size in bytes.
        row: Its columns in the table; empty where it failed.
        error: What went wrong; "" where nothing did.
    """

    photo: str
    bytes: int = -1
    changed_ns: int = 0
    sha256: str = ""
    files: dict[str, int] = field(default_factory=dict)
    row: Row = field(default_factory=dict)
    error: str = ""


class Journal:
    """The journal of one batch, open for appending; use ``opened``.

    Args:
        path: Of a file with a header.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: dict[str, int] = {}
        self._reader = path.open("rb")
        # Without a buffer, which would try again to write to a full disk when it is closed.
        self._writer = path.open("r+b", buffering=0)
        self._end = self._read_places()
        self._writer.truncate(self._end)
        self._writer.seek(self._end)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()
        self._writer.close()

    def _read_places(self) -> int:
        """Learns where each photo's last line is; gives the end of the last whole line."""
        end = len(self._reader.readline())
        for line in self._reader:
            if not line.endswith(b"\n"):
                break
            with suppress(ValueError):  # a damaged line: the photo is done again
                self._places[_entry(line).photo] = end
            end += len(line)
        return end

    def check(self) -> None:
        """Sees that the journal is where it was opened: an open file outlives its folder.

        Raises:
            BatchStopped: The folder of the results was deleted or moved, or its disk taken away.
        """
        try:
            here = os.stat(self._path)  # noqa: PTH116 (beside fstat)
            if os.path.samestat(here, os.fstat(self._writer.fileno())):
                return
        except FileNotFoundError:
            pass
        except OSError as error:
            raise cannot_write(self._path, error) from error
        raise BatchStopped(
            f"The results in {self._path.parent} were deleted, moved or taken away meanwhile.",
            "Put the folder back and continue, or begin anew: what is not there is made again.",
        )

    def find(self, photo: str) -> tuple[int, Entry] | None:
        """The last entry of a photo, and its place; None where it has none."""
        place = self._places.get(photo)
        return None if place is None else (place, self.at(place))

    def at(self, place: int) -> Entry:
        """The entry at a place."""
        self._reader.seek(place)
        return _entry(self._reader.readline())

    def entries(self, places: Iterable[int]) -> Iterator[Entry]:
        """The entries at some places, in that order."""
        return map(self.at, places)

    def append(self, entry: Entry) -> int:
        """Keeps what became of a photo; returns its place.

        Raises:
            BatchStopped: It could not be written.
        """
        self.check()
        line = json.dumps(asdict(_without_nul(entry))).encode() + b"\n"
        place, left = self._end, line
        try:
            while left:  # a disk that fills up takes a part
                left = left[self._writer.write(left) :]
        except OSError as error:
            raise cannot_write(self._path, error) from error
        self._places[entry.photo] = place
        self._end += len(line)
        return place


def opened(out: Path, settings: Settings, *, restart: bool = False) -> Journal:
    """The journal in a folder of results, which is made if it is not there.

    Args:
        out: The folder.
        settings: Of the batch.
        restart: Begin anew where there is a journal.

    Raises:
        SettingsChanged: The folder holds results made with other settings.
        VitvizError: It holds something else, or cannot be written to.
    """
    path = out / JOURNAL
    try:
        if not path.exists():
            _refuse_unless_empty(out)
            out.mkdir(parents=True, exist_ok=True)
        if restart or not path.exists() or not _has_entries(path):
            header = {FORMAT: VERSION, "settings": settings}
            write_whole(path, json.dumps(header).encode() + b"\n")
        else:
            _check_settings(path, settings)
        return Journal(path)
    except (OSError, ValueError) as error:
        raise VitvizError(
            f"{out} cannot be written to: {getattr(error, 'strerror', None) or error}.",
            "Choose another folder for the results.",
        ) from error


def cannot_write(path: Path, error: OSError) -> BatchStopped:
    """What stops a batch: a disk that is full or gone."""
    return BatchStopped(
        f"{path} could not be written: {error.strerror or error}.",
        "Nothing that was finished is lost: make room, or make the folder writable, and continue.",
    )


def _refuse_unless_empty(out: Path) -> None:
    if out.exists() and any(out.iterdir()):
        raise VitvizError(
            f"{out} holds other files, which could be overwritten.",
            "Choose a new or empty folder for the results.",
        )


def _has_entries(path: Path) -> bool:
    with path.open("rb") as file:
        file.readline()
        return bool(file.readline())


def _check_settings(path: Path, settings: Settings) -> None:
    with path.open("rb") as file:
        before = _settings(file.readline())
    if before is None:
        raise SettingsChanged(
            f"{path} is damaged, or of another version of vitviz.",
            "Choose another folder for the results, or begin anew.",
            (),
        )
    then, now = _flat(before), _flat(json.loads(json.dumps(settings)))
    differences = tuple(
        f"{name} was {_said(then.get(name))} and is {_said(now.get(name))}"
        for name in {**then, **now}
        if then.get(name) != now.get(name)
    )
    if differences:
        raise SettingsChanged(
            f"The results in {path.parent} were made with other settings: "
            f"{'; '.join(differences)}.",
            "Choose another folder for the results, or begin anew.",
            differences,
        )


def _flat(settings: Settings, prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _said(value: object) -> str:
    text = value if isinstance(value, str) and value else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:20]}…{text[-20:]}"


def _entry(line: bytes) -> Entry:
    return typed(Entry, parse(line.decode(), finite=False))


def _without_nul(entry: Entry) -> Entry:
    """Errors and notes may quote what a photo's file holds."""
    row = {n: v.replace("\0", " ") if isinstance(v, str) else v for n, v in entry.row.items()}
    return replace(entry, row=row, error=entry.error.replace("\0", " "))


def _settings(header: bytes) -> Settings | None:
    """Those in the first line of a journal of this version."""
    try:
        value = parse(header.decode())
    except ValueError:
        return None
    if not isinstance(value, dict) or value.get(FORMAT) != VERSION:
        return None
    settings = value.get("settings")
    return settings if isinstance(settings, dict) else None
