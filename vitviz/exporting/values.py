"""A map's numbers as a file, with the geometry that places them on the photo."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from PIL import Image

from vitviz.engine.answers import Cell
from vitviz.errors import VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.maps.heat_map import Head, HeatMap
from vitviz.maps.overlay import at_pixels
from vitviz.session.state import View
from vitviz.shapes import Float32, Float64

Resolution = Literal["patches", "photo"]


@dataclass(frozen=True)
class ValuesOptions:
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


def encode(cell: Cell, view: View, suffix: str, options: ValuesOptions) -> bytes:
    """The file.

    Args:
        cell: Where the numbers are in.
        view: Which layer and head.
        suffix: Of a format of values.
        options: Which numbers.
    """
    if suffix == ".npz":
        return _npz(cell, view, options.every)
    if suffix == ".npy":
        return _npy(cell, view, options.every)
    if suffix == ".csv":
        return _csv(cell, view, options.every)
    return _tiff(cell, view, options)


def maps(cell: Cell, view: View, every: bool) -> list[HeatMap]:
    """The map that is looked at, or each layer's and in it each head's."""
    if not every:
        return [cell.heat_map(view)]
    explanation = cell.explanation
    found = []
    for layer, of_layer in explanation.by_layer.items():
        heads: Iterable[Head] = range(len(of_layer.values))
        if explanation.head is not None:
            heads = (explanation.head,)
        found += [explanation.map(layer, head) for head in heads]
    return found


def patch_boxes(geometry: Geometry) -> Float64[np.ndarray, "rows cols 4"]:
    """Left, top, right and bottom of every patch in photo pixels."""
    rows, cols = geometry.grid
    boxes = [[geometry.patch_box(row, col) for col in range(cols)] for row in range(rows)]
    return np.array(boxes, np.float64)


def _stack(cell: Cell, view: View, every: bool) -> Float32[np.ndarray, "..."]:
    """Rows x columns, or layers x heads x rows x columns.

    Raises:
        VitvizError: Layers differ in their grids or heads, and are no array.
    """
    found = [heat_map.values for heat_map in maps(cell, view, every)]
    if not every:
        return found[0]
    if cell.explanation.is_ragged:
        raise VitvizError(
            "The model's layers have grids of different sizes, which one array cannot hold.",
            "Use .npz, which has an array for each layer, or export one layer.",
        )
    layers = len(cell.explanation.layers)
    return np.stack(found).reshape(layers, -1, *found[0].shape)


def _npy(cell: Cell, view: View, every: bool) -> bytes:
    encoded = io.BytesIO()
    np.save(encoded, np.ascontiguousarray(_stack(cell, view, every)), allow_pickle=False)
    return encoded.getvalue()


def _npz(cell: Cell, view: View, every: bool) -> bytes:
    """The arrays that the user guide names; where layers differ in their grids or heads, those of
    a layer have its number behind their names: ``values_1``, ``grid_1``, ...
    """
    encoded = io.BytesIO()
    if every and cell.explanation.is_ragged:
        arrays = _ragged_arrays(cell, view)
    else:
        arrays = _arrays(cell, view, every)
    np.savez_compressed(encoded, **arrays)
    return encoded.getvalue()


def _arrays(cell: Cell, view: View, every: bool) -> dict[str, Any]:
    found = maps(cell, view, every)
    layers = cell.explanation.layers if every else (found[0].layer,)
    heads = dict.fromkeys(heat_map.head for heat_map in found)
    prefix = np.stack([_prefix_values(cell, m) for m in found])
    geometry = found[0].geometry
    return {
        "values": _stack(cell, view, every),
        "prefix_values": prefix.reshape(len(layers), -1, *prefix.shape[1:]) if every else prefix[0],
        "prefix_tokens": np.array(cell.layout.prefix, np.str_),
        "layers": np.array([layer + 1 for layer in layers]),
        "heads": np.array([_number(head) for head in heads]),
        "unit": np.array(cell.explanation.unit),
        "photo_size": np.array(geometry.photo_size),
        "input_size": np.array(geometry.input_size),
        "grid": np.array(geometry.grid),
        "seen": np.array(geometry.seen),
        "patch_boxes": patch_boxes(geometry),
    }


def _ragged_arrays(cell: Cell, view: View) -> dict[str, Any]:
    by_layer: dict[int, list[HeatMap]] = {}
    for heat_map in maps(cell, view, every=True):
        by_layer.setdefault(heat_map.layer, []).append(heat_map)
    arrays: dict[str, Any] = {
        "prefix_tokens": np.array(cell.layout.prefix, np.str_),
        "layers": np.array([layer + 1 for layer in by_layer]),
        "unit": np.array(cell.explanation.unit),
        "photo_size": np.array(cell.geometry.photo_size),
        "input_size": np.array(cell.geometry.input_size),
        "seen": np.array(cell.geometry.seen),
    }
    for layer, of_heads in by_layer.items():
        geometry = of_heads[0].geometry
        arrays |= {
            f"values_{layer + 1}": np.stack([heat_map.values for heat_map in of_heads]),
            f"prefix_values_{layer + 1}": np.stack([_prefix_values(cell, m) for m in of_heads]),
            f"heads_{layer + 1}": np.array([_number(heat_map.head) for heat_map in of_heads]),
            f"grid_{layer + 1}": np.array(geometry.grid),
            f"patch_boxes_{layer + 1}": patch_boxes(geometry),
        }
    return arrays


def _prefix_values(cell: Cell, heat_map: HeatMap) -> Float32[np.ndarray, "prefix ..."]:
    return cell.explanation.tokens(heat_map.layer, heat_map.head)[: len(cell.layout.prefix)]


def _number(head: Head) -> int | str:
    """A head from 1, as people count, or a fusion."""
    return head + 1 if isinstance(head, int) else head


def _csv(cell: Cell, view: View, every: bool) -> bytes:
    names = ("layer", "head") if every else ()
    found = maps(cell, view, every)
    of_patch = ("red", "green", "blue") if found[0].is_coloured else ("value",)
    heading = (*names, "row", "column", "left", "top", "right", "bottom", *of_patch)
    lines = [",".join(heading)]
    for heat_map in found:
        start = f"{heat_map.layer + 1},{_number(heat_map.head)}," if every else ""
        # A float32 prints the fewest digits that give it back.
        values = heat_map.values.reshape(-1, len(of_patch))
        numbers = zip(_places(heat_map.geometry), values, strict=True)
        lines += [f"{start}{place},{','.join(map(str, number))}" for place, number in numbers]
    return ("\n".join(lines) + "\n").encode("ascii")


@lru_cache(maxsize=8)
def _places(geometry: Geometry) -> tuple[str, ...]:
    """Row, column and box of each patch, as a line of a CSV has them."""
    boxes = patch_boxes(geometry)
    return tuple(
        f"{row + 1},{col + 1}," + ",".join(f"{edge:.10g}" for edge in boxes[row, col])
        for row, col in np.ndindex(geometry.grid)
    )


def _tiff(cell: Cell, view: View, options: ValuesOptions) -> bytes:
    """One page a map, 32-bit floats."""
    pages = _pages(cell, view, options)
    first, encoded = next(pages), io.BytesIO()
    first.save(
        encoded, "TIFF", compression="tiff_adobe_deflate", save_all=True, append_images=pages
    )
    return encoded.getvalue()


def _pages(cell: Cell, view: View, options: ValuesOptions) -> Iterator[Image.Image]:
    for heat_map in maps(cell, view, options.every):
        channels = [heat_map.values]
        if heat_map.is_coloured:  # a page each: a TIFF by Pillow has no three floats a pixel
            channels = [np.ascontiguousarray(heat_map.values[..., i]) for i in range(3)]
        for values in channels:
            shown = values
            if options.resolution == "photo":
                shown = at_pixels(values, heat_map.geometry, options.smooth)
            yield Image.fromarray(np.ascontiguousarray(shown))
