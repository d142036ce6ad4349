"""A file's bytes to upright sRGB pixels, in this process and this thread."""

from __future__ import annotations

import hashlib

import numpy as np
from PIL import Image

from vitviz.imaging.colour import SIDEWAYS, to_srgb, upright
from vitviz.imaging.decoding.decode import decode, refusing
from vitviz.imaging.decoding.source import Source
from vitviz.imaging.photo import Photo, SmallCopy
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


def open_small(source: Source, background: RGB) -> SmallCopy:
    """A small copy of the photo in a file's bytes, its longer side at most ``source.edge`` pixels.

    It is made smaller before its colours are converted, where that is the same to the eye: beside
    the decoder's own pixels there is never a second copy of the whole. Raises as ``open_here``.
    """
    assert source.edge is not None
    with refusing(source):
        decoded = decode(source)
        whole = decoded.whole or decoded.image.size
        colour, notes = to_srgb(_reduced(decoded.image, source.edge), background)
        colour.thumbnail((source.edge, source.edge), Image.Resampling.LANCZOS, reducing_gap=2.0)
        pixels = read_only(upright(colour, decoded.orientation))
    turned = decoded.orientation in SIDEWAYS
    size = whole if turned else whole[::-1]
    return SmallCopy(pixels, size, (*decoded.notes, *notes), decoded.frames)


def _reduced(image: Image.Image, edge: int) -> Image.Image:
    """A copy of at least twice the size wanted, of what has no transparency and no palette."""
    factor = max(image.size) // (2 * edge)
    plain = image.mode in ("L", "RGB", "CMYK") and "transparency" not in image.info
    if factor < 2 or not plain:
        return image
    reduced = image.reduce(factor)
    reduced.info = image.info  # its colour profile
    return reduced


def read_only(image: Image.Image) -> UInt8[np.ndarray, "height width 3"]:
    """The pixels of an image in mode "RGB"."""
    pixels = np.asarray(image)  # Pillow hands over a copy of its own.
    pixels.flags.writeable = False
    return pixels
