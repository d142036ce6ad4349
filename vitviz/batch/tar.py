"""Photos in a tar, such as webdataset's shards: found by their headers, read where they lie.

A tar may come from anybody. Nothing is unpacked; of the headers no more is read at a time than
headers have, and what leads out of the archive, is a link, or is larger than a photo is refused.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from vitviz.batch.listing import BatchItem
from vitviz.errors import PhotoError
from vitviz.imaging.decoding.formats import EXTENSIONS
from vitviz.paths import is_inside

LARGEST_MEMBER = 1 << 30
"""Bytes of a photo."""

LARGEST_HEADER = 1 << 20
"""Bytes; names and the fields of pax are what is long in one."""

LONGEST_NAME = 4096

ANEW = "Pack the photos anew, as a plain tar."


def members(path: Path) -> Iterator[BatchItem]:
    """The photos in a tar, by their extensions, in its order; hidden ones are left out.

    Raises:
        PhotoError: It is no plain tar, or broken from some place on.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            for member in _headers(file, path.name):
                if (item := _item(path, member, size)) is not None:
                    yield item
    except OSError as error:
        raise PhotoError(
            f"{path.name} cannot be read: {error.strerror or error}.",
            "Check the disk or the connection.",
        ) from error


def read_member(path: Path, key: str, offset: int, size: int) -> bytes:
    """The bytes of a member.

    Raises:
        PhotoError: The tar is not there any more, or shorter than it was.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(size)
    except OSError as error:
        raise PhotoError(
            f"{key} cannot be read from {path.name}: {error.strerror or error}.",
            "Check the disk or the connection.",
        ) from error
    if len(data) < size:
        raise PhotoError(f"{key} is cut off: {path.name} ends before it does.", ANEW)
    if not data:
        raise PhotoError(f"{key} is empty.", "Copy or download it again.")
    return data


def _headers(file: BinaryIO, name: str) -> Iterator[tarfile.TarInfo]:
    end = -1
    try:
        with tarfile.open(fileobj=_Headers(file), mode="r:") as tar:  # type: ignore[call-overload]
            while (member := tar.next()) is not None:
                if member.offset <= end:  # sizes below zero lead back
                    raise tarfile.ReadError("its headers lead in a circle")
                end = member.offset
                tar.members = []
                yield member
            # tarfile takes what is no header for the end; the real one is zeros, or of the file.
            file.seek(tar.offset)
            if file.read(tarfile.BLOCKSIZE).strip(b"\0"):
                raise tarfile.ReadError(f"there is no header at byte {tar.offset:,}")
    except (tarfile.TarError, ValueError, RecursionError, OverflowError, MemoryError) as error:
        why = "it is compressed" if _is_compressed(file) else str(error)[:100] or "it is broken"
        raise PhotoError(f"{name} is not a tar that can be read: {why}.", ANEW) from error


def _is_compressed(file: BinaryIO) -> bool:
    file.seek(0)
    return file.read(6).startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"))


class _Headers:
    """A file of which no more is read at a time than a header has."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= LARGEST_HEADER:
            raise tarfile.ReadError(f"one of its headers says that it has {size:,} bytes")
        return self._file.read(size)


def _item(path: Path, member: tarfile.TarInfo, size: int) -> BatchItem | None:
    """A member that is a photo by its name; None of all others."""
    name = member.name.removeprefix("./")
    last = name.replace("\\", "/").rpartition("/")[2]
    if last.startswith(".") or Path(last).suffix.lower() not in EXTENSIONS or member.isdir():
        return None
    why = _why_not(member, name, size)
    if why:
        return BatchItem(path, name[:LONGEST_NAME], problem=PhotoError(f"{name[:200]} {why}", ANEW))
    return BatchItem(path, name, at=(member.offset_data, member.size))


def _why_not(member: tarfile.TarInfo, name: str, size: int) -> str:
    if len(name) > LONGEST_NAME:
        return f"… has a name of more than {LONGEST_NAME:,} letters."
    if not is_inside(name) or "\0" in name:
        return "has a name that leads out of the archive."
    if not member.isreg() or member.issparse():
        return "is a link, a device or has holes: not a photo's own bytes."
    if member.size > LARGEST_MEMBER:
        return f"is said to have {member.size:,} bytes, which no photo has."
    if member.offset_data + member.size > size:
        return "is cut off: the archive ends before it does."
    return ""
