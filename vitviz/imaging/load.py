"""Any photo file to upright sRGB pixels, or one clear refusal."""

from __future__ import annotations

import hashlib
import stat
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from vitviz.errors import PhotoError
from vitviz.imaging.child import open_in_child, open_small_in_child
from vitviz.imaging.colour import to_srgb
from vitviz.imaging.decoding.formats import EXTENSIONS, photos_in
from vitviz.imaging.decoding.source import HARD_LIMIT, Source
from vitviz.imaging.depth import to_eight_bits
from vitviz.imaging.effort import MOST, QUICK, effort
from vitviz.imaging.opening import RGB, open_here, open_small, read_only
from vitviz.imaging.photo import Photo, SmallCopy
from vitviz.memory import physical_bytes
from vitviz.progress import Progress, Stage, silent
from vitviz.shapes import Shaped, UInt8

__all__ = [
    "EXTENSIONS",
    "HARD_LIMIT",
    "MAX_PIXELS",
    "from_pixels",
    "from_source",
    "load",
    "load_small",
    "photos_in",
    "read_file",
    "thumbnail",
]

MAX_PIXELS = 100_000_000
"""Above this a photo is opened only when the user says so."""

WHITE = (255, 255, 255)

PIECE = 1 << 24
"""Bytes read at a time."""


def load(
    path: Path | str,
    *,
    frame: int = 0,
    background: RGB = WHITE,
    max_pixels: int | None = MAX_PIXELS,
    progress: Progress = silent,
) -> Photo:
    """Open a photo.

    Args:
        path: Of the file.
        frame: Which one of an animation or a file with several pages, from 0.
        background: sRGB, 0..255, behind transparent photos.
        max_pixels: A photo above this is refused with ``PhotoTooLarge`` before it is decoded; None
            opens what memory allows (``HARD_LIMIT``).
        progress: Called while a large file is read and while a slow one is decoded; may raise
            ``Cancelled``.

    Raises:
        PhotoTooLarge: The photo has more than ``max_pixels``.
        PhotoError: Anything else that keeps the file from being shown.
    """
    path = Path(path)
    source = Source(path.name, read_file(path, progress), frame, max_pixels)
    return replace(from_source(source, background, progress), path=path)


def load_small(
    path: Path | str,
    edge: int,
    *,
    frame: int = 0,
    background: RGB = WHITE,
    max_pixels: int | None = MAX_PIXELS,
    progress: Progress = silent,
) -> SmallCopy:
    """A small copy of a photo for a list of many, at a fraction of the memory of opening it.

    Args:
        path: Of the file.
        edge: Its longer side has at most so many pixels.
        frame: As of ``load``, as is all else.
        background: sRGB, 0..255, behind transparent photos.
        max_pixels: A photo above this is refused.
        progress: May raise ``Cancelled``.

    Raises:
        PhotoError: As ``load`` does.
    """
    path = Path(path)
    source = Source(path.name, read_file(path, progress), frame, max_pixels, edge)
    in_child = _needs_child(source)
    return (
        open_small_in_child(source, background, progress)
        if in_child else open_small(source, background)
    )  # fmt: skip


def from_source(source: Source, background: RGB = WHITE, progress: Progress = silent) -> Photo:
    """A photo of a file's bytes, wherever they come from (a member of an archive). Raises as
    ``load`` does.
    """
    if _needs_child(source):
        return open_in_child(source, background, progress)
    return open_here(source, background)


def _needs_child(source: Source) -> bool:
    """Whether decoding may take long; refuses what would take minutes."""
    expected = effort(source)
    if expected.work > MOST and expected.pixels <= HARD_LIMIT:
        raise PhotoError(
            f"{source.name} would take minutes to decode: too many pixels, scans or frames.",
            "Save it anew, smaller, in another program.",
        )
    return expected.work > QUICK


def from_pixels(
    pixels: Shaped[np.ndarray, "height width *channels"],
    *,
    background: RGB = WHITE,
    notes: tuple[str, ...] = (),
) -> Photo:
    """A photo of pixels in memory, which are copied.

    Args:
        pixels: sRGB, with 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 channels (RGB and alpha), or
            none (grey). Anything but 8 bits is scaled as ``to_eight_bits`` does.
        background: sRGB, 0..255, behind transparent pixels.
        notes: Put before those that the conversion makes.

    Raises:
        PhotoError: The array has no pixels, or is not of such a kind.
    """
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if pixels.ndim not in (2, 3) or not 1 <= channels <= 4 or pixels.dtype.kind not in "buif":
        raise PhotoError(
            f"An array of {pixels.dtype} and shape {pixels.shape} is not a photo.",
            "Give height x width x 3 numbers.",
        )
    if not pixels.size:
        raise PhotoError("The picture has no pixels.", "Copy it again.")
    shallow, depth_note = to_eight_bits(pixels)
    image = Image.fromarray(shallow[..., 0] if shallow.shape[2:] == (1,) else shallow)
    colour, colour_notes = to_srgb(image, background)
    result = read_only(colour)
    return Photo(
        pixels=result,
        path=None,
        sha256=hashlib.sha256(repr(result.shape).encode() + result.tobytes()).hexdigest(),
        notes=(*notes, *filter(None, (depth_note,)), *colour_notes),
    )


def thumbnail(photo: Photo, edge: int) -> UInt8[np.ndarray, "height width 3"]:
    """A small copy in the photo's own shape, its longer side at most ``edge`` pixels."""
    image = Image.fromarray(photo.pixels)
    # Whole-number reduction to twice the size first: as good to the eye, and many times faster.
    image.thumbnail((edge, edge), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return np.asarray(image)


def read_file(path: Path, progress: Progress = silent) -> bytes:
    """The bytes of a file that may be a photo.

    Args:
        path: Of the file.
        progress: Called while a large one is read; may raise ``Cancelled``.

    Raises:
        PhotoError: It is not there, is no file, may not be read, or is too large for this computer.
    """
    try:
        size = _size(path)
        with path.open("rb") as file:
            data = _read_all(file, size, progress)
    except FileNotFoundError as error:
        raise PhotoError(
            f"There is no file {path.name}.", f"It was looked for in {path.parent}."
        ) from error
    except PermissionError as error:
        raise PhotoError(
            f"You may not read {path.name}.", "Change the file's permissions, or copy it."
        ) from error
    except (OSError, ValueError) as error:
        raise PhotoError(
            f"{path.name} cannot be read: {getattr(error, 'strerror', None) or error}.",
            "Check the disk or the connection.",
        ) from error
    if not data:
        raise PhotoError(f"{path.name} is empty.", "Copy or download it again.")
    return data


def _size(path: Path) -> int:
    """Bytes of a file that may be read; a device would be waited for."""
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise PhotoError(f"{path.name} is a folder.", "Open the folder, or a photo inside it.")
    if not stat.S_ISREG(status.st_mode):
        raise PhotoError(f"{path.name} is a device, not a file.", "Choose a photo file.")
    if not status.st_size:  # also what Linux has in /proc, where reading can wait for ever
        raise PhotoError(f"{path.name} is empty.", "Copy or download it again.")
    if status.st_size > physical_bytes() // 4:
        raise PhotoError(
            f"{path.name} is too large a file for this computer's memory "
            f"({status.st_size / 1e9:.1f} GB).",
            "Make a smaller copy of it in another program.",
        )
    return status.st_size


def _read_all(file: BinaryIO, size: int, progress: Progress) -> bytes:
    """A file that may lie on a slow disk, piece by piece, and no more than it said it has."""
    if size <= PIECE:
        return file.read(size)
    pieces = bytearray()
    while len(pieces) < size and (piece := file.read(min(PIECE, size - len(pieces)))):
        pieces += piece
        progress(Stage("opening_photo"), 0)
    return bytes(pieces)
