"""PBM, PGM and PPM, whose decoders in Pillow go from byte to byte in Python: minutes for a photo.

Source: the format descriptions of Netpbm, https://netpbm.sourceforge.net/doc/ (pbm, pgm, ppm).
"""

from __future__ import annotations

import re

import numpy as np
from PIL import Image

from vitviz.imaging.decoding.source import DecodedImage, Source
from vitviz.shapes import Shaped

SIGNATURE = re.compile(rb"P[1-6][ \t\n\v\f\r#]")

_SPACES = re.compile(rb"[ \t\n\v\f\r]*")
_SPACE = re.compile(rb"[ \t\n\v\f\r]")
_COMMENT = re.compile(rb"#[^\n\r]*")
_NUMBER = re.compile(rb"\d{1,10}")

_PIECE = 1 << 22
"""Bytes of text turned into numbers at a time: each takes ten times its size meanwhile."""


def decode_netpbm(source: Source) -> DecodedImage:
    """A PBM, PGM or PPM, as text or binary; may raise anything (see ``decode.refusing``)."""
    kind = source.data[1] - ord("0")
    width, at = _number(source.data, 2)
    height, at = _number(source.data, at)
    top, at = (1, at) if kind in (1, 4) else _number(source.data, at)
    if not 0 < top < 65536:
        raise ValueError(f"the largest value is {top}")
    source.check_size((width, height))
    source.check_frame(1)
    shape = (height, width, 3) if kind in (3, 6) else (height, width)
    wanted = int(np.prod(shape))
    # Exactly one white space stands between the header and binary samples.
    samples = (_text(source.data[at:], wanted, bits=kind == 1) if kind < 4
               else _binary(source.data[at + 1 :], shape, top, bits=kind == 4))  # fmt: skip
    if samples.size < wanted:
        raise EOFError(f"only {samples.size} of {wanted} samples")
    samples = np.minimum(samples.reshape(shape), top)
    if kind in (1, 4):  # ink
        return DecodedImage(
            Image.fromarray((1 - samples.astype(np.uint8)) * np.uint8(255)), 1, 1, ()
        )
    if top > 255 and len(shape) == 2:
        deep = np.rint(samples * (65535 / top)).astype(np.int32)
        return DecodedImage(Image.fromarray(deep), 1, 1, ())
    scale = np.rint(np.arange(top + 1) * (255 / top)).astype(np.uint8)
    notes = ("16-bit colour reduced to 8-bit",) if top > 255 else ()
    return DecodedImage(Image.fromarray(scale[samples]), 1, 1, notes)


def _number(data: bytes, at: int) -> tuple[int, int]:
    """The next number behind white space and comments, and where it ends."""
    while True:
        spaces = _SPACES.match(data, at)
        at = spaces.end() if spaces else at
        comment = _COMMENT.match(data, at)
        if comment is None:
            break
        at = comment.end()
    found = _NUMBER.match(data, at)
    if found is None:
        raise EOFError("the header has too few numbers")
    return int(found[0]), found.end()


def _binary(
    data: bytes, shape: tuple[int, ...], top: int, *, bits: bool
) -> Shaped[np.ndarray, " samples"]:
    height, width = shape[:2]
    if bits:  # each row begins a new byte
        row_bytes = (width + 7) // 8
        rows = np.frombuffer(data[: row_bytes * height], np.uint8)
        rows = rows[: rows.size // row_bytes * row_bytes].reshape(-1, row_bytes)
        return np.unpackbits(rows, axis=1, count=width).ravel()
    dtype = np.dtype(np.uint8 if top < 256 else ">u2")
    wanted = int(np.prod(shape))
    return np.frombuffer(data, dtype, min(wanted, len(data) // dtype.itemsize))


def _text(data: bytes, wanted: int, *, bits: bool) -> Shaped[np.ndarray, " samples"]:
    if b"#" in data:
        data = _COMMENT.sub(b" ", data)
    if bits:  # needs no space between them
        digits = np.frombuffer(data.translate(None, b" \t\n\v\f\r")[:wanted], np.uint8)
        result = digits - np.uint8(ord("0"))
        if (result > 1).any():
            raise ValueError("a bit is neither 0 nor 1")
        return result
    pieces: list[np.ndarray] = []
    at, found = 0, 0
    while at < len(data) and found < wanted:
        end = _SPACE.search(data, min(at + _PIECE, len(data)))
        stop = end.start() if end else len(data)
        pieces.append(np.array(data[at:stop].split(), dtype="S6").astype(np.int32))
        at, found = stop, found + pieces[-1].size
    samples = np.concatenate(pieces) if pieces else np.zeros(0, np.int32)
    if samples.size and samples.min() < 0:
        raise ValueError("a sample is negative")
    return samples[:wanted]
