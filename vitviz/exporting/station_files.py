"""Files of the stations of a network's way to its answer: pictures, handouts and films.

They are drawn by the window; here they become files that say what made them.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from vitviz.engine.answers import Cell
from vitviz.exporting.containers import KEYWORD
from vitviz.exporting.film import Film, encode
from vitviz.exporting.formats import check_suffix
from vitviz.exporting.provenance import Disclosure, Provenance, provenance_of, to_json
from vitviz.exporting.stamp import write_with_provenance
from vitviz.progress import Progress, Stage, silent
from vitviz.session.state import Session
from vitviz.shapes import UInt8


def write_picture(
    path: Path, pixels: UInt8[np.ndarray, "height width 3"], cell: Cell, session: Session,
    station: str, disclosure: Disclosure | None = None,
) -> None:  # fmt: skip
    """Writes a station as a PNG.

    Args:
        path: Of the new file.
        pixels: sRGB.
        cell: What the station is about.
        session: The choices.
        station: Its name.
        disclosure: What is said of where it comes from.

    Raises:
        VitvizError: It cannot be written. What was there stays.
    """
    disclosure = disclosure or Disclosure()
    provenance = _provenance("figure", cell, session, {"station": station}, disclosure)
    out, info = io.BytesIO(), PngInfo()
    info.add_itxt(KEYWORD.decode(), to_json(provenance))
    Image.fromarray(pixels).save(out, "PNG", pnginfo=info)
    write_with_provenance(path, out.getvalue(), provenance, beside=disclosure.beside)


def write_pages(
    path: Path, content: bytes, cell: Cell, session: Session, stations: Sequence[str],
    disclosure: Disclosure | None = None,
) -> None:  # fmt: skip
    """Writes stations as a PDF; arguments as of ``write_picture``.

    Args:
        path: Of the new file.
        content: The PDF.
        cell: What the stations are about.
        session: The choices.
        stations: Their names, in the order of the pages.
        disclosure: What is said of where it comes from.
    """
    disclosure = disclosure or Disclosure()
    provenance = _provenance("figure", cell, session, {"stations": list(stations)}, disclosure)
    write_with_provenance(path, content, provenance, beside=disclosure.beside)


def write_film(
    path: Path, frames: Sequence[UInt8[np.ndarray, "height width 3"]], film: Film, cell: Cell,
    session: Session, station: str, progress: Progress = silent,
    disclosure: Disclosure | None = None,
) -> None:  # fmt: skip
    """Writes a station as a film.

    Args:
        path: Of the new file; the suffix says of which kind.
        frames: All of one size.
        film: How fast.
        cell: What the station is about.
        session: The choices.
        station: Its name.
        progress: Called before each frame.
        disclosure: What is said of where it comes from.

    Raises:
        VitvizError: There can be no such film, or it cannot be written. What was there stays.
    """
    check_suffix(path, "animation")
    disclosure = disclosure or Disclosure()
    provenance = _provenance("animation", cell, session, {"station": station}, disclosure)
    content = encode(path.suffix.lower(), frames, film, to_json(provenance), progress)
    progress(Stage("writing_file"), 1.0)  # the last moment to cancel
    write_with_provenance(path, content, provenance, beside=disclosure.beside)


def _provenance(
    kind: str, cell: Cell, session: Session, settings: dict[str, Any], disclosure: Disclosure
) -> Provenance:
    maps = [(cell, session.view)]
    return provenance_of(kind, session, maps, settings, full_paths=disclosure.full_paths)
