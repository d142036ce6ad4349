"""Photos in a column of a Parquet file, read one after another.

The column holds the bytes of the photos' files, or objects with them under "bytes", as data sets
of Hugging Face have. A file may come from anybody: one value is in memory at a time, and what says
of itself that it is more than a photo is refused before it is read.
"""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vitviz.batch.listing import BatchItem
from vitviz.errors import PhotoError

LARGEST_VALUE = 64 << 20
"""Bytes of a photo; several wait for the threads."""

LARGEST_GROUP = 16 << 30
"""Bytes of the column in one group of rows."""

LONGEST_KEY = 4096

KEYS_AT_ONCE = 1024

BUFFER = 1 << 20
"""Bytes read from the disk at a time, instead of a whole group."""

ANEW = "Write the file anew, or with a column of photos' bytes."


def rows(path: Path, image: str = "", key: str = "") -> Iterator[BatchItem]:
    """The photos of a file, in its order; none is read.

    Args:
        path: Of the file.
        image: The column with the bytes; "": "image", or the only one that can be it.
        key: The column with their names; "": the number of the row, from 0.

    Raises:
        PhotoError: It is no Parquet file, or has no such columns; pyarrow is not installed.
    """
    with _reading(path), _opened(path) as file:
        column = _column(path, file.schema_arrow, image)
        if key:
            _check_key(path, file.schema_arrow, key)
        names = _keys(path, key) if key else map(str, itertools.count())
        for group in range(file.metadata.num_row_groups):
            problem = _too_large(path, file.metadata.row_group(group), column)
            for row in range(file.metadata.row_group(group).num_rows):
                name = next(names)
                yield BatchItem(path, name, problem=problem, at=(group, row), column=column)


class Rows:
    """Reads values of one file after another, fastest in their order."""

    def __init__(self) -> None:
        self._at: tuple[Path, str, int] | None = None
        self._next = 0
        self._values: Iterator[Any] = iter(())

    def read(self, path: Path, column: str, key: str, group: int, row: int) -> bytes:
        """The bytes in a row.

        Args:
            path: Of the file.
            column: As it is called in the file; "image.bytes" is inside an object.
            key: What the photo is called, for messages.
            group: Of rows.
            row: In the group.

        Raises:
            PhotoError: There are none, or too many.
        """
        with _reading(path):
            if self._at != (path, column, group) or row < self._next:
                self._at = None
                self._values = _values(path, column, group)
                self._at, self._next = (path, column, group), 0
            value: Any = None
            while self._next <= row:
                value = next(self._values, None)
                self._next += 1
            if value is not None and value.nbytes > LARGEST_VALUE:
                raise PhotoError(f"{key} has {value.nbytes:,} bytes, which no photo has.", ANEW)
            data = None if value is None else value.to_pylist()[0]
        while isinstance(data, dict):  # of the column of objects that was asked for a part
            data = next(iter(data.values()), None)
        if not data:
            raise PhotoError(f"{key} is empty.", "Copy or download it again.")
        return bytes(data)


def _values(path: Path, column: str, group: int) -> Iterator[Any]:
    """Arrays of one value each."""
    with _opened(path) as file:
        for batch in file.iter_batches(1, row_groups=[group], columns=[column], use_threads=False):
            value = batch.column(0)
            is_dictionary = hasattr(value, "dictionary")
            yield value.dictionary.take(value.indices) if is_dictionary else value


@contextmanager
def _opened(path: Path, dictionaries: list[str] | None = None) -> Iterator[Any]:
    if importlib.util.find_spec("pyarrow") is None:
        raise PhotoError(
            f"Parquet files such as {path.name} are read by pyarrow, which is not installed.",
            'Install it: pip install "vitviz[parquet]".',
        )
    from pyarrow.parquet import ParquetFile

    with ParquetFile(path, read_dictionary=dictionaries, pre_buffer=False,
                     buffer_size=BUFFER) as file:  # fmt: skip
        yield file


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Says in words what pyarrow says of a file."""
    try:
        yield
    except (OSError, ValueError, MemoryError, NotImplementedError) as error:
        # pyarrow's own errors are all among these.
        why = (getattr(error, "strerror", None) or str(error)).splitlines()[:1]
        raise PhotoError(
            f"{path.name} is not a Parquet file that can be read: {''.join(why)[:200]}.", ANEW
        ) from error


def _column(path: Path, schema: Any, wanted: str) -> str:
    """The column with the bytes, as its file calls it."""
    found = {field.name: part for field in schema if (part := _bytes_in(field)) is not None}
    name = wanted or ("image" if "image" in found or len(found) != 1 else next(iter(found)))
    if name not in found:
        there = ", ".join(f"“{one[:60]}”" for one in list(found)[:8]) or "none"
        raise PhotoError(
            f"{path.name} has no column “{name[:60]}” with the bytes of photos.",
            f"Those that could be it: {there}. Name one with --image-column.",
        )
    return found[name]


def _bytes_in(field: Any) -> str | None:
    from pyarrow import types

    def is_bytes(kind: Any) -> bool:
        if types.is_dictionary(kind):
            kind = kind.value_type
        return bool(types.is_binary(kind) or types.is_large_binary(kind))

    if is_bytes(field.type):
        return str(field.name)
    if types.is_struct(field.type):
        index = field.type.get_field_index("bytes")
        if index >= 0 and is_bytes(field.type.field(index).type):
            return f"{field.name}.bytes"
    return None


def _check_key(path: Path, schema: Any, key: str) -> None:
    from pyarrow import types

    index = schema.get_field_index(key)
    kind: Any = schema.field(index).type if index >= 0 else None
    if kind is not None and types.is_dictionary(kind):
        kind = kind.value_type
    if kind is None or not (types.is_string(kind) or types.is_large_string(kind)):
        raise PhotoError(
            f"{path.name} has no column “{key[:60]}” of texts.",
            "Name another with --key-column, or none: then photos are called by their rows.",
        )


def _keys(path: Path, key: str) -> Iterator[str]:
    """The names of all rows; those that are none are the row's number."""
    from pyarrow import compute

    number = itertools.count()
    # As dictionaries, so that a text that is there a million times is in memory once.
    with _opened(path, [key]) as file:
        for batch in file.iter_batches(KEYS_AT_ONCE, columns=[key], use_threads=False):
            column = batch.column(0)
            lengths = compute.binary_length(column.dictionary).to_pylist()
            known = [
                column.dictionary[at].as_py() if length and length <= LONGEST_KEY else None
                for at, length in enumerate(lengths)
            ]
            for index in column.indices.to_pylist():
                name, row = None if index is None else known[index], next(number)
                yield name.replace("\0", " ") if name else f"row {row}"


def _too_large(path: Path, group: Any, column: str) -> PhotoError | None:
    """Why a group of rows is not read, by what it says of itself."""
    for index in range(group.num_columns):
        chunk = group.column(index)
        if chunk.path_in_schema == column and chunk.total_uncompressed_size > LARGEST_GROUP:
            return PhotoError(
                f"A group of rows of {path.name} is said to hold "
                f"{chunk.total_uncompressed_size:,} bytes.",
                "Write the file anew, in smaller groups.",
            )
    return None
