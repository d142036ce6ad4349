"""Reads named arrays of NumPy (``.npz``), as Google publishes its networks, and runs nothing.

``numpy.load`` is not used: it believes what headers claim. Names are given with dots where flax has
slashes: "Transformer.encoderblock_0.LayerNorm_0.scale".

Source: numpy/lib/format.py, versions 1 to 3 of the format.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.filetype import LARGEST_DIRECTORY, MOST_TENSORS, READABLE

LONGEST_HEADER = 4096
"""Bytes before an array's numbers; an array of weights takes 118."""

MOST_GROWTH = 8
"""How many times its size a compressed file may have in it: weights hardly get smaller."""

AGAIN = "Download or copy it again."

_HEADER = re.compile(
    rb"\{'descr': '([<>|=][a-zA-Z]\d{1,2})', 'fortran_order': (True|False), "
    rb"'shape': \(((?:\d{1,12},? ?){0,8})\),? ?\} *\n?$"
)

_DTYPES = {"f2": np.float16, "f4": np.float32, "f8": np.float64, "i4": np.int32, "i8": np.int64}


def is_npz(start: bytes) -> bool:
    """Whether it is a zip archive whose first member is an array."""
    if not start.startswith(b"PK\x03\x04") or len(start) < 30:
        return False
    length = int.from_bytes(start[26:28], "little")
    return start[30 : 30 + length].endswith(b".npy")


def read_npz(path: Path, size: int) -> dict[str, Tensor]:
    """The arrays of a file by name.

    Args:
        path: Of the file.
        size: Its bytes.

    Raises:
        CheckpointError: It is cut short or damaged, claims more than it holds, or has arrays that
            are no numbers.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check(members, path, size)
            return {_name(member): _array(archive, member) for member in members}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, EOFError, ValueError,
            RuntimeError, struct.error) as error:  # fmt: skip
        raise CheckpointError(f"{path.name} is cut short or damaged: {error}.", AGAIN) from error


def _check(members: list[zipfile.ZipInfo], path: Path, size: int) -> None:
    if len(members) > MOST_TENSORS or sum(len(m.filename) for m in members) > LARGEST_DIRECTORY:
        raise CheckpointError(f"{path.name} holds far too many arrays.", READABLE)
    if not all(member.filename.endswith(".npy") for member in members):
        raise CheckpointError(f"{path.name} holds other files than arrays.", READABLE)
    if all(re.fullmatch(r"arr_\d+\.npy", member.filename) for member in members):
        raise CheckpointError(
            f"{path.name} is a NumPy archive (.npz) whose arrays have no names: nothing tells what "
            "each of them is.",
            READABLE,
        )
    if len({member.filename for member in members}) < len(members):
        raise CheckpointError(f"{path.name} is damaged: an array is there twice.", AGAIN)
    if sum(member.file_size for member in members) > MOST_GROWTH * size:
        raise CheckpointError(
            f"{path.name} would grow more than {MOST_GROWTH} times when unpacked, which weights do "
            "not.",
            "Do not open it elsewhere unless you trust where it comes from.",
        )


def _name(member: zipfile.ZipInfo) -> str:
    return member.filename.removesuffix(".npy").replace("/", ".")


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Tensor:
    with archive.open(member) as file:
        start = file.read(10)
        if start[:6] != b"\x93NUMPY" or start[6] not in (1, 2, 3):
            raise ValueError(f"{member.filename[:100]} is no array")
        length = int.from_bytes(start[8:10], "little")
        if start[6] > 1:
            length += int.from_bytes(file.read(2), "little") << 16
        match = _HEADER.match(file.read(length)) if length <= LONGEST_HEADER else None
        if match is None:
            raise ValueError(f"{member.filename[:100]} is no array of plain numbers")
        descr, fortran = match[1].decode(), match[2] == b"True"
        shape = tuple(int(part) for part in match[3].decode().split(",") if part.strip())
        dtype = np.dtype(np.uint16 if descr == "|V2" else _DTYPES.get(descr[1:], np.void))
        if dtype.kind == "V":
            raise ValueError(f"{member.filename[:100]} holds no plain numbers ({descr})")
        there = member.file_size - file.tell()
        if prod(shape) * dtype.itemsize != there:
            raise ValueError(f"{member.filename[:100]} has not as many bytes as its shape says")
        data = bytearray(file.read(there))
    numbers = np.frombuffer(data, dtype.newbyteorder(">" if descr[0] == ">" else "<"))
    numbers = numbers.reshape(shape, order="F" if fortran else "C")
    native = np.ascontiguousarray(numbers, dtype)
    tensor = torch.from_numpy(native.view(np.int16) if descr == "|V2" else native)
    return tensor.view(torch.bfloat16) if descr == "|V2" else tensor  # as JAX writes bfloat16
