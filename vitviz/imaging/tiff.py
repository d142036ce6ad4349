"""What Pillow cannot do with TIFFs: count many pages, and read colours deeper than 16 bits."""

from __future__ import annotations

import io
import logging
import struct

import numpy as np
from PIL import Image

from vitviz.errors import PhotoError
from vitviz.imaging.colour import orientation_note
from vitviz.imaging.depth import to_eight_bits
from vitviz.imaging.source import DecodedImage, Source
from vitviz.memory import physical_bytes
from vitviz.shapes import Shaped, UInt8

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""First bytes of a TIFF: either byte order, classic or BigTIFF."""


def page_count(data: bytes) -> int:
    """Length of the chain of image directories; it ends at a loop or outside the file.

    Pillow's own count takes time in the square of the length: 20 s for 30,000 pages.
    Source: TIFF 6.0, section 2; BigTIFF, www.awaresystems.be/imaging/tiff/bigtiff.html.
    """
    order = "<" if data.startswith(b"II") else ">"
    big = data[:4] in (b"II+\0", b"MM\0+")
    count, offset, entry_bytes = ("Q", "Q", 20) if big else ("H", "I", 12)
    seen: set[int] = set()
    try:
        (place,) = struct.unpack_from(order + offset, data, 8 if big else 4)
        while place and place not in seen:
            (entries,) = struct.unpack_from(order + count, data, place)
            seen.add(place)
            end = place + struct.calcsize(order + count) + entries * entry_bytes
            (place,) = struct.unpack_from(order + offset, data, end)
    except struct.error:
        pass
    return max(1, len(seen))


def decode_deep(source: Source) -> DecodedImage:
    """TIFFs that Pillow does not know: colours in floats or 32 bits, in planes, of odd depths."""
    logging.getLogger("tifffile").addHandler(logging.NullHandler())  # Keeps it off the terminal.
    import tifffile

    with tifffile.TiffFile(io.BytesIO(source.data)) as file:
        frames = len(file.pages)
        source.check_frame(frames)
        page = file.pages[source.frame].aspage()
        source.check_size((page.imagewidth, page.imagelength))
        if page.nbytes > physical_bytes() // 8:
            raise PhotoError(
                f"{source.name} needs more memory than this computer can spare.",
                "Save it with fewer channels or pixels.",
            )
        samples = page.asarray()
        if samples.ndim == 3 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
            samples = np.moveaxis(samples, 0, 2)
        orientation = page.tags.valueof("Orientation", default=1)
    if samples.ndim not in (2, 3) or samples.dtype.kind not in "buif":
        raise PhotoError(
            f"{source.name} holds {samples.dtype} data in {samples.ndim} dimensions, not a photo.",
            "Save one slice of it as an ordinary TIFF or PNG.",
        )
    pixels, *notes = _grey_or_rgb(samples)
    notes = [orientation_note(orientation), *notes]
    return DecodedImage(Image.fromarray(pixels), frames, orientation, tuple(filter(None, notes)))


def _grey_or_rgb(
    samples: Shaped[np.ndarray, "height width *channels"],
) -> tuple[UInt8[np.ndarray, "height width *shown"], str, str]:
    """8-bit pixels of one or three channels, and notes about depth and about channels left out."""
    if samples.ndim == 2:
        return *to_eight_bits(samples), ""
    channels = samples.shape[2]
    shown = samples[..., :3] if channels >= 3 else samples[..., 0]
    left_out = "" if channels in (1, 3) else f"only the first channels of {channels} shown"
    pixels, note = to_eight_bits(shown)
    return np.ascontiguousarray(pixels), note, left_out
