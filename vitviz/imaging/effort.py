"""How long decoding a file will take, told from its structure without decoding anything.

The unit is one pixel that a fast decoder writes once: about 5 to 20 ns. A few bytes can ask for
very many of them: by thousands of scans, by rows of one pixel, by frames that build on each other.
What is counted here is a bound, not a forecast: a file may turn out to be quicker.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from vitviz.imaging.decoding import gif, netpbm, qoi, tiff
from vitviz.imaging.decoding.source import LEAST_FRAME_BYTES, Source

QUICK = 100_000_000
"""Up to this a photo is decoded where it is asked for: mostly in less than half a second, which
nobody can cancel. A process that can be ended takes a quarter to begin; nearly every camera's photo
does without."""

MOST = 20_000_000_000
"""Above this it is refused at once: it would take minutes."""

_UNKNOWN = QUICK + 1

_ROW = 64
"""Pixels that beginning a row, a strip, a tile or a chunk costs as much as."""

_BLOCK = 200
"""The same for a block of a GIF, which Pillow reads one by one."""

_FRAME = 10_000
"""The same for a frame that is gone through on the way to the one wanted."""

_SLOW_CODEC = 6
"""WebP, AVIF, HEIC and JPEG 2000 take up to so many times longer for a pixel than JPEG."""

_IN_PYTHON = 200
"""So many times longer takes a decoder that is written in Python, for a pixel or a byte."""

_HEAD = 1000
"""Bytes looked at of each of many pictures."""

_MOST_CHUNKS = 10_000

_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_END, _SCAN = 0xD9, 0xDA
# Source of JPEG's markers: ITU T.81, table B.1.

_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)
"""Where entropy-coded data ends: 0xFF followed by neither a stuffed zero nor a restart."""

_PNG = b"\x89PNG\r\n\x1a\n"


class Effort(NamedTuple):
    """What a file asks for.

    Args:
        pixels: That its header claims; 0 where that is not looked for.
        work: Pixels that decoding the wanted frame takes, at most.
    """

    pixels: int
    work: int


def effort(source: Source) -> Effort:
    """What decoding the wanted frame takes."""
    # No format has a frame in fewer bytes; a claim to have more is not believed later either.
    frames = min(max(0, source.frame), len(source.data) // LEAST_FRAME_BYTES) + 1
    for signature, estimate in _KINDS:
        if re.match(signature, source.data, re.DOTALL):
            return estimate(source.data, frames)
    return _rare(source.data, frames)


def _jpeg(data: bytes, frames: int) -> Effort:
    pixels = 0
    for kind, at in _segments(data, until=_SCAN):
        if kind in _FRAMES:
            height, width = struct.unpack(">HH", data[at + 3 : at + 7].ljust(4, b"\0"))
            pixels = max(pixels, height * width)
    scans = data.count(b"\xff\xda")
    if pixels * scans > QUICK and frames == 1:
        # A film or a second picture behind the photo has such bytes by chance.
        scans = sum(kind == _SCAN for kind, _ in _segments(data, until=_END))
    return Effort(pixels, pixels * max(1, scans))


def _segments(data: bytes, until: int) -> Iterator[tuple[int, int]]:
    """Kind and place of each segment of the first picture in a JPEG, up to the first of a kind."""
    at = 2
    while (found := _NEXT_MARKER.search(data, at)) is not None:
        kind, at = data[found.start() + 1], found.end()
        yield kind, at
        if kind in (until, _END):
            return
        at += max(2, int.from_bytes(data[at : at + 2], "big"))


def _png(data: bytes, frames: int) -> Effort:
    width, height = struct.unpack(">II", data[16:24].ljust(8, b"\0"))
    at, chunks = len(_PNG), 0
    while at + 12 <= len(data):
        chunks += 1
        if chunks > _MOST_CHUNKS:
            break
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    work = ((width + _ROW) * height + _FRAME) * frames
    return Effort(width * height, work if chunks <= _MOST_CHUNKS else max(work, _UNKNOWN))


def _gif(data: bytes, frames: int) -> Effort:
    width, height = struct.unpack("<HH", data[6:10].ljust(4, b"\0"))
    held = gif.survey(data)
    work = (width * height + _FRAME) * min(frames, max(1, held.frames)) + _BLOCK * held.blocks
    return Effort(width * height, work)


def _tiff(data: bytes, frames: int) -> Effort:
    directory = tiff.directory(data, frames - 1)
    if directory is None:
        return Effort(0, _UNKNOWN if frames > 1 else 0)
    tag = directory.number
    width, height = tag(tiff.WIDTH, 0), tag(tiff.HEIGHT, 0)
    pieces = directory.count(tiff.STRIP_OFFSETS) + directory.count(tiff.TILE_OFFSETS)
    pieces += height // max(1, tag(tiff.ROWS_PER_STRIP, height or 1))
    samples = max(1, tag(tiff.SAMPLES, 1)) * max(8, tag(tiff.BITS, 8)) // 8
    passes = 1
    if tag(tiff.COMPRESSION, 1) in tiff.JPEG:
        passes = max(1, data.count(b"\xff\xda") // max(1, pieces))
    elif tag(tiff.COMPRESSION, 1) not in tiff.FAST:
        passes = _SLOW_CODEC
    # A pixel of four bytes takes hardly longer than one of one; thousands of channels do.
    work = width * height * max(1, samples // 4) * passes
    work += _ROW * (height + 4 * pieces + frames + directory.entries)
    return Effort(width * height, work)


def _webp(data: bytes, frames: int) -> Effort:
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[i : i + 3], "little") + 1 for i in (24, 27))
    elif kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = struct.unpack("<HH", data[26:30].ljust(4, b"\0"))
    return Effort(width * height, (width * height * _SLOW_CODEC + _FRAME) * frames)


def _bmp(data: bytes, frames: int) -> Effort:  # noqa: ARG001
    if int.from_bytes(data[14:18], "little") == 12:  # of OS/2
        width, height = struct.unpack("<HH", data[18:22].ljust(4, b"\0"))
        return Effort(width * height, width * height)
    width, height, _, _, compression = struct.unpack("<iiHHI", data[18:34].ljust(16, b"\0"))
    pixels = abs(width * height)
    return Effort(pixels, pixels * (_IN_PYTHON if compression in (1, 2) else 1))


_SIZE_BOX = re.compile(rb"ispe....(.{8})", re.DOTALL)
"""The size of a picture in HEIC and AVIF. Source: ISO/IEC 23008-12, 6.5.3."""


def _heif(data: bytes, frames: int) -> Effort:
    found = islice(_SIZE_BOX.finditer(data), _MOST_CHUNKS)
    sizes = (struct.unpack(">II", match[1]) for match in found)
    # A film has none of its pictures' sizes there.
    unknown = _UNKNOWN if data[8:12] in (b"avis", b"msf1", b"hevc") else 0
    pixels = max((width * height for width, height in sizes), default=unknown)
    return Effort(pixels, (pixels + _FRAME) * _SLOW_CODEC * frames)


def _jpeg_2000(data: bytes, frames: int) -> Effort:  # noqa: ARG001
    """Source: ISO/IEC 15444-1, A.5.1 (SIZ)."""
    at = data.find(b"\xff\x4f\xff\x51", 0, 1 << 20)
    if at < 0:
        return Effort(0, 0)
    fields = struct.unpack(">8IH", data[at + 8 : at + 42].ljust(34, b"\0"))
    right, bottom, left, top, across, down, _, _, components = fields
    width, height = max(0, right - left), max(0, bottom - top)
    tiles = (width // max(1, across) + 1) * (height // max(1, down) + 1)
    work = width * height * _SLOW_CODEC * max(1, components // 3) + tiles * _ROW * _ROW
    return Effort(width * height, work)


def _rare(data: bytes, frames: int) -> Effort:
    """Icons hold PNGs; everything else takes as long as the file is, whatever decodes it."""
    places = (match.start() for match in re.finditer(re.escape(_PNG), data))
    inside = sum(_png(data[place : place + _HEAD], 1).work for place in islice(places, 100))
    return Effort(0, (inside + _IN_PYTHON * len(data)) * frames)


def _netpbm(data: bytes, frames: int) -> Effort:  # noqa: ARG001
    """Text takes longer than samples, which NumPy takes as they are."""
    return Effort(0, len(data) * (20 if data[1:2] in (b"1", b"2", b"3") else 2))


def _qoi(data: bytes, frames: int) -> Effort:  # noqa: ARG001
    """Each byte but the first of a pixel can be a run; the loop over them is Python's."""
    return Effort(0, 100 * len(data))


_KINDS: tuple[tuple[bytes, Callable[[bytes, int], Effort]], ...] = (
    (rb"\xff\xd8", _jpeg),
    (re.escape(_PNG), _png),
    (rb"GIF8[79]a", _gif),
    (b"|".join(map(re.escape, tiff.SIGNATURES)), _tiff),
    (rb"RIFF.{4}WEBP", _webp),
    (rb"BM", _bmp),
    (netpbm.SIGNATURE.pattern, _netpbm),
    (qoi.SIGNATURE, _qoi),
    (rb".{4}ftyp", _heif),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", _jpeg_2000),
)
