"""Writes a map: over the photo as an image, or its raw values."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
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

SUFFIXES = (".png", ".jpg", ".tiff", ".npy")


def write_map(path: Path, photo: Photo, cell: Cell, view: View, style: Style) -> None:
    """Writes one map; the suffix says how.

    ``.npy``: float32 rows x cols in natural units, as computed. Otherwise: the photo at its full
    size with the map over it.

    Raises:
        VitvizError: It cannot be written there, or the suffix is unknown. What was there stays.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise VitvizError(
            f"{path.name}: maps cannot be written as {path.suffix or 'a file without suffix'}.",
            f"Use one of {', '.join(SUFFIXES)}.",
        )
    encoded = io.BytesIO()
    heat_map = cell.heat_map(view)
    if path.suffix.lower() == ".npy":
        np.save(encoded, heat_map.values, allow_pickle=False)
    else:
        low, high = value_range(style.range, heat_map, cell.explanation)
        pixels = composite(photo.pixels, heat_map.values, cell.geometry, style, low, high)
        save_image(encoded, pixels, path.suffix.lower(), caption(cell, view))
    write_whole(path, encoded.getvalue())


def save_image(file: io.BytesIO, pixels: np.ndarray, suffix: str, words: str) -> None:
    """Encodes an image, with the caption inside where the format has room for one."""
    image = Image.fromarray(pixels)
    if suffix == ".png":
        info = PngInfo()
        info.add_itxt("Description", words)
        info.add_itxt("Software", "vitviz")
        image.save(file, "PNG", pnginfo=info, compress_level=4)
    elif suffix == ".jpg":
        image.save(file, "JPEG", quality=94, subsampling=0)
    else:
        image.save(file, "TIFF", compression="tiff_deflate")
