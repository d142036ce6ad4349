"""Which files can be photos, and how to say what the others are.

The list is explicit, so that a new decoder of Pillow's is a decision here and not a surprise:
EPS (runs Ghostscript), PDF, WMF (Windows only) and the formats that Pillow names but cannot decode
(BUFR, GRIB, HDF5, MPEG) are left out on purpose.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path

from vitviz.errors import PhotoError

_EXTENSIONS = {
    "JPEG": ".jpg .jpeg .jpe .jfif .mpo",
    "PNG": ".png .apng",
    "TIFF": ".tif .tiff",
    "WEBP": ".webp",
    "GIF": ".gif",
    "BMP": ".bmp",
    "DIB": ".dib",
    "AVIF": ".avif .avifs",
    "JPEG2000": ".jp2 .j2k .jpc .jpf .jpx .j2c",
    "PSD": ".psd",
    "PPM": ".ppm .pgm .pbm .pnm .pfm",
    "QOI": ".qoi",
    "ICO": ".ico",
    "CUR": ".cur",
    "ICNS": ".icns",
    "DDS": ".dds",
    "SGI": ".sgi .rgb .rgba .bw",
    "FITS": ".fits .fit",
    "BLP": ".blp",
    "FTEX": ".ftc .ftu",
    "FLI": ".fli .flc",
    "GBR": ".gbr",
    "MSP": ".msp",
    "PCX": ".pcx",
    "DCX": ".dcx",
    "SUN": ".ras",
    "XBM": ".xbm",
    "XPM": ".xpm",
    "XVTHUMB": "",
    "PCD": ".pcd",
    "PIXAR": ".pxr",
    "MCIDAS": "",
    "IMT": "",
    "IM": ".im",
    "SPIDER": "",
    "TGA": ".tga .icb .vda .vst",
}

FORMATS = tuple(_EXTENSIONS)
"""Pillow's names of the formats that are opened; those without a signature come last."""

EXTENSIONS = (*" ".join(_EXTENSIONS.values()).split(), ".heic", ".heif", ".hif")
"""For file dialogs and folders: lower case, with the dot, the usual ones first."""

FROM_PROGRAM = "Save it as a PNG or JPEG in the program it belongs to."

RAW = "a camera's raw file"

_PAGES = ("TIFF", "DCX")
_FRAMES = ("GIF", "PNG", "WEBP", "AVIF", "FLI")

_OTHER_KINDS: tuple[tuple[bytes, str, str], ...] = (
    (rb"%PDF-", "a PDF document", "Save the page you want as a PNG."),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript drawing", FROM_PROGRAM),
    (rb"(<\?xml[^>]*>|<!--.*?-->|\s)*(<!DOCTYPE svg|<svg)", "an SVG drawing", FROM_PROGRAM),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "a JPEG XL photo, which is not supported", FROM_PROGRAM),
    (rb"\xd7\xcd\xc6\x9a|\x01\0\0\0.{36} EMF", "a Windows metafile", FROM_PROGRAM),
    (rb".{4}ftypcrx|FUJIFILMCCD-RAW|IIU\0|IIR[OS]|MMOR", RAW, FROM_PROGRAM),
    (rb"II\x1a\0\0\0HEAPCCDR|\0MRM|FOVb", RAW, FROM_PROGRAM),
    (rb".{4}ftyp|\x1aE\xdf\xa3|RIFF.{4}AVI |\0\0\x01\xba", "a film", "Save a frame as a PNG."),
    (rb"PK\x03\x04|Rar!|7z\xbc\xaf|\x1f\x8b", "an archive", "Unpack it and open the photos in it."),
    (rb"\s*(<!DOCTYPE html|<html)", "a web page", "Save the picture itself from the browser."),
    (rb"GRIB|BUFR|\x89HDF", "scientific data, not a photo", FROM_PROGRAM),
    (rb"\xd0\xcf\x11\xe0", "an Office or FlashPix document", FROM_PROGRAM),
)
# Source: the file signatures of the formats' own specifications, as collected by file(1).


def what_else(data: bytes) -> tuple[str, str]:
    """What a file is that is no photo, and what to do about it.

    Args:
        data: The file, or at least its first 512 bytes.

    Returns:
        "a PDF document" or the like, and a hint.
    """
    start = data[:512]
    for signature, kind, hint in _OTHER_KINDS:
        if re.match(signature, start, re.DOTALL | re.IGNORECASE):
            return kind, hint
    return (
        "not in any photo format that vitviz knows",
        "Choose a JPEG, PNG, TIFF, WebP, HEIC or similar file.",
    )


def frame_note(format: str, frame: int, frames: int) -> str:
    """Which of several pictures of a file is shown, counted from 1; "" where there is one.

    Args:
        format: Pillow's name of it.
        frame: From 0.
        frames: How many there are.
    """
    if frames < 2:
        return ""
    kind = "page" if format in _PAGES else "frame" if format in _FRAMES else "picture"
    return f"{kind} {frame + 1:,} of {frames:,}"


def photos_in(folder: Path | str) -> list[Path]:
    """The photos directly in a folder, by their extensions, in natural order ("2" before "10").

    Args:
        folder: Hidden files and folders inside it are left out.

    Raises:
        PhotoError: There is no such folder, or it cannot be read.
    """
    folder = Path(folder)
    try:
        return sorted(filter(_is_visible_photo, folder.iterdir()), key=natural_order)
    except (OSError, ValueError) as error:
        raise PhotoError(
            f"The folder {folder.name} cannot be read: "
            f"{getattr(error, 'strerror', None) or error}.",
            "Check that it exists and that you may open it.",
        ) from error


def _is_visible_photo(path: Path) -> bool:
    if path.name.startswith(".") or path.suffix.lower() not in EXTENSIONS:
        return False
    try:
        status = path.stat()
    except OSError:  # a dangling link
        return False
    # Only Windows has the attribute.
    attributes: int = getattr(status, "st_file_attributes", 0)
    hidden = attributes & stat.FILE_ATTRIBUTE_HIDDEN
    return stat.S_ISREG(status.st_mode) and not hidden


def natural_order(path: Path) -> tuple[list[tuple[bool, int, str]], str]:
    """Sorts runs of digits by their value and before letters; names alike but for case by
    themselves.
    """
    parts = re.findall(r"[0-9]+|[^0-9]+", path.name.casefold())
    keys = [(False, int(p), "") if p[0] in "0123456789" else (True, 0, p) for p in parts]
    return keys, path.name
