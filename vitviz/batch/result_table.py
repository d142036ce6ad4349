"""The table of a batch, opened: read, sorted and filtered in pieces, so that others can go on."""

from __future__ import annotations

import csv
import heapq
import io
import itertools
import json
import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vitviz.batch import spec
from vitviz.batch.journal import Journal, header_of
from vitviz.batch.listing import JOURNAL
from vitviz.batch.shards import shards_in
from vitviz.batch.spec import WorkSpec
from vitviz.batch.table import CSV, is_text
from vitviz.errors import VitvizError
from vitviz.paths import is_folder
from vitviz.plain_text import cell_text
from vitviz.progress import Progress, Stage, silent
from vitviz.shapes import Float64, Int

MOST_ROWS = 5_000_000
MOST_COLUMNS = 500

AT_ONCE = 2000
"""Lines between two looks at whether to go on."""

RUN = 1000
"""Texts that are sorted without letting others go on: a millisecond."""

SEARCHED = ("photo", "top1", "target", "trust_verdict", "notes", "error")
"""Columns that a filter looks into."""

Index = Int[np.ndarray, " rows"]


@dataclass(frozen=True, eq=False)
class ResultTable:
    """The lines of a table, by columns.

    Args:
        path: Of the file.
        texts: Columns of texts, as they stand there.
        numbers: Columns of numbers; NaN where there is none.
        names: Of all columns, in order.
        source: Where the photos were; None where nothing says it.
        work: What was done with them; None where nothing says it.
        orders: Found before, by column and direction; only whoever arranges the table looks there.
    """

    path: Path
    texts: Mapping[str, Sequence[str]]
    numbers: Mapping[str, Float64[np.ndarray, " rows"]]
    names: tuple[str, ...]
    source: Path | None = None
    work: WorkSpec | None = None
    orders: dict[tuple[str, bool], Index] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.texts["photo"])

    def cell(self, row: int, name: str) -> str | float:
        """What stands in a cell."""
        if name in self.texts:
            return self.texts[name][row]
        return float(self.numbers[name][row])


def read_table(path: Path, progress: Progress = silent) -> ResultTable:
    """A table, and what the journal beside it says of it.

    Args:
        path: Of ``table.csv``, or the folder it is in.
        progress: Told how far it is; may raise ``Cancelled``.

    Raises:
        VitvizError: It cannot be read, or is no table of a batch.
    """
    path = path / CSV if is_folder(path) else path
    try:
        size = max(path.stat().st_size, 1)
        # Names of files may be no text; the table has escapes instead of them.
        with path.open("rb") as raw, io.TextIOWrapper(raw, "utf-8", newline="") as file:
            lines = csv.reader(file)
            names = tuple(next(lines, ()))
            if "photo" not in names or len(set(names)) < len(names) or len(names) > MOST_COLUMNS:
                raise ValueError("it has no column “photo”, or one of them twice")
            columns: list[list[str] | array[float]] = [
                [] if is_text(name) else array("d") for name in names
            ]
            for number, line in enumerate(lines):
                _add(columns, line, number)
                if number % AT_ONCE == 0:
                    progress(Stage("opening_table"), min(raw.tell() / size, 1.0))
    except (OSError, ValueError, csv.Error) as error:
        raise VitvizError(
            f"{path.name} is not a table of a batch: "
            f"{getattr(error, 'strerror', None) or str(error)[:200]}.",
            f"Choose the {CSV} that a batch wrote.",
        ) from error
    texts = {n: c for n, c in zip(names, columns, strict=True) if isinstance(c, list)}
    numbers = {n: np.array(c) for n, c in zip(names, columns, strict=True) if n not in texts}
    for column in numbers.values():
        column.flags.writeable = False
    return ResultTable(path, texts, numbers, names, *_origin(path.parent))


def _add(columns: list[list[str] | array[float]], line: list[str], number: int) -> None:
    if len(line) != len(columns):
        raise ValueError(f"line {number + 2} has {len(line)} cells, not {len(columns)}")
    if number >= MOST_ROWS:
        raise ValueError(f"it has more than {MOST_ROWS:,} lines")
    for column, cell in zip(columns, line, strict=True):
        if isinstance(column, list):
            column.append(cell)
        else:
            column.append(float(cell) if cell else math.nan)


def _origin(folder: Path) -> tuple[Path | None, WorkSpec | None]:
    """Where the photos were and what was done with them, as the journal says; it is a file from
    anywhere.
    """
    try:
        header = header_of(folder / JOURNAL)
        if header is None:
            return None, None
        source = Path(header.source) if header.source else None
        return source, spec.from_json(json.dumps({spec.FORMAT: spec.VERSION, **header.work}))
    except (OSError, TypeError, VitvizError):
        return None, None


def key_of(table: ResultTable, row: int) -> str:
    """What the photo of a line is really called; the table has escapes for what steers terminals
    and apostrophes before what spreadsheets run.

    Raises:
        VitvizError: The journal that knows it is not there.
    """
    cell = table.texts["photo"][row]
    if "'" not in cell and "\\" not in cell:
        return cell
    try:
        for path in (table.path.parent / JOURNAL, *shards_in(table.path.parent).values()):
            with Journal(path, read_only=True) as journal:
                for photo in journal.photos:
                    if cell_text(photo) == cell:
                        return photo
    except OSError as error:
        why = error.strerror or error
        raise VitvizError(f"The journal beside the table cannot be read: {why}.") from error
    raise VitvizError(
        "The name of this photo is written with escapes, and no journal lies beside the table.",
        f"Put {JOURNAL} beside it.",
    )


def arranged(
    table: ResultTable,
    words: str = "",
    column: str = "",
    *,
    descending: bool = False,
    failed: bool = False,
    progress: Progress = silent,
) -> Index:
    """The lines that a filter leaves, in an order.

    Args:
        table: The table.
        words: Each of them stands somewhere in the texts of a line, in whatever case.
        column: To sort by; "": the order of the table. Empty cells are last either way, and lines
            with equal cells stay in the table's order.
        descending: The greatest first.
        failed: Only photos without a result.
        progress: May raise ``Cancelled``.
    """
    asked = column, descending
    if asked not in table.orders:
        table.orders[asked] = _order(table, column, descending, progress)
    order = table.orders[asked]
    if words.strip() or failed:
        kept = _kept(table, words.casefold().split(), failed, progress)
        order = order[kept[order]]
    order.flags.writeable = False
    return order


def _kept(
    table: ResultTable, words: list[str], failed: bool, progress: Progress
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    searched = [table.texts[name] for name in SEARCHED if name in table.texts]
    errors = table.texts.get("error") or [""] * len(table)
    kept = np.zeros(len(table), bool)
    for row, cells in enumerate(zip(*searched, strict=True)):
        if row % AT_ONCE == 0:
            progress(Stage("arranging_table"), row / len(table))
        if failed and not errors[row]:
            continue
        line = "\n".join(cells).casefold()
        kept[row] = all(word in line for word in words)
    return kept


def _order(table: ResultTable, column: str, descending: bool, progress: Progress) -> Index:
    rows = np.arange(len(table))
    if not column:
        return rows
    if column in table.numbers:
        values = table.numbers[column]
        empty = np.isnan(values)
        by = -values if descending else values
        return np.concatenate([
            rows[~empty][np.argsort(by[~empty], kind="stable")], rows[empty],
        ])  # fmt: skip
    cells = table.texts[column]
    full = [row for row in range(len(table)) if cells[row]]
    sorted_ = _sorted(cells, full, descending, progress)
    empty_rows = np.array([row for row in range(len(table)) if not cells[row]], np.intp)
    return np.concatenate([np.array(sorted_, np.intp), empty_rows])


def _sorted(
    cells: Sequence[str], rows: list[int], descending: bool, progress: Progress
) -> list[int]:
    """Rows by their texts. Runs are sorted one by one and merged: sorting all at once would hold
    the interpreter, and with it the window, for a tenth of a second.
    """

    def key(row: int) -> tuple[str, str]:
        return cells[row].casefold(), cells[row]

    runs = []
    for at in range(0, len(rows), RUN):
        progress(Stage("arranging_table"), at / max(len(rows), 1))
        runs.append(sorted(rows[at : at + RUN], key=key, reverse=descending))
    merged: Iterator[int] = heapq.merge(*runs, key=key, reverse=descending)
    result: list[int] = []
    while some := list(itertools.islice(merged, AT_ONCE)):
        progress(Stage("arranging_table"), len(result) / max(len(rows), 1))
        result += some
    return result
