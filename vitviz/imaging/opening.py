"""A file's bytes to upright sRGB pixels, in this process and this thread."""

from __future__ import annotations

import hashlib

import numpy as np
from PIL import Image

from vitviz.imaging.colour import to_srgb, upright
from vitviz.imaging.decoding.decode import decode, refusing
from vitviz.imaging.decoding.source import Source
from vitviz.imaging.photo import Photo
from vitviz.shapes import UInt8

RGB = tuple[int, int, int]


def open_here(source: Source, background: RGB) -> Photo:
    """The photo in a file's bytes; C code that decodes it cannot be interrupted.

    Args:
        source: The file, and which frame of it.
        background: sRGB, 0..255, behind transparent photos.

    Raises:
        PhotoTooLarge: The photo has more pixels than the source allows.
        PhotoError: Anything else that keeps the file from being shown.
    """
    with refusing(source):
        decoded = decode(source)
        colour, notes = to_srgb(decoded.image, background)
        pixels = read_only(upright(colour, decoded.orientation))
    return Photo(
        pixels=pixels,
        path=None,
        sha256=hashlib.sha256(source.data).hexdigest(),
        notes=(*decoded.notes, *notes),
        frame=source.frame,
        frames=decoded.frames,
    )


def read_only(image: Image.Image) -> UInt8[np.ndarray, "height width 3"]:
    """The pixels of an image in mode "RGB"."""
    pixels = np.asarray(image)  # Pillow hands over a copy of its own.
    pixels.flags.writeable = False
    return pixels
