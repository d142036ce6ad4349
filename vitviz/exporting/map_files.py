"""Writes a map: over the photo as an image, or its raw values."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from vitviz.engine.engine import Cell
from vitviz.errors import VitvizError
from vitviz.exporting import values
from vitviz.exporting.provenance import Disclosure, facts, provenance_of
from vitviz.exporting.stamp import write_made
from vitviz.exporting.values import Wanted
from vitviz.imaging.geometry import Geometry
from vitviz.imaging.photo import Photo
from vitviz.maps.overlay import composite
from vitviz.maps.ranges import value_range
from vitviz.session.state import Session
from vitviz.shapes import UInt8
from vitviz.wording.caption import caption

PICTURES = (".png", ".jpg", ".jpeg", ".tiff", ".tif")
SUFFIXES = (*PICTURES, *(suffix for suffix in values.SUFFIXES if suffix not in PICTURES))
"""What a map can be written as; a TIFF is a picture unless numbers are asked for."""

CHANGED = "It was changed in the meantime: open it again."


def write_map(
    path: Path,
    photo: Photo,
    cell: Cell,
    session: Session,
    disclosure: Disclosure | None = None,
    *,
    side: int = 0,
) -> None:
    """Writes one map; the suffix says how.

    ``.npy``, ``.npz``, ``.csv``: its values (see ``write_values``). Otherwise: the photo at its
    full size with the map over it.

    Args:
        path: Of the new file.
        photo: The one that the cell is about.
        cell: Where the map is in.
        session: The choices: which layer and head, and how it looks.
        disclosure: What is said of where it comes from.
        side: Longer side of a picture in pixels, at most; 0 is the photo's own.

    Raises:
        VitvizError: It cannot be written there, or the suffix is unknown. What was there stays.
    """
    check_suffix(path)
    if photo.sha256 != cell.photo_sha256:
        name = Path(cell.request.photo.path).name
        raise VitvizError(f"{name} is no longer the photo that the map is of.", CHANGED)
    if path.suffix.lower() not in PICTURES:
        write_values(path, cell, session, Wanted(), disclosure)
        return
    check_target(path, [cell])
    view, style, heat_map = session.view, session.style, cell.heat_map(session.view)
    low, high = value_range(style.range, heat_map, cell.explanation)
    below, geometry = _at_most(photo.pixels, cell.geometry, side)
    pixels = composite(below, heat_map.values, geometry, style, low, high)
    encoded = encode_image(pixels, path, caption(cell, view))
    said = disclosure or Disclosure()
    made = provenance_of(
        "map", session, [(cell, view)], {"range": [low, high]}, full_paths=said.full_paths
    )
    write_made(path, encoded.getvalue(), made, beside=said.beside)


def _at_most(
    pixels: UInt8[np.ndarray, "height width 3"], geometry: Geometry, side: int
) -> tuple[UInt8[np.ndarray, "_ _ 3"], Geometry]:
    """The photo made smaller where its longer side is above ``side``, and its geometry."""
    longest = max(geometry.photo_size)
    if not side or longest <= side:
        return pixels, geometry
    height, width = (max(1, round(edge * side / longest)) for edge in geometry.photo_size)
    image = Image.fromarray(pixels)
    small = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return np.asarray(small), replace(geometry, photo_size=(height, width))


def write_values(
    path: Path,
    cell: Cell,
    session: Session,
    wanted: Wanted,
    disclosure: Disclosure | None = None,
) -> None:
    """Writes the values of a map, or of all layers and heads, in natural units.

    ``.npz``: with the geometry that places them on the photo. ``.csv``: one line a patch.
    ``.tiff``: 32-bit floats, one page a map. ``.npy``: the values alone, so that their provenance
    is always written beside them.

    Args:
        path: Of the new file.
        cell: Where the values are in.
        session: The choices: which layer and head.
        wanted: Which values.
        disclosure: What is said of where they come from.

    Raises:
        VitvizError: They cannot be written there, or the suffix is unknown. What was there stays.
    """
    suffix = path.suffix.lower()
    if suffix not in values.SUFFIXES:
        raise VitvizError(
            f"{path.name}: values cannot be written as {suffix or 'a file without suffix'}.",
            f"Use one of {', '.join(values.SUFFIXES)}.",
        )
    check_target(path, [cell])
    content = values.encode(cell, session.view, suffix, wanted)
    said = disclosure or Disclosure()
    made = provenance_of("values", session, [(cell, session.view)], asdict(wanted),
                         full_paths=said.full_paths)  # fmt: skip
    if wanted.every:
        made = replace(made, maps=(facts(cell, session.view, every_map=True),))
    write_made(path, content, made, beside=said.beside)


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


def check_target(path: Path, cells: Sequence[Cell]) -> None:
    """Refuses to write over a photo, or over the model's weights, that a file is made of.

    Raises:
        VitvizError: It is one of these.
    """
    used = {cell.request.photo.path for cell in cells} | {cell.request.model for cell in cells}
    if path.resolve() in {Path(known).resolve() for known in used}:
        raise VitvizError(
            f"{path.name} is what this is made from, and would be overwritten.",
            "Choose another name.",
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
