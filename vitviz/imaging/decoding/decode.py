"""From a file's bytes to an image in memory, by Pillow, pi-heif or tifffile.

Decoders of damaged files raise nearly anything; ``refusing`` makes one ``PhotoError`` of it.
"""

from __future__ import annotations

import dataclasses
import io
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, ImageFile, UnidentifiedImageError

from vitviz.errors import PhotoError
from vitviz.imaging.colour import orientation, orientation_note
from vitviz.imaging.decoding import gif, netpbm, qoi, tiff
from vitviz.imaging.decoding.formats import FORMATS, FROM_PROGRAM, RAW, frame_note, what_else
from vitviz.imaging.decoding.quiet import silence_decoders
from vitviz.imaging.decoding.source import HARD_LIMIT, LEAST_FRAME_BYTES, DecodedImage, Source

# Set once, when this module is imported, and never changed: it is one number for all threads. The
# photo's own size is held against the user's limit before decoding; this one is for images hidden
# inside others (frames, icons, tiles).
Image.MAX_IMAGE_PIXELS = HARD_LIMIT

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_HEIF_BRANDS = b"heic heix heim heis hevc hevx hevm hevs mif1 msf1".split()
"""Source: ISO/IEC 23008-12, annex B and clause 10."""

_RARE = re.compile(
    "un(supported|implemented|known)|not (support|configured|implemented)|requires the"
    "|cannot handle|rare kind",
    re.IGNORECASE,
)
"""How decoders say that they do not know something, where they do."""

_DAMAGE = re.compile(
    "truncat|broken|corrupt|damaged|unexpected end|only got|not processed|not enough|overrun"
    "|checksum|crc|out of range|end of file|eof|short",
    re.IGNORECASE,
)
"""How decoders say that bytes are missing or wrong."""


@contextmanager
def refusing(source: Source) -> Iterator[None]:
    """Turn whatever is raised inside into one ``PhotoError`` that names the file."""
    name = source.name
    try:
        yield
    except PhotoError:
        raise
    except UnidentifiedImageError as error:
        raise _undecodable(source) from error
    except Image.DecompressionBombError as error:
        raise PhotoError(
            f"{name} holds an image too large for this computer's memory.",
            "Make a smaller copy of it in another program.",
        ) from error
    except MemoryError as error:
        raise PhotoError(
            f"{name} needs more memory than there is.", "Close other programs, or make it smaller."
        ) from error
    except Exception as error:
        reason = _reason(error)
        raise PhotoError(
            f"{name} {_what_is_wrong(error, reason)} ({reason}).",
            "Open another copy of it, or save it anew in another program.",
        ) from error


def _what_is_wrong(error: Exception, reason: str) -> str:
    """Whether it is the file or the decoder, where the decoder's words tell."""
    if isinstance(error, NotImplementedError) or _RARE.search(reason):
        return "is of a rare kind"
    if isinstance(error, EOFError | struct.error | zlib.error) or _DAMAGE.search(reason):
        return "is damaged or cut short"
    return "cannot be decoded: it is damaged, or of a rare kind"


def decode(source: Source) -> DecodedImage:
    """Decode one frame of a file; may raise anything (see ``refusing``)."""
    silence_decoders()
    try:
        return _decode_with_any(source)
    except PhotoError:
        raise
    except Exception:
        # Pillow refuses a PNG for broken or oversized texts, profiles and animations, too.
        bare = _png_pixels_only(source.data)
        if bare is None or source.frame:
            raise
    decoded = _decode_image(dataclasses.replace(source, data=bare))
    note = "only the pixels read, the rest of the file is damaged or too large"
    return dataclasses.replace(decoded, notes=(*decoded.notes, note))


def _decode_with_any(source: Source) -> DecodedImage:
    if source.data.startswith(tiff.SIGNATURES) and tiff.is_raw(source.data):
        raise PhotoError(f"{source.name} is {RAW}.", FROM_PROGRAM)
    if netpbm.SIGNATURE.match(source.data):
        return netpbm.decode_netpbm(source)
    if source.data.startswith(qoi.SIGNATURE):
        return qoi.decode_qoi(source)
    try:
        return _decode_image(source)
    except UnidentifiedImageError:
        if source.data.startswith(tiff.SIGNATURES):
            return tiff.decode_deep(source)
        raise


def _decode_image(source: Source) -> DecodedImage:
    image = _open(source)
    source.check_size(image.size)
    frames = _frames(image, source.data)
    source.check_frame(frames)
    if source.frame:
        image.seek(source.frame)
        source.check_size(image.size)
    deep_colour = image.mode in ("RGB", "RGBA") and re.search(";16[BLN]", str(image.tile[:1]))
    before = orientation(image)
    whole = _ask_for_less(image, source.edge)
    image.load()
    source.check_size(image.size)  # Icons know their true size only now.
    notes = (
        frame_note(image.format or "", source.frame, frames),
        tiff.reduced_note(source.data, source.frame) if image.format == "TIFF" else "",
        orientation_note(before),
        "16-bit colour reduced to 8-bit" if deep_colour else "",
    )
    # Asked again: Pillow turns TIFF upright by itself, and then forgets the orientation.
    return DecodedImage(image, frames, orientation(image), tuple(filter(None, notes)), whole)


def _ask_for_less(image: ImageFile.ImageFile, edge: int | None) -> tuple[int, int] | None:
    """Has a JPEG decoded at a fraction of its size; its own width and height, where that is so."""
    whole = image.size
    if edge is None or max(whole) <= edge:
        return None
    scale = edge / max(whole)
    image.draft("", (max(1, round(whole[0] * scale)), max(1, round(whole[1] * scale))))
    return whole if image.size != whole else None


def _open(source: Source) -> ImageFile.ImageFile:
    try:
        return Image.open(io.BytesIO(source.data), formats=FORMATS)
    except UnidentifiedImageError:
        if source.data[4:8] == b"ftyp" and source.data[8:12] in _HEIF_BRANDS:
            return _open_heif(source)
        raise


def _open_heif(source: Source) -> ImageFile.ImageFile:
    try:
        from pi_heif import HeifImageFile
    except ImportError as error:
        raise PhotoError(
            f"{source.name} is a HEIC photo, and the package that reads those is not installed.",
            "Install it with: pip install pi-heif",
        ) from error
    image: ImageFile.ImageFile = HeifImageFile(io.BytesIO(source.data))
    return image


def _frames(image: ImageFile.ImageFile, data: bytes) -> int:
    if image.format == "PSD":
        return 1  # Pillow's further "frames" are the layers that the picture is made of.
    if image.format == "TIFF":
        return tiff.page_count(data)
    if image.format == "GIF":
        return max(1, gif.survey(data).frames)
    claimed: int = getattr(image, "n_frames", 1)
    return max(1, min(claimed, len(data) // LEAST_FRAME_BYTES))


def _png_pixels_only(data: bytes) -> bytes | None:
    """A PNG without anything that its pixels do not need; None where there is nothing to leave."""
    if not data.startswith(_PNG):
        return None
    kept, place = [_PNG], len(_PNG)
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        end = place + 12 + length
        if data[place + 4 : place + 8] in _PNG_PIXELS:
            kept.append(data[place:end])
        place = end
    bare = b"".join(kept)
    return bare if len(bare) < len(data) else None


def _undecodable(source: Source) -> PhotoError:
    promised = _promised_format(source.data)
    if promised:
        return PhotoError(
            f"{source.name} begins as {promised} files do but is damaged or of a rare kind.",
            "Open another copy of it, or save it anew as a PNG.",
        )
    kind, hint = what_else(source.data)
    return PhotoError(f"{source.name} is {kind}.", hint)


def _promised_format(data: bytes) -> str:
    """The format that a file's first bytes promise, or ""."""
    for name in FORMATS:
        accept = Image.OPEN[name][1] if name in Image.OPEN else None
        try:
            if accept is not None and accept(data[:16]) is True:
                return name
        except (struct.error, IndexError):  # Pillow gives them the bytes that there are, too.
            continue
    return ""


def _reason(error: Exception) -> str:
    words = str(error).strip().splitlines()
    if words and words[0].startswith("decoder error"):
        return "its pixels cannot be decoded"
    return words[0][:120].rstrip(".") if words else type(error).__name__
