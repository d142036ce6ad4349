"""Puts provenance into files and beside them, and finds it again in files from anywhere."""

from __future__ import annotations

import re
from pathlib import Path

from vitviz.errors import VitvizError
from vitviz.exporting.containers import CONTAINERS, LIMIT
from vitviz.exporting.provenance import Provenance, from_json, to_json
from vitviz.writing import write_whole

HOLDING = tuple(suffix for container in CONTAINERS for suffix in container.suffixes)
"""Suffixes of the files that hold their provenance themselves."""

BESIDE = ".json"
"""Added to a file's name, it names the file beside it: ``map.npy.json``."""


def embed(content: bytes, suffix: str, made: Provenance) -> bytes:
    """The file with its provenance in it; as it is, where its format has no room.

    Args:
        content: A whole file that vitviz made. An MP4 holds it from the start, as its comment.
        suffix: ".png", ".svg", ...; in any case.
        made: What made it.
    """
    for container in CONTAINERS:
        if suffix.lower() in container.suffixes and container.put is not None:
            return container.put(content, to_json(made))
    return content


def write_made(path: Path, content: bytes, made: Provenance, *, beside: bool | None = None) -> None:
    """Writes a file with its provenance, whole or not at all.

    Args:
        path: Of the new file.
        content: All of it, without the provenance.
        made: What made it.
        beside: Also as JSON beside it; None: where the format has no room.

    Raises:
        VitvizError: It cannot be written. What was there stays.
    """
    embedded = embed(content, path.suffix, made)
    if not (path.suffix.lower() not in HOLDING if beside is None else beside):
        write_whole(path, embedded)
        return
    companion = beside_of(path)
    before = _ours(companion)
    write_whole(companion, (to_json(made, 1) + "\n").encode())
    try:
        write_whole(path, embedded)
    except BaseException:
        _put_back(companion, before)
        raise


def beside_of(path: Path) -> Path:
    """Where the provenance beside a file is."""
    return path.with_name(path.name + BESIDE)


def _ours(companion: Path) -> bytes | None:
    """What is beside the file, if vitviz wrote it.

    Raises:
        VitvizError: Something else stands in its place.
    """
    if not companion.exists():
        return None
    try:
        from_json(companion.read_text("utf-8"))
        return companion.read_bytes()
    except (OSError, UnicodeDecodeError, VitvizError) as error:
        raise VitvizError(
            f"{companion} is not a provenance that vitviz wrote, and would be overwritten.",
            "Move it away, or choose another name.",
        ) from error


def _put_back(companion: Path, before: bytes | None) -> None:
    if before is None:
        companion.unlink(missing_ok=True)
    else:
        write_whole(companion, before)


def read(path: Path) -> Provenance:
    """The provenance in a file, or else beside it.

    Args:
        path: Of any file, or of the JSON beside one.

    Raises:
        VitvizError: It has none, or it is damaged, or the file cannot be read.
    """
    text = _found(path)
    if text is None and path.suffix.lower() != BESIDE and beside_of(path).is_file():
        text = _found(beside_of(path))
    if text is None:
        raise VitvizError(
            f"There is no provenance in {path.name}.",
            "Files that vitviz writes have it, unless another program has saved them since.",
        )
    try:
        return from_json(text.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise VitvizError(f"The provenance in {path.name} is damaged.", "") from error


def _found(path: Path) -> bytes | None:
    try:
        # Checked first, because reading from a pipe would wait for ever.
        if path.exists() and not path.is_file():
            raise VitvizError(f"{path.name} is not a file.", "Choose one that vitviz wrote.")
        with path.open("rb") as file:
            head = file.read(64)
            file.seek(0)
            if path.suffix.lower() == BESIDE:
                return file.read(LIMIT)
            for container in CONTAINERS:
                if re.match(container.magic, head):
                    return container.get(file)
    except (OSError, ValueError) as error:
        raise VitvizError(
            f"{path.name} cannot be read: {getattr(error, 'strerror', None) or error}.",
            "Check that the file is there and that you may read it.",
        ) from error
    return None
