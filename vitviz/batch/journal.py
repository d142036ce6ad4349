"""What a batch has done, one JSON object a line, beside the results.

The first line holds the settings, each other one a photo. A line is appended once the photo's
files are in place, so whatever ends the program leaves at most one line cut short, which is taken
off at the next start. Where the work is divided, each part has a journal of its own, which ends
with a line that says so once the part is done; the settings stand beside them in ``JOURNAL``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from vitviz.batch.job import BatchStopped, Settings, SettingsChanged
from vitviz.batch.listing import JOURNAL
from vitviz.errors import VitvizError
from vitviz.reading import LONGEST_JSON, Within, parse, typed
from vitviz.writing import PART, write_whole

FORMAT = "vitviz batch"
VERSION = 2
"""1 had no maps, and was of folders only. What it began cannot be gone on with."""

END = b'{"end": true}\n'
"""The last line of the journal of a part that is done."""

LONGEST_MAP = 3 << 20
"""Characters: a million patches."""

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
        map: The map's values as float16, in Base64; "" where they are not asked for.
        missing: Letters of its figure that no installed font had: a box stands for each.
    """

    photo: str
    bytes: int = -1
    changed_ns: int = 0
    sha256: str = ""
    files: dict[str, int] = field(default_factory=dict)
    row: Row = field(default_factory=dict)
    error: str = ""
    map: Annotated[str, Within(0, LONGEST_MAP)] = ""
    missing: str = ""


@dataclass(frozen=True)
class Header:
    """The first line of a journal.

    Args:
        settings: What the results depend on.
        source: Where the photos were, on the computer that began; "" where it is not said.
        work: The work spec, without its version (``batch.spec``).
    """

    settings: Settings
    source: str = ""
    work: Any = None


class Journal:
    """The journal of one batch, open for appending; use ``opened``.

    Args:
        path: Of a file with a header.
        read_only: Nothing is appended, and nothing taken off.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._places: dict[str, int] = {}
        self._reader = path.open("rb")
        # Without a buffer, which would try again to write to a full disk when it is closed.
        self._writer = path.open("rb" if read_only else "r+b", buffering=0)
        self._end = self._read_places()
        if not read_only:
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
                self._places[entry_of(line).photo] = end
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

    def end(self) -> None:
        """Says that all photos of this part are done.

        Raises:
            BatchStopped: It could not be written.
        """
        if not self.has_ended:
            self._write(END)

    @property
    def has_ended(self) -> bool:
        """Whether nothing was done since it was said that all is."""
        self._reader.seek(max(self._end - len(END), 0))
        return self._reader.read() == END

    def find(self, photo: str) -> tuple[int, Entry] | None:
        """The last entry of a photo, and its place; None where it has none."""
        place = self._places.get(photo)
        return None if place is None else (place, self.at(place))

    def at(self, place: int) -> Entry:
        """The entry at a place."""
        self._reader.seek(place)
        return entry_of(self._reader.readline())

    def entries(self, places: Iterable[int]) -> Iterator[Entry]:
        """The entries at some places, in that order."""
        return map(self.at, places)

    def append(self, entry: Entry) -> int:
        """Keeps what became of a photo; returns its place.

        Raises:
            BatchStopped: It could not be written.
        """
        place = self._write(line_of(entry).encode() + b"\n")
        self._places[entry.photo] = place
        return place

    def _write(self, line: bytes) -> int:
        self.check()
        place, left = self._end, line
        try:
            while left:  # a disk that fills up takes a part
                left = left[self._writer.write(left) :]
        except OSError as error:
            raise cannot_write(self._path, error) from error
        self._end += len(line)
        return place

    @property
    def photos(self) -> tuple[str, ...]:
        """Those that it has an entry of."""
        return tuple(self._places)


def opened(
    out: Path,
    settings: Settings,
    *,
    restart: bool = False,
    name: str = JOURNAL,
    source: str = "",
    work: Mapping[str, Any] | None = None,
) -> Journal:
    """The journal in a folder of results, which is made if it is not there.

    Args:
        out: The folder.
        settings: Of the batch.
        restart: Begin anew where there is a journal.
        name: Of the journal; of a part of a batch it is another than ``JOURNAL``.
        source: As of ``Header``; for whoever opens the results, and no setting.
        work: As of ``Header``.

    Raises:
        SettingsChanged: The folder holds results made with other settings.
        VitvizError: It holds something else, or cannot be written to.
    """
    first = {FORMAT: VERSION, "settings": settings, "source": source, "work": work}
    line = json.dumps(first).encode() + b"\n"
    try:
        if not (out / JOURNAL).exists():
            _refuse_unless_empty(out)
            out.mkdir(parents=True, exist_ok=True)
        if name != JOURNAL:
            _begin(out / JOURNAL, settings, line, restart=restart, common=True)
        _begin(out / name, settings, line, restart=restart)
        return Journal(out / name)
    except (OSError, ValueError) as error:
        raise VitvizError(
            f"{out} cannot be written to: {getattr(error, 'strerror', None) or error}.",
            "Choose another folder for the results, or begin anew.",
        ) from error


def _begin(
    path: Path, settings: Settings, line: bytes, *, restart: bool, common: bool = False
) -> None:
    """Sees to it that a journal begins with the settings, and with no others.

    Args:
        path: Of the journal.
        settings: Of the batch.
        line: The first one, of a new journal.
        restart: Begin anew.
        common: It only says what the parts of a batch have in common. Others may be at work on
            them, so that it is not written anew where nothing changes.
    """
    if path.exists():
        before = header_of(path)
        is_of_shards = before is not None and "shards" in before.settings
        is_used = common or is_of_shards or _has_entries(path)
        problem = changed(path, before, settings) if is_used else None
        if problem and not restart:
            raise problem
        if is_used and not problem and (common or not restart):
            return
    write_whole(path, line)


def cannot_write(path: Path, error: OSError) -> BatchStopped:
    """What stops a batch: a disk that is full or gone."""
    return BatchStopped(
        f"{path} could not be written: {error.strerror or error}.",
        "Nothing that was finished is lost: make room, or make the folder writable, and continue.",
    )


def _refuse_unless_empty(out: Path) -> None:
    # Others may be writing the journal at this moment.
    if out.exists() and not all(PART.fullmatch(path.name) for path in out.iterdir()):
        raise VitvizError(
            f"{out} holds other files, which could be overwritten.",
            "Choose a new or empty folder for the results.",
        )


def _has_entries(path: Path) -> bool:
    with path.open("rb") as file:
        file.readline()
        return bool(file.readline())


def changed(path: Path, before: Header | None, settings: Settings) -> SettingsChanged | None:
    """What keeps a journal from being gone on with; None where nothing does."""
    if before is None:
        return SettingsChanged(
            f"{path} is damaged, or of another version of vitviz.",
            "Choose another folder for the results, or begin anew.",
            (),
        )
    then, now = _flat(before.settings), _flat(json.loads(json.dumps(settings)))
    differences = tuple(
        f"{name} was {_said(then.get(name))} and is {_said(now.get(name))}"
        for name in {**then, **now}
        if then.get(name) != now.get(name)
    )
    if not differences:
        return None
    return SettingsChanged(
        f"The results in {path.parent} were made with other settings: {'; '.join(differences)}.",
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


def entry_of(line: bytes) -> Entry:
    """What a line of a journal says; raises ``ValueError`` where it is none."""
    return typed(Entry, parse(line.decode(), finite=False))


def line_of(entry: Entry) -> str:
    """An entry as a line of a journal, in ASCII."""
    return json.dumps(asdict(_without_nul(entry)))


def _without_nul(entry: Entry) -> Entry:
    """Errors and notes may quote what a photo's file holds."""
    row = {n: v.replace("\0", " ") if isinstance(v, str) else v for n, v in entry.row.items()}
    return replace(entry, row=row, error=entry.error.replace("\0", " "))


def header_of(path: Path) -> Header | None:
    """What the first line of a journal says; None where it is none of this version.

    Raises:
        OSError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            value = parse(file.readline(LONGEST_JSON + 1).decode())
        if not isinstance(value, dict) or value.pop(FORMAT, None) != VERSION:
            return None
        return typed(Header, {"source": "", "work": None, **value})
    except ValueError:
        return None
