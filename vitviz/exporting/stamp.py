"""Puts provenance into files and beside them, and finds it again in files from anywhere."""

from __future__ import annotations

import re
from pathlib import Path

from vitviz.errors import VitvizError
from vitviz.exporting.containers import LIMIT
from vitviz.exporting.formats import CONTAINERS
from vitviz.exporting.provenance import Provenance, from_json, to_json
from vitviz.paths import is_file, is_something_else, is_there
from vitviz.writing import write_whole

BESIDE = ".json"
"""Added to a file's name, it names the file beside it: ``map.npy.json``."""


def embed(content: bytes, suffix: str, provenance: Provenance) -> bytes:
    """The file with its provenance in it; as it is, where its format has no room.

    Args:
        content: A whole file that vitviz made. Those whose encoder takes a text hold it already.
        suffix: ".tiff", ".svg", ...; in any case.
        provenance: What made it.
    """
    container, text = CONTAINERS.get(suffix.lower()), to_json(provenance)
    if container is None or container.put is None or len(text) > container.longest:
        return content
    return container.put(content, text)


def _has_room(suffix: str, provenance: Provenance) -> bool:
    container = CONTAINERS.get(suffix.lower())
    return container is not None and len(to_json(provenance)) <= container.longest


def write_with_provenance(
    path: Path, content: bytes, provenance: Provenance, *, beside: bool | None = None
) -> None:
    """Writes a file with its provenance, whole or not at all.

    Args:
        path: Of the new file.
        content: All of it; with the provenance where the encoder takes it (``Container.put``).
        provenance: What made it.
        beside: Also as JSON beside it; None: where the format has no room.

    Raises:
        VitvizError: It cannot be written. What was there stays.
    """
    embedded = embed(content, path.suffix, provenance)
    if beside is None:
        beside = not _has_room(path.suffix, provenance)
    if not beside:
        write_whole(path, embedded)
        return
    companion = beside_of(path)
    before = _ours(companion)
    write_whole(companion, (to_json(provenance, 1) + "\n").encode())
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
    if not is_there(companion):
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
    if text is None and path.suffix.lower() != BESIDE and is_file(beside_of(path)):
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
        if is_something_else(path):
            raise VitvizError(f"{path.name} is not a file.", "Choose one that vitviz wrote.")
        with path.open("rb") as file:
            head = file.read(64)
            file.seek(0)
            if path.suffix.lower() == BESIDE:
                return file.read(LIMIT)
            for container in CONTAINERS.values():
                if re.match(container.magic, head):
                    return container.get(file)
    except (OSError, ValueError) as error:
        raise VitvizError(
            f"{path.name} cannot be read: {getattr(error, 'strerror', None) or error}.",
            "Check that the file is there and that you may read it.",
        ) from error
    return None
