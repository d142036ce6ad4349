"""The photos of folders and archives, as small pixels in memory."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from vitviz.errors import PhotoError, VitvizError
from vitviz.imaging.decoding.source import Source
from vitviz.imaging.load import EXTENSIONS, MAX_PIXELS, from_source
from vitviz.imaging.photo import Photo
from vitviz.memory import available_bytes
from vitviz.paths import is_file, is_folder
from vitviz.progress import Progress, Stage, silent
from vitviz.shapes import UInt8

SHORTER_SIDE = 256
"""Pixels; larger photos are kept reduced to this, which is what most models are shown."""

LARGEST_FILE = 1 << 28
"""Bytes; a file or a member of an archive above this is no training photo."""

UNREADABLE = (PhotoError, OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError)
"""What a damaged file, and a damaged or encrypted member of an archive, raise."""

HELD_OUT = 10
"""One photo in so many is kept from training, to measure on."""


@dataclass(frozen=True)
class PhotoFile:
    """One photo file, not opened yet.

    Args:
        name: Its path from the folder or archive that was named, with that one's own name.
        read: Its bytes; raises ``PhotoError`` or ``OSError``.
    """

    name: str
    read: Callable[[], bytes]

    @property
    def folder(self) -> str:
        """The name of the folder it lies in: its class, where folders are classes."""
        return PurePosixPath(self.name).parent.name


@dataclass(frozen=True, eq=False)
class TrainingPhoto:
    """A photo ready for training.

    Args:
        file: Where it came from.
        sha256: Of the file's bytes.
        pixels: sRGB, upright, the shorter side at most ``SHORTER_SIDE``.
    """

    file: PhotoFile
    sha256: str
    pixels: UInt8[np.ndarray, "height width 3"]

    @property
    def opened(self) -> Photo:
        """As the rest of vitviz takes photos."""
        return Photo(self.pixels, None, self.sha256)

    @property
    def held_out(self) -> bool:
        """Whether it is kept from training: by its content, so always and in every copy."""
        return int(self.sha256[:12], 16) % HELD_OUT == 0


@dataclass(frozen=True, eq=False)
class PhotoPool:
    """All photos that could be opened, and why the others could not.

    Args:
        photos: In the order of their names, so that the same folders give the same order.
        refused: What was wrong with each of the other files, one line each.
    """

    photos: tuple[TrainingPhoto, ...]
    refused: tuple[str, ...]


def find_photos(paths: Sequence[Path], *, empty: bool = False) -> list[PhotoFile]:
    """The photo files below folders and inside zip archives, in the order of their names.

    Args:
        paths: Folders and archives.
        empty: Whether one of them may have none.

    Raises:
        VitvizError: One of them is not there, cannot be read, or has no photos.
    """
    found: list[PhotoFile] = []
    for path in paths:
        here = sorted(_files_of(path), key=lambda file: file.name)
        if not here and not empty:
            raise VitvizError(f"There are no photos in {path}.", "Name a folder that has some.")
        found += here
    return found


def open_photos(
    files: Sequence[PhotoFile],
    progress: Progress = silent,
    shorter_side: int = SHORTER_SIDE,
    *,
    empty: bool = False,
) -> PhotoPool:
    """Opens and reduces every photo; one that cannot be opened is left out, and listed.

    Args:
        files: From ``find_photos``.
        progress: Told how far it is; may raise ``Cancelled``.
        shorter_side: Of what is kept, in pixels.
        empty: Whether there may be none that can be opened.

    Raises:
        VitvizError: They do not fit in memory, or none can be opened.
    """
    photos: list[TrainingPhoto] = []
    refused: list[str] = []
    room = available_bytes() // 2
    for number, file in enumerate(files):
        still_here = partial(
            progress, Stage("opening_photos", number, len(files)), number / len(files)
        )
        still_here()
        try:
            photos.append(_open(file, shorter_side, still_here))
        except UNREADABLE as error:
            refused.append(f"{file.name}: {error}")
            continue
        room -= photos[-1].pixels.nbytes
        if room < 0:
            raise VitvizError(
                f"{len(files):,} photos do not fit in this computer's memory: it is half full "
                f"after {len(photos):,}.",
                "Give fewer photos.",
            )
    if not photos and not empty:
        raise VitvizError("None of the photos can be opened.", refused[0] if refused else "")
    return PhotoPool(tuple(photos), tuple(refused))


def _open(file: PhotoFile, shorter_side: int, still_here: Callable[[], None]) -> TrainingPhoto:
    data = file.read()
    if not data:
        raise PhotoError("it is empty.")
    photo = from_source(Source(file.name, data, 0, MAX_PIXELS), progress=lambda *_: still_here())
    scale = shorter_side / min(photo.size)
    pixels = photo.pixels
    if scale < 1:
        size = max(1, round(photo.size[1] * scale)), max(1, round(photo.size[0] * scale))
        small = Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
        pixels = np.asarray(small)
    return TrainingPhoto(file, hashlib.sha256(data).hexdigest(), pixels)


def _files_of(path: Path) -> Iterator[PhotoFile]:
    if is_folder(path):
        for file in path.rglob("*"):
            if file.suffix.lower() in EXTENSIONS and is_file(file):
                name = f"{path.name}/{file.relative_to(path).as_posix()}"
                yield PhotoFile(name, lambda file=file: _read_file(file))  # type: ignore[misc]
        return
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise VitvizError(
            f"{path} is neither a folder nor a zip archive that can be read.",
            "Name a folder of photos, or a .zip of one.",
        ) from error
    for member in archive.infolist():
        if Path(member.filename).suffix.lower() in EXTENSIONS:
            name = f"{path.name}/{member.filename}"
            yield PhotoFile(name, lambda m=member: _read_member(archive, m))  # type: ignore[misc]


def _read_file(path: Path) -> bytes:
    if path.stat().st_size > LARGEST_FILE:
        raise PhotoError(f"{path.name} is too large a file.")
    return path.read_bytes()


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as file:  # what it claims is not believed
        data = file.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise PhotoError(f"{member.filename} is too large a file.")
    return data
