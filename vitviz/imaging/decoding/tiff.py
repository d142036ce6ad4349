"""What Pillow cannot do with TIFFs: count many pages, tell a camera's raw file from a photo, and
read colours deeper than 16 bits.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from vitviz.errors import PhotoError
from vitviz.imaging.colour import orientation_note
from vitviz.imaging.decoding.formats import frame_note
from vitviz.imaging.decoding.source import DecodedImage, Source
from vitviz.imaging.depth import to_eight_bits
from vitviz.memory import physical_bytes
from vitviz.shapes import Shaped, UInt8

if TYPE_CHECKING:
    import tifffile

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""First bytes of a TIFF: either byte order, classic or BigTIFF."""

MOST_PAGES = 100_000
"""Counted in a file; longer ones are longer than is said."""

KIND, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
STRIP_OFFSETS, SAMPLES, ROWS_PER_STRIP, TILE_OFFSETS = 273, 277, 278, 324
_SUB_DIRECTORIES, _DNG_VERSION = 330, 50706
# Source: TIFF 6.0, section 8; TIFF Technical Note 1 (330); DNG 1.7, chapter 4 (50706).

JPEG = (6, 7)
FAST = (1, 2, 3, 4, 5, 8, 32773, 32946)
"""Values of COMPRESSION: none, fax, LZW, Deflate and PackBits."""

_REDUCED = 1
"""Bit of KIND: a smaller copy of another picture in the file."""

_SENSOR = (32803, 34892)
"""Values of PHOTOMETRIC: what a camera's sensor saw, before it became a picture."""

_MOST_PARTS = 100
"""Directories in which a raw picture is looked for."""

_NUMBERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
"""Field types that hold whole numbers, as ``struct`` calls them."""


@dataclass(frozen=True)
class Directory:
    """What a TIFF says of one page.

    Args:
        data: Of the whole file.
        order: "<" or ">".
        big: Whether it is a BigTIFF.
        place: Where the first field is.
        entries: How many fields there are.
    """

    data: bytes
    order: str
    big: bool
    place: int
    entries: int

    @property
    def end(self) -> int:
        """Where the offset of the next directory is."""
        return self.place + self.entries * (20 if self.big else 12)

    def count(self, tag: int) -> int:
        """How many values a field claims; 0 where there is none."""
        field = self._field(tag)
        return 0 if field is None else field[1]

    def number(self, tag: int, default: int) -> int:
        """The first number of a field."""
        return next(iter(self.numbers(tag)), default)

    def numbers(self, tag: int) -> list[int]:
        """The first few numbers of a field; empty where there is none, or none that can be read."""
        field = self._field(tag)
        if field is None or field[0] not in _NUMBERS:
            return []
        kind, count, value_at = field
        form = f"{self.order}{min(count, _MOST_PARTS)}{_NUMBERS[kind]}"
        room = 8 if self.big else 4
        if struct.calcsize(_NUMBERS[kind]) * count > room:
            (value_at,) = struct.unpack_from(f"{self.order}{'Q' if self.big else 'I'}", self.data,
                                             value_at)  # fmt: skip
        try:
            return list(struct.unpack_from(form, self.data, value_at))
        except (struct.error, OverflowError):
            return []

    def _field(self, tag: int) -> tuple[int, int, int] | None:
        """Type, number of values and place of the value of a field."""
        size = 20 if self.big else 12
        wanted = struct.pack(self.order + "H", tag)
        for at in range(self.place, min(self.end, len(self.data) - size + 1), size):
            if self.data[at : at + 2] == wanted:
                form = self.order + ("HQ" if self.big else "HI")
                kind, count = struct.unpack_from(form, self.data, at + 2)
                return kind, count, at + (12 if self.big else 8)
        return None


def directories(data: bytes, start: int | None = None) -> Iterator[Directory]:
    """The chain of image directories; it ends at a loop or outside the file.

    Pillow's own count takes time in the square of the length: 20 s for 30,000 pages.
    Source: TIFF 6.0, section 2; BigTIFF, www.awaresystems.be/imaging/tiff/bigtiff.html.

    Args:
        data: Of the file, which has one of ``SIGNATURES``.
        start: Where a chain begins that is not the file's own.
    """
    order = "<" if data.startswith(b"II") else ">"
    big = data[:4] in (b"II+\0", b"MM\0+")
    count, offset = ("Q", "Q") if big else ("H", "I")
    seen: set[int] = set()
    try:
        place = start or struct.unpack_from(order + offset, data, 8 if big else 4)[0]
        while place and place not in seen:
            (entries,) = struct.unpack_from(order + count, data, place)
            seen.add(place)
            found = Directory(data, order, big, place + struct.calcsize(order + count), entries)
            yield found
            (place,) = struct.unpack_from(order + offset, data, found.end)
    except (struct.error, OverflowError):  # BigTIFFs can point beyond what there can be.
        return


def directory(data: bytes, page: int) -> Directory | None:
    """What a TIFF says of a page, from 0; None where there is no such page."""
    return next(islice(directories(data), page, page + 1), None)


def page_count(data: bytes) -> int:
    """Pages of a TIFF, 1 to ``MOST_PAGES``."""
    return max(1, sum(1 for _ in islice(directories(data), MOST_PAGES)))


def is_raw(data: bytes) -> bool:
    """Whether a TIFF is a camera's raw file (DNG, NEF, CR2, ARW, PEF, ...).

    What Pillow finds in one is a preview, often of 160 x 120 pixels.
    """
    if data[8:10] == b"CR":
        return True
    for page in islice(directories(data), _MOST_PARTS):
        if page.count(_DNG_VERSION) or page.number(PHOTOMETRIC, 0) in _SENSOR:
            return True
        for start in page.numbers(_SUB_DIRECTORIES):
            inside = next(directories(data, start), None)
            if inside is not None and inside.number(PHOTOMETRIC, 0) in _SENSOR:
                return True
    return False


def reduced_note(data: bytes, page: int) -> str:
    """A word where a page says that it is a smaller copy of another picture in the file; or ""."""
    here = directory(data, page)
    if here is None or not here.number(KIND, 0) & _REDUCED:
        return ""
    others = [*here.numbers(_SUB_DIRECTORIES)]
    inside = [found for start in others if (found := next(directories(data, start), None))]
    every = [*islice(directories(data), _MOST_PARTS), *inside]
    if all(other.number(WIDTH, 0) <= here.number(WIDTH, 0) for other in every):
        return ""
    return "a reduced copy, the file holds a larger picture"


def decode_deep(source: Source) -> DecodedImage:
    """TIFFs that Pillow does not know: colours in floats or 32 bits, in planes, of odd depths."""
    import tifffile

    with tifffile.TiffFile(io.BytesIO(source.data)) as file:
        frames = page_count(source.data)  # the same as for the TIFFs that Pillow reads
        source.check_frame(frames)
        page = file.pages[source.frame].aspage()
        source.check_size((page.imagewidth, page.imagelength))
        if page.nbytes > physical_bytes() // 8:
            raise PhotoError(
                f"{source.name} needs more memory than this computer can spare.",
                "Save it with fewer channels or pixels.",
            )
        samples, depth_note = _samples(page, source.name)
        if samples.ndim == 3 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
            samples = np.moveaxis(samples, 0, 2)
        orientation = page.tags.valueof("Orientation", default=1)
    if samples.ndim not in (2, 3) or samples.dtype.kind not in "buif":
        raise PhotoError(
            f"{source.name} holds {samples.dtype} data in {samples.ndim} dimensions, not a photo.",
            "Save one slice of it as an ordinary TIFF or PNG.",
        )
    pixels, *notes = _grey_or_rgb(samples)
    notes = [
        frame_note("TIFF", source.frame, frames),
        reduced_note(source.data, source.frame),
        orientation_note(orientation),
        depth_note,
        *notes,
    ]
    return DecodedImage(Image.fromarray(pixels), frames, orientation, tuple(filter(None, notes)))


def _samples(page: tifffile.TiffPage, name: str) -> tuple[np.ndarray, str]:
    """What a page holds, and a note where that took more than reading."""
    bits, sound = page.bitspersample, (8, 16, 32, 64)
    if bits not in sound and page.compression == 1 and page.planarconfig == 1 and bits <= 32:
        note = f"{bits}-bit scaled from 0..{2**bits - 1}"
        return _packed(page), note
    try:
        samples: np.ndarray = page.asarray()
    except Exception as error:
        if "imagecodecs" not in str(error):
            raise
        # Its words would not help people who have no Python.
        raise PhotoError(
            f"{name} is of a rare kind: {bits} bits a sample, compression {page.compression}.",
            "Save it with 8 or 16 bits a sample, uncompressed, in another program.",
        ) from error
    return samples, ""


def _packed(page: tifffile.TiffPage) -> UInt8[np.ndarray, "height width *channels"]:
    """Uncompressed whole numbers of any number of bits, as 8 bits; each row begins a new byte.

    Source: TIFF 6.0, sections 8 (BitsPerSample, Compression) and 3 (rows).
    """
    if page.is_tiled or page.fillorder != 1 or page.sampleformat not in (1, None):
        raise NotImplementedError("tiles, signs or bits in the other order")
    bits, row_samples = page.bitspersample, page.imagewidth * page.samplesperpixel
    row_bytes = (row_samples * bits + 7) // 8
    file, rows = page.parent.filehandle, []
    for place, length in zip(page.dataoffsets, page.databytecounts, strict=True):
        file.seek(place)
        strip = np.frombuffer(file.read(length), np.uint8)
        rows.append(strip[: strip.size // row_bytes * row_bytes].reshape(-1, row_bytes))
    packed = np.concatenate(rows)[: page.imagelength]
    if len(packed) < page.imagelength:
        raise EOFError(f"only {len(packed)} of {page.imagelength} rows")
    result = np.empty((page.imagelength, row_samples), np.uint8)
    weights = 2.0 ** np.arange(bits - 1, -1, -1) * 255 / (2**bits - 1)
    swap = bits % 8 == 0 and page.parent.byteorder == "<"
    for number, row in enumerate(packed):  # all at once would take eight bytes for each bit
        row = row.reshape(-1, bits // 8)[:, ::-1].ravel() if swap else row
        ones = np.unpackbits(row, count=row_samples * bits).reshape(row_samples, bits)
        result[number] = np.rint(ones @ weights)
    if page.photometric == 0:  # white is zero
        result = 255 - result
    pixels = result.reshape(page.imagelength, page.imagewidth, page.samplesperpixel)
    return pixels if page.samplesperpixel > 1 else pixels[..., 0]


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
