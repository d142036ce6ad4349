r"""The table of a batch: one line a photo, as CSV and, where pyarrow is installed, as Parquet.

Columns, in this order (empty where they mean nothing, and for photos that failed):

    photo                   path relative to the folder, with "/"
    sha256                  of the photo's file
    width, height           of the photo, in pixels, upright
    top1, top1_index, top1_probability, top2, ...
                            the most probable classes: name, index from 0, probability 0..1
    value                   the output itself, of a model whose outputs are values: one number is
                            no probability
    target                  the class that the map is about, for class-specific methods
    prefix_share            share of the row's mass that is on prefix tokens, and not on the map
    minimum, maximum, mean  of the map, in the method's unit
    entropy                 of the map, 0..1
    maximum_x, maximum_y    centre of the patch with the greatest value, in photo pixels
    centre_x, centre_y      centre of mass of the map, in photo pixels
    top_tenth               share of the map in the tenth of the patches with the greatest values
    trust_gain, trust_of_leave_one_out, trust_beaten, trust_orders, trust_saco, trust_verdict
                            whether the map is better than chance, where the batch asks for it:
                            ``vitviz.trust`` has the definitions
    map_rows, map_columns, map_scale, map_left, map_top, map_right, map_bottom
                            where the batch asks for maps: shape of ``map``; the number that its
                            values have to be multiplied by; where it lies, in photo pixels
    notes                   what opening the photo changed
    error                   why there is no result
    map                     where the batch asks for maps, in Parquet only: the map's values as a
                            list of float16, row by row, divided by the greatest of their amounts
                            (``map_scale``), so that small units lose no digits

``vitviz.maps.statistics`` has the definitions.

Texts are what files are called and what models say. Letters in them that could steer a terminal,
hide, or are no text are written as escapes ("\x1b", "\u202e", "\udce4"); in the CSV an apostrophe
stands before whatever a spreadsheet would run as a formula. Numbers are numbers.
"""

from __future__ import annotations

import base64
import csv
import importlib.util
import itertools
import math
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from vitviz.batch.journal import Entry, Row
from vitviz.engine.answers import Cell, Trust, top_indices
from vitviz.imaging.photo import Photo
from vitviz.maps.heat_map import HeatMap
from vitviz.maps.statistics import map_statistics
from vitviz.plain_text import cell_text, escaped_text
from vitviz.session.state import View
from vitviz.shapes import Shaped
from vitviz.writing import whole

CSV, PARQUET = "table.csv", "table.parquet"

AT_ONCE = 10_000
"""Lines of a Parquet file held in memory at a time."""

TEXTS = ("photo", "sha256", "target", "trust_verdict", "notes", "error")
WHOLE = ("width", "height", "trust_beaten", "trust_orders", "map_rows", "map_columns")

TRUST = ("trust_gain", "trust_of_leave_one_out", "trust_beaten", "trust_orders", "trust_saco",
         "trust_verdict")  # fmt: skip

MAP = ("map_rows", "map_columns", "map_scale", "map_left", "map_top", "map_right", "map_bottom")


def columns(classes: int, *, trust: bool = False, maps: bool = False) -> tuple[str, ...]:
    """The names of the columns.

    Args:
        classes: How many of the most probable classes there are columns for.
        trust: There are those that say whether a map is better than chance.
        maps: There are those that say where the map in the table lies.
    """
    top = [
        f"top{i}{what}" for i in range(1, classes + 1) for what in ("", "_index", "_probability")
    ]
    return (
        "photo", "sha256", "width", "height", *top, "value", "target", "prefix_share",
        "minimum", "maximum", "mean", "entropy", "maximum_x", "maximum_y", "centre_x", "centre_y",
        "top_tenth", *(TRUST if trust else ()), *(MAP if maps else ()), "notes", "error",
    )  # fmt: skip


def trust_row(trust: Trust) -> Row:
    """What the table says of the trust in a map."""
    found = trust.judgement
    values = (found.gain, found.normalised_gain, found.beaten, found.orders, found.saco,
              found.verdict)  # fmt: skip
    return {name: v for name, v in zip(TRUST, values, strict=True) if v is not None}


def row(photo: Photo, cell: Cell, view: View, classes: int) -> Row:
    """What the table says of a photo, besides its name.

    Args:
        photo: The photo.
        cell: What was computed of it.
        view: Layer and head of the map.
        classes: How many of the most probable classes to name.
    """
    height, width = photo.size
    result: Row = {"width": width, "height": height}
    for rank, index in enumerate(top_indices(cell, classes), 1):
        assert cell.probabilities is not None
        result[f"top{rank}"] = cell.class_name(index)
        result[f"top{rank}_index"] = index
        if cell.outputs == "values":
            result.setdefault("value", float(cell.probabilities[index]))
        else:
            result[f"top{rank}_probability"] = float(cell.probabilities[index])
    if cell.target is not None:
        result["target"] = cell.class_name(cell.target)
    heat_map = cell.heat_map(view)
    if heat_map.prefix_share:
        result["prefix_share"] = sum(share for _, share in heat_map.prefix_share)
    if heat_map.is_coloured:  # which are no amounts
        return {name: value for name, value in result.items() if value == value}
    known = map_statistics(heat_map.values, heat_map.geometry)
    result |= {
        "minimum": known.least, "maximum": known.greatest, "mean": known.mean,
        "entropy": known.entropy,
        "maximum_x": known.greatest_at[0], "maximum_y": known.greatest_at[1],
        "centre_x": known.centre[0], "centre_y": known.centre[1], "top_tenth": known.top_tenth,
    }  # fmt: skip
    if photo.notes:
        result["notes"] = "; ".join(photo.notes)
    return {name: value for name, value in result.items() if value == value}  # not NaN


def map_columns(heat_map: HeatMap) -> tuple[Shaped[np.ndarray, " values"], Row]:
    """A map as the table holds it: its values as float16, row by row, and what they mean.

    Of values that are not finite, an infinity or NaN is left; the scale follows from the others.
    """
    values = heat_map.values.astype(np.float64).ravel()
    finite = np.abs(values[np.isfinite(values)])
    scale = float(finite.max(initial=0.0)) or 1.0
    rows, cols = heat_map.values.shape[:2]
    window = heat_map.geometry.window
    named = dict(zip(MAP, (rows, cols, scale, *map(float, window)), strict=True))
    return (values / scale).astype("<f2"), named


def write_tables(
    folder: Path,
    entries: Callable[[], Iterable[Entry]],
    names: tuple[str, ...],
    *,
    maps: bool = False,
) -> list[Path]:
    """Writes the table in every form that can be written here.

    Args:
        folder: Where to.
        entries: Called once for each form; gives them in the order of the lines.
        names: Of the columns.
        maps: Parquet has a column with the map, too.

    Returns:
        The files written.

    Raises:
        VitvizError: They cannot be written there.
    """
    for name in forms():
        with whole(folder / name) as part:
            if name == CSV:
                _write_csv(part, map(_record, entries()), names)
            else:
                _write_parquet(part, entries(), names, maps)
    return [folder / name for name in forms()]


def forms() -> tuple[str, ...]:
    """The names of the files that the table can be written as here."""
    return (CSV, PARQUET) if importlib.util.find_spec("pyarrow") is not None else (CSV,)


def _write_csv(path: Path, records: Iterable[Row], names: tuple[str, ...]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for record in records:
            writer.writerow([_shown(record.get(name)) for name in names])


def _write_parquet(
    path: Path, entries: Iterable[Entry], names: tuple[str, ...], maps: bool
) -> None:
    """In groups of ``AT_ONCE`` rows, so that neither writing nor reading has to hold all."""
    import pyarrow
    from pyarrow import parquet

    fields = [(name, _arrow_type(name)) for name in names]
    floats = pyarrow.list_(pyarrow.float16())
    schema = pyarrow.schema([*fields, ("map", floats)] if maps else fields)
    left = iter(entries)
    with parquet.ParquetWriter(path, schema) as writer:
        while some := list(itertools.islice(left, AT_ONCE)):
            records = [_escaped(_record(entry)) for entry in some]
            arrays = [
                pyarrow.array([record.get(name) for record in records], schema.field(name).type)
                for name in names
            ]
            if maps:
                arrays.append(pyarrow.array([map_values(e.map) for e in some], floats))
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))


def map_values(text: str) -> Shaped[np.ndarray, " values"] | None:
    """The values of a map in Base64; None where there is none.

    Raises:
        ValueError: It is no Base64 of such values.
    """
    return np.frombuffer(base64.b64decode(text, validate=True), "<f2") if text else None


def is_text(name: str) -> bool:
    """Whether a column holds texts; the others hold numbers."""
    is_class = name.startswith("top") and name.removeprefix("top").isdecimal()
    return name in TEXTS or is_class


def _arrow_type(name: str) -> str:
    """As pyarrow calls it."""
    if name in WHOLE or name.endswith("_index"):
        return "int64"
    return "string" if is_text(name) else "float64"


def _record(entry: Entry) -> Row:
    return {"photo": entry.photo, "sha256": entry.sha256, **entry.row, "error": entry.error}


def _escaped(record: Row) -> Row:
    return {k: escaped_text(v) if isinstance(v, str) else v for k, v in record.items()}


def _shown(value: str | int | float | None) -> str:
    if isinstance(value, float):
        return f"{value:.9g}" if math.isfinite(value) else str(value)
    return cell_text(value) if isinstance(value, str) else "" if value is None else str(value)
