"""Files that were moved: found again in folders, by their names and by what is in them."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from vitviz.paths import UNASKABLE, absolute, is_file
from vitviz.progress import Progress, Stage, silent
from vitviz.reading import Within

PIECE = 1 << 24
"""Bytes hashed at a time: some hundredths of a second."""

MOST_FILES = 200_000
"""That are looked through; a folder with more is not where somebody put a few photos."""

MOST_HASHED = 500
"""Files read whole in search of one that has another name now."""

DEEPEST = 12
"""Folders within each other."""


@dataclass(frozen=True)
class FileFacts:
    """What tells a file, wherever it lies.

    Args:
        sha256: Of its bytes, in hexadecimal; "" where it is not known.
        bytes: Its size; None where it is not known.
    """

    sha256: str = ""
    bytes: Annotated[int, Within(0, 1 << 60)] | None = None


@dataclass(frozen=True)
class FoundFiles:
    """Where files are now.

    Args:
        places: Of those that were found, by the name that was looked for.
        changed: Those of them that have the name, and other bytes than they had.
    """

    places: Mapping[str, Path]
    changed: tuple[str, ...] = ()


def find(
    wanted: Mapping[str, FileFacts],
    folders: Sequence[Path],
    progress: Progress = silent,
    deepest: int = DEEPEST,
) -> FoundFiles:
    """Looks for files in folders and those below.

    A file is the one that is looked for if its bytes are; where nothing is known of them, if its
    size is; where that is not known either, if its name is. One of the name with other bytes is
    taken where there is nothing better, and named as changed.

    Args:
        wanted: What is known of each, by the name it had, which may be a path of any system.
        folders: Where to look, the most likely one first.
        progress: Called while folders and files are read; may raise ``Cancelled``.
        deepest: How many folders within each other are looked into.
    """
    places, changed = dict[str, Path](), list[str]()
    hashes = dict[Path, str]()

    def hash_of(path: Path) -> str:
        if path not in hashes:
            hashes[path] = sha256_of(path, progress)
        return hashes[path]

    files = list(_files(folders, progress, deepest))
    by_name = dict[str, list[tuple[Path, int]]]()
    for path, size in files:
        by_name.setdefault(path.name.casefold(), []).append((path, size))
    for name, facts in wanted.items():
        named = by_name.get(last_part(name).casefold(), [])
        right = (path for path, size in named if _is(facts, size, path, hash_of))
        place = next(right, None) or _renamed(name, facts, files, hash_of, len(hashes))
        if place is None and named:
            place = named[0][0]
            changed.append(name)
        if place is not None:
            places[name] = absolute(place)
    return FoundFiles(places, tuple(changed))


def _is(facts: FileFacts, size: int, path: Path, hash_of: Callable[[Path], str]) -> bool:
    """Whether a file of that size has the bytes, as far as they are known."""
    if facts.bytes is not None and size != facts.bytes:
        return False
    return not facts.sha256 or hash_of(path) == facts.sha256


def _renamed(
    name: str, facts: FileFacts, files: Sequence[tuple[Path, int]],
    hash_of: Callable[[Path], str], hashed: int,
) -> Path | None:  # fmt: skip
    """The file with these bytes under another name."""
    if not facts.sha256:
        return None
    suffix = os.path.splitext(last_part(name))[1].casefold()  # noqa: PTH122 (names of any system)
    like = [
        path for path, size in files
        if (size == facts.bytes if facts.bytes is not None else path.suffix.casefold() == suffix)
    ]  # fmt: skip
    like = like[: max(0, MOST_HASHED - hashed)]
    return next((path for path in like if hash_of(path) == facts.sha256), None)


def _files(folders: Sequence[Path], progress: Progress, deepest: int) -> Iterator[tuple[Path, int]]:
    """The files below folders, each once, and their sizes; links to folders are not followed."""
    waiting = [(absolute(folder), 0) for folder in folders]
    seen, count = set[Path](), 0
    while waiting and count < MOST_FILES:
        folder, depth = waiting.pop(0)
        if folder in seen:
            continue
        seen.add(folder)
        progress(Stage("looking_up"), 0.0)
        inside, below = _entries(folder)
        count += len(inside)
        yield from inside
        if depth < deepest:
            waiting += [(path, depth + 1) for path in below]


def _entries(folder: Path) -> tuple[list[tuple[Path, int]], list[Path]]:
    """The files in a folder with their sizes, and the folders; what cannot be read is not there."""
    files, folders = list[tuple[Path, int]](), list[Path]()
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except UNASKABLE:
        return files, folders
    for entry in entries:
        with suppress(*UNASKABLE):
            if entry.is_dir(follow_symlinks=False):
                folders.append(Path(entry.path))
            elif entry.is_file():
                files.append((Path(entry.path), entry.stat().st_size))
    return files, folders


def facts_of(path: str | Path, sha256: str = "") -> FileFacts:
    """What is known of a file without reading it."""
    try:
        size = Path(path).stat().st_size if is_file(path) else None
    except UNASKABLE:
        size = None
    return FileFacts(sha256, size)


def last_part(name: str) -> str:
    """The name of a file without its folders, whichever system wrote it."""
    return re.split(r"[/\\]", name)[-1]


def sha256_of(path: Path, progress: Progress = silent) -> str:
    """Of a file's bytes; "" where it cannot be read."""
    digest = hashlib.sha256()
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                digest.update(piece)
                progress(Stage("looking_up"), min(1.0, file.tell() / max(1, size)))
    except OSError:
        return ""
    return digest.hexdigest()
