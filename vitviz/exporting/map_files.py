"""Writes a map: over the photo as an image, or its raw values."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from vitviz.engine.answers import Cell
from vitviz.errors import VitvizError
from vitviz.exporting import values
from vitviz.exporting.containers import KEYWORD
from vitviz.exporting.formats import check_suffix, suffixes
from vitviz.exporting.provenance import Disclosure, facts, provenance_of, to_json
from vitviz.exporting.stamp import write_with_provenance
from vitviz.exporting.values import ValuesOptions
from vitviz.imaging.photo import Photo
from vitviz.maps.overlay import drawn
from vitviz.maps.ranges import look
from vitviz.paths import resolved
from vitviz.session.state import Session
from vitviz.shapes import UInt8
from vitviz.wording.caption import caption
from vitviz.wording.description import describe_map

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
    full size with the map over it; a TIFF is a picture, too.

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
    check_suffix(path, "map", "values")
    if photo.sha256 != cell.photo_sha256:
        name = Path(cell.request.photo.path).name
        raise VitvizError(f"{name} is no longer the photo that the map is of.", CHANGED)
    if path.suffix.lower() not in suffixes("map"):
        write_values(path, cell, session, ValuesOptions(), disclosure)
        return
    check_target(path, [cell])
    view, style, heat_map = session.view, session.style, cell.heat_map(session.view)
    how = look(style, heat_map, cell.explained(view))
    pixels = drawn(_at_most(photo.pixels, side), heat_map, how)
    disclosure = disclosure or Disclosure()
    provenance = provenance_of(
        "map",
        session,
        [(cell, view)],
        {"range": [how.low, how.high]},
        full_paths=disclosure.full_paths,
    )
    words = caption(describe_map(cell, view, style))
    content = encode_image(pixels, path, words, to_json(provenance))
    write_with_provenance(path, content, provenance, beside=disclosure.beside)


def _at_most(pixels: UInt8[np.ndarray, "height width 3"], side: int) -> UInt8[np.ndarray, "_ _ 3"]:
    """The photo made smaller where its longer side is above ``side``."""
    longest = max(pixels.shape[:2])
    if not side or longest <= side:
        return pixels
    height, width = (max(1, round(edge * side / longest)) for edge in pixels.shape[:2])
    image = Image.fromarray(pixels)
    small = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return np.asarray(small)


def write_values(
    path: Path,
    cell: Cell,
    session: Session,
    options: ValuesOptions,
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
        options: Which values.
        disclosure: What is said of where they come from.

    Raises:
        VitvizError: They cannot be written there, or the suffix is unknown. What was there stays.
    """
    check_suffix(path, "values")
    check_target(path, [cell])
    content = values.encode(cell, session.view, path.suffix.lower(), options)
    disclosure = disclosure or Disclosure()
    provenance = provenance_of("values", session, [(cell, session.view)], asdict(options),
                         full_paths=disclosure.full_paths)  # fmt: skip
    if options.every:
        provenance = replace(provenance, maps=(facts(cell, session.view, every_map=True),))
    write_with_provenance(path, content, provenance, beside=disclosure.beside)


def check_target(path: Path, cells: Sequence[Cell]) -> None:
    """Refuses to write over a photo, or over the model's weights, that a file is made of.

    Raises:
        VitvizError: It is one of these.
    """
    used = {cell.request.photo.path for cell in cells} | {cell.request.model for cell in cells}
    if resolved(path) in set(map(resolved, used)):
        raise VitvizError(
            f"{path.name} is what this is made from, and would be overwritten.",
            "Choose another name.",
        )


def encode_image(
    pixels: UInt8[np.ndarray, "height width 3"], path: Path, words: str, provenance: str = ""
) -> bytes:
    """An image file.

    Args:
        pixels: What is in it.
        path: Its suffix says of which kind.
        words: The caption, inside where the format has room for one.
        provenance: JSON, inside a PNG; other formats have room for it later.

    Raises:
        VitvizError: The format cannot hold it.
    """
    image, encoded, suffix = Image.fromarray(pixels), io.BytesIO(), path.suffix.lower()
    try:
        if suffix == ".png":
            info = PngInfo()
            if provenance:
                info.add_itxt(KEYWORD.decode(), provenance)
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
    return encoded.getvalue()
