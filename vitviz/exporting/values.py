"""A map's numbers as a file, with the geometry that places them on the photo."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from vitviz.engine.engine import Cell
from vitviz.imaging.geometry import Geometry
from vitviz.maps.interpolation import weights
from vitviz.maps.overlay import inside, positions
from vitviz.methods.base import HeatMap
from vitviz.session.state import View
from vitviz.shapes import Float32, Float64

Resolution = Literal["patches", "photo"]

SUFFIXES = (".npz", ".npy", ".csv", ".tiff", ".tif")
"""Of files that hold numbers."""


@dataclass(frozen=True)
class Wanted:
    """Which numbers.

    Args:
        every: All layers and heads, rather than the one map that is looked at.
        resolution: Of a TIFF: one number a patch, or one a pixel of the photo.
        smooth: At the photo's resolution: between the centres of patches, as the map is drawn;
            else each pixel has the number of its patch.
    """

    every: bool = False
    resolution: Resolution = "patches"
    smooth: bool = True


def encode(cell: Cell, view: View, suffix: str, wanted: Wanted) -> bytes:
    """The file.

    Args:
        cell: Where the numbers are in.
        view: Which layer and head.
        suffix: One of ``SUFFIXES``.
        wanted: Which numbers.
    """
    if suffix == ".npz":
        return _npz(cell, view, wanted.every)
    if suffix == ".npy":
        return _npy(cell, view, wanted.every)
    if suffix == ".csv":
        return _csv(cell, view, wanted.every)
    return _tiff(cell, view, wanted)


def maps(cell: Cell, view: View, every: bool) -> list[HeatMap]:
    """The map that is looked at, or each layer's and in it each head's."""
    if not every:
        return [cell.heat_map(view)]
    explanation = cell.explanation
    if explanation.head is not None:
        return [explanation.map(layer, explanation.head) for layer in explanation.layers]
    heads = range(explanation.values.shape[1])
    return [explanation.map(layer, head) for layer in explanation.layers for head in heads]


def patch_boxes(geometry: Geometry) -> Float64[np.ndarray, "rows cols 4"]:
    """Left, top, right and bottom of every patch in photo pixels."""
    rows, cols = geometry.grid
    boxes = [[geometry.patch_box(row, col) for col in range(cols)] for row in range(rows)]
    return np.array(boxes, np.float64)


def at_pixels(
    values: Float32[np.ndarray, "rows cols"], geometry: Geometry, smooth: bool
) -> Float32[np.ndarray, "height width"]:
    """The map's value at the centre of every pixel of the photo; NaN where nothing was seen.

    Smooth values are clipped to the map's least and greatest, as they are where they are drawn.
    """
    height, width = geometry.photo_size
    down, across = positions(geometry, np.arange(width) + 0.5, np.arange(height) + 0.5)
    rows, cols = inside(down, values.shape[0]), inside(across, values.shape[1])
    result = np.full((height, width), np.nan, np.float32)
    if smooth:
        by_row = weights(down[rows], values.shape[0])
        by_col = weights(across[cols], values.shape[1])
        dense = (by_row @ values) @ by_col.T
        result[rows, cols] = np.clip(dense, values.min(), values.max())
    else:
        row, col = np.floor(down[rows]).astype(np.intp), np.floor(across[cols]).astype(np.intp)
        result[rows, cols] = values[:, col][row]
    return result


def _stack(cell: Cell, view: View, every: bool) -> Float32[np.ndarray, "..."]:
    """Rows x columns, or layers x heads x rows x columns."""
    found = np.stack([heat_map.values for heat_map in maps(cell, view, every)])
    layers = len(cell.explanation.layers)
    return found.reshape(layers, -1, *found.shape[1:]) if every else found[0]


def _npy(cell: Cell, view: View, every: bool) -> bytes:
    encoded = io.BytesIO()
    np.save(encoded, np.ascontiguousarray(_stack(cell, view, every)), allow_pickle=False)
    return encoded.getvalue()


def _npz(cell: Cell, view: View, every: bool) -> bytes:
    explanation, geometry = cell.explanation, cell.geometry
    found = maps(cell, view, every)
    layers = explanation.layers if every else (found[0].layer,)
    heads = dict.fromkeys(heat_map.head for heat_map in found)
    prefix = [explanation.tokens(m.layer, m.head)[: len(cell.layout.prefix)] for m in found]
    encoded = io.BytesIO()
    np.savez_compressed(
        encoded,
        values=_stack(cell, view, every),
        prefix_values=np.stack(prefix).reshape(*((len(layers), -1) if every else ()),
                                               len(cell.layout.prefix)),
        prefix_tokens=np.array(cell.layout.prefix, np.str_),
        layers=np.array([layer + 1 for layer in layers]),
        heads=np.array([head + 1 if isinstance(head, int) else head for head in heads]),
        unit=np.array(explanation.unit),
        photo_size=np.array(geometry.photo_size),
        input_size=np.array(geometry.input_size),
        grid=np.array(geometry.grid),
        seen=np.array(geometry.seen),
        patch_boxes=patch_boxes(geometry),
    )  # fmt: skip
    return encoded.getvalue()


def _csv(cell: Cell, view: View, every: bool) -> bytes:
    names = ("layer", "head") if every else ()
    heading = (*names, "row", "column", "left", "top", "right", "bottom", "value")
    lines = [",".join(heading)]
    boxes = patch_boxes(cell.geometry)
    places = [
        f"{row + 1},{col + 1}," + ",".join(f"{edge:.10g}" for edge in boxes[row, col])
        for row, col in np.ndindex(cell.geometry.grid)
    ]
    for heat_map in maps(cell, view, every):
        head = heat_map.head + 1 if isinstance(heat_map.head, int) else heat_map.head
        start = f"{heat_map.layer + 1},{head}," if every else ""
        # A float32 prints the fewest digits that give it back.
        numbers = zip(places, heat_map.values.ravel(), strict=True)
        lines += [f"{start}{place},{number!s}" for place, number in numbers]
    return ("\n".join(lines) + "\n").encode("ascii")


def _tiff(cell: Cell, view: View, wanted: Wanted) -> bytes:
    """One page a map, 32-bit floats."""
    pages = _pages(cell, view, wanted)
    first, encoded = next(pages), io.BytesIO()
    first.save(
        encoded, "TIFF", compression="tiff_adobe_deflate", save_all=True, append_images=pages
    )
    return encoded.getvalue()


def _pages(cell: Cell, view: View, wanted: Wanted) -> Iterator[Image.Image]:
    for heat_map in maps(cell, view, wanted.every):
        values = heat_map.values
        if wanted.resolution == "photo":
            values = at_pixels(values, cell.geometry, wanted.smooth)
        yield Image.fromarray(np.ascontiguousarray(values))
