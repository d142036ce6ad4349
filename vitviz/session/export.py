"""Writes a map: over the photo as an image, or its raw values."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from vitviz.errors import VitvizError
from vitviz.figures.overlay import composite, value_range
from vitviz.figures.style import Style
from vitviz.imaging.photo import Photo
from vitviz.session.caption import caption
from vitviz.session.engine import Cell
from vitviz.session.state import View
from vitviz.session.writing import write_whole

SUFFIXES = (".png", ".jpg", ".jpeg", ".tiff", ".tif", ".npy")


def write_map(path: Path, photo: Photo, cell: Cell, view: View, style: Style) -> None:
    """Writes one map; the suffix says how.

    ``.npy``: float32 rows x cols in natural units, as computed. Otherwise: the photo at its full
    size with the map over it.

    Args:
        path: Of the new file.
        photo: The one that the cell is about.
        cell: Where the map is in.
        view: Which layer and head of it.
        style: How it looks; means nothing to ``.npy``.

    Raises:
        VitvizError: It cannot be written there, or the suffix is unknown. What was there stays.
    """
    check_suffix(path)
    if photo.sha256 != cell.photo_sha256:
        raise VitvizError(
            f"{Path(cell.request.photo.path).name} is no longer the photo that the map is of.",
            "It was changed in the meantime: open it again.",
        )
    heat_map = cell.heat_map(view)
    if path.suffix.lower() == ".npy":
        encoded = io.BytesIO()
        np.save(encoded, heat_map.values, allow_pickle=False)
    else:
        low, high = value_range(style.range, heat_map, cell.explanation)
        pixels = composite(photo.pixels, heat_map.values, cell.geometry, style, low, high)
        encoded = encode_image(pixels, path, caption(cell, view))
    write_whole(path, encoded.getvalue())


def check_suffix(path: Path) -> None:
    """Refuses what maps cannot be written as.

    Raises:
        VitvizError: The suffix is unknown.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise VitvizError(
            f"{path.name}: maps cannot be written as {path.suffix or 'a file without suffix'}.",
            f"Use one of {', '.join(SUFFIXES)}.",
        )


def encode_image(pixels: UInt8[np.ndarray, "height width 3"], path: Path, words: str) -> io.BytesIO:
    """An image file, with the caption inside where the format has room for one.

    Raises:
        VitvizError: The format cannot hold it.
    """
    image, encoded, suffix = Image.fromarray(pixels), io.BytesIO(), path.suffix.lower()
    try:
        if suffix == ".png":
            info = PngInfo()
            info.add_itxt("Description", words)
            info.add_itxt("Software", "vitviz")
            image.save(encoded, "PNG", pnginfo=info, compress_level=4)
        elif suffix in (".jpg", ".jpeg"):
            image.save(encoded, "JPEG", quality=94, subsampling=0, comment=words.encode())
        else:
            image.save(encoded, "TIFF", compression="tiff_deflate")
    except (OSError, ValueError) as error:
        raise VitvizError(
            f"{path.name}: {image.width} x {image.height} pixels cannot be saved so ({error}).",
            "Use .png, which holds any size.",
        ) from error
    return encoded
