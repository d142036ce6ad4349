"""Reads a safetensors file, after its header was compared with its length.

Source: the format's description in github.com/huggingface/safetensors, README.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Annotated, Literal

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.filetype import (
    LARGEST_HEADER,
    MOST_TENSORS,
    READABLE,
    SAVE_STATE_DICT,
)
from vitviz.reading import Within, parse, typed

WIDTHS = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8,
    "U32": 4, "U16": 2, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1, "C64": 8,
}  # fmt: skip
"""Bytes of a number of each type."""

AGAIN = "Download or copy it again."

_Count = Annotated[int, Within(0, 1 << 62)]


@dataclass(frozen=True)
class _Entry:
    """What the header says of a tensor.

    Args:
        dtype: Of its numbers.
        shape: How many in each dimension.
        data_offsets: Where its bytes begin and end, counted from the end of the header.
    """

    dtype: Literal[
        "F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL",
        "F8_E4M3", "F8_E5M2", "C64",
    ]  # fmt: skip
    shape: Annotated[tuple[_Count, ...], Within(0, 16)]
    data_offsets: tuple[_Count, _Count]


def read_safetensors(path: Path, size: int) -> dict[str, Tensor]:
    """The tensors of a safetensors file by name, views of the file.

    Args:
        path: Of the file.
        size: Its bytes.

    Raises:
        CheckpointError: It is cut short or damaged, or claims more than it holds.
    """
    header, start = _header(path, size)
    try:
        values = parse(header.decode("utf-8"), LARGEST_HEADER)
        if not isinstance(values, dict):
            raise ValueError("it is no object")
        values.pop("__metadata__", None)
        entries = typed(dict[str, _Entry], values)
    except ValueError as error:
        raise CheckpointError(
            f"{path.name} starts like a safetensors file, but its header cannot be read: {error}.",
            AGAIN,
        ) from error
    _check(entries, size - start, path)
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, RuntimeError, KeyError) as error:
        raise CheckpointError(
            f"{path.name} is a damaged safetensors file ({error}).", AGAIN
        ) from error


def _header(path: Path, size: int) -> tuple[bytes, int]:
    """The header, and where the numbers behind it begin."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(LARGEST_HEADER, size - 8):
            what = (
                "is cut short" if length <= LARGEST_HEADER else "has a header that is far too big"
            )
            raise CheckpointError(f"{path.name} {what}.", AGAIN)
        return file.read(length), 8 + length


def _check(entries: dict[str, _Entry], there: int, path: Path) -> None:
    """Compares what the header claims with itself and with the bytes that are there."""
    if not entries or len(entries) > MOST_TENSORS:
        what = "far too many" if entries else "no"
        raise CheckpointError(f"{path.name} holds {what} tensors.", READABLE)
    for name, entry in entries.items():
        begin, end = entry.data_offsets
        if begin > end or end - begin != prod(entry.shape) * WIDTHS[entry.dtype]:
            raise CheckpointError(
                f'{path.name} is a damaged safetensors file: "{name[:100]}" has not as many bytes '
                "as its shape says.",
                AGAIN,
            )
        if entry.dtype == "C64":
            raise CheckpointError(
                f'{path.name}: "{name[:100]}" is not a plain tensor of numbers, but a tensor of '
                "complex64.",
                SAVE_STATE_DICT,
            )
    places = sorted(entry.data_offsets for entry in entries.values())
    missing = max(end for _, end in places) - there
    if missing > 0:
        size = path.stat().st_size
        raise CheckpointError(
            f"{path.name} is cut short: {missing:,} of its {size + missing:,} bytes are missing.",
            AGAIN,
        )
    if any(end > begin for (_, end), (begin, _) in pairwise(places)):
        raise CheckpointError(
            f"{path.name} is a damaged safetensors file: its tensors lie over each other.", AGAIN
        )
