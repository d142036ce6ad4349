"""QOI, which Pillow decodes in Python, ten times slower than need be.

Source: The Quite OK Image Format, specification version 1.0, https://qoiformat.org.
"""

from __future__ import annotations

import struct

import numpy as np
from PIL import Image

from vitviz.imaging.decoding.source import DecodedImage, Source
from vitviz.shapes import UInt8

SIGNATURE = b"qoif"

_HEAD = 14


def decode_qoi(source: Source) -> DecodedImage:
    """A QOI; may raise anything (see ``decode.refusing``)."""
    _, width, height, channels, _ = struct.unpack_from(">4sIIBB", source.data)
    source.check_size((width, height))
    source.check_frame(1)
    try:
        pixels = _pixels(source.data, width * height).reshape(height, width, 4)
    except (IndexError, ValueError) as error:
        raise EOFError("the last pixel is not whole") from error
    shown = pixels if channels == 4 else np.ascontiguousarray(pixels[..., :3])
    return DecodedImage(Image.fromarray(shown), 1, 1, ())


def _pixels(data: bytes, wanted: int) -> UInt8[np.ndarray, "pixels 4"]:
    """The runs of equal pixels one after the other: this loop is what takes the time."""
    colours, lengths, found = [], [], 0
    seen = [0] * 64
    red, green, blue, alpha = 0, 0, 0, 255
    at, end = _HEAD, len(data)
    while at < end and found < wanted:
        byte, length = data[at], 1
        at += 1
        if byte == 0xFF:
            red, green, blue, alpha = data[at : at + 4]
            at += 4
        elif byte == 0xFE:
            red, green, blue = data[at : at + 3]
            at += 3
        elif byte < 0x40:
            red, green, blue, alpha = seen[byte].to_bytes(4, "little")
        elif byte < 0x80:
            red = red + (byte >> 4 & 3) - 2 & 255
            green = green + (byte >> 2 & 3) - 2 & 255
            blue = blue + (byte & 3) - 2 & 255
        elif byte < 0xC0:
            second, change = data[at], (byte & 63) - 32
            at += 1
            red = red + change + (second >> 4) - 8 & 255
            green = green + change & 255
            blue = blue + change + (second & 15) - 8 & 255
        else:
            length = byte - 0xBF
        colour = red | green << 8 | blue << 16 | alpha << 24
        seen[(red * 3 + green * 5 + blue * 7 + alpha * 11) & 63] = colour
        colours.append(colour)
        lengths.append(length)
        found += length
    if found < wanted:
        raise EOFError(f"only {found} of {wanted} pixels")
    runs = np.repeat(np.array(colours, "<u4"), lengths)[:wanted]
    return runs.view(np.uint8).reshape(-1, 4)
