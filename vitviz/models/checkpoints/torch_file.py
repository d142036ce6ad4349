"""A file by torch.save: what it describes, and the numbers of single tensors, within its bounds.

``torch.load`` is not used. What the pickles say is read as descriptions (``pickle_reader``), so a
file of strangers can build nothing; then only the numbers of tensors that are wanted are taken from
the file, each at a place that was compared with the file's length before. This stays in our own
process: no file can crash or hang it, which a child process could only have reported, at the cost
of a start of torch for each file. What torch.load gives for good files, this gives bit for bit.

Two layouts: an archive (zip, since PyTorch 1.6) whose members are one pickle and one piece of plain
numbers for each storage; and before, five pickles one after another (a mark, a version, facts of
the computer, what was saved, the order of the storages), then the storages, each with its count in
8 bytes before it.

Source: ``_load`` and ``_legacy_load`` in torch/serialization.py (2.14); APPNOTE.TXT 6.3 of PKWARE
for zip.
"""

from __future__ import annotations

import mmap
import struct
import sys
import zipfile
from abc import ABC, abstractmethod
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vitviz.models.checkpoints.filetype import LARGEST_HEADER, is_torchscript, zip_members
from vitviz.models.checkpoints.pickle_reader import (
    BadPickle,
    Budget,
    Items,
    RunsCode,
    StandIn,
    TooMuch,
    read_pickle,
)
from vitviz.models.checkpoints.torch_names import (
    Storage,
    TensorView,
    known,
    known_in_torchscript,
    plain_storage,
)

PROTOCOL = 1001
"""Of the old layout, in its second pickle."""

_LOCAL = struct.Struct("<4s22xHH")
"""Before each member of an archive: its mark, and how long its name and what follows that are."""


class TorchFile(ABC):
    """What a file describes, and its numbers."""

    content: Any
    """The object that was saved, as ``read_pickle`` describes it."""

    torchscript: bool = False
    """Whether it is a program, whose modules are read as dictionaries of their parameters."""

    def __init__(self) -> None:
        self._numbers: dict[str, Tensor] = {}

    def whole(self, storage: Storage) -> Tensor:
        """The bytes of the whole that a storage is a part of: uint8, one dimension.

        Raises:
            BadPickle: The file has fewer.
        """
        if storage.key not in self._numbers:
            self._numbers[storage.key] = self._read(storage)
        return self._numbers[storage.key]

    @abstractmethod
    def _read(self, storage: Storage) -> Tensor: ...


def open_archive(path: Path, size: int) -> TorchFile:
    """The archive at a path.

    Args:
        path: Of the file.
        size: Its bytes.

    Raises:
        CheckpointError: It is another kind of archive, compressed, or claims more than it holds.
        BadPickle: What it describes is damaged, beyond the bounds or code.
    """
    return _Archive(path, zip_members(path, size))


def open_legacy(path: Path) -> TorchFile:
    """The file at a path, by torch.save before PyTorch 1.6.

    Raises:
        BadPickle: What it describes is damaged, beyond the bounds or code.
    """
    return _Legacy(path)


def read_tensor(view: TensorView, file: TorchFile) -> Tensor:
    """The numbers that a tensor shows; views of one storage share its memory where they can.

    Raises:
        BadPickle: The file has fewer.
    """
    if not view.count:
        return torch.empty(view.size, dtype=view.dtype)
    width, start = view.dtype.itemsize, view.storage.start * view.storage.dtype.itemsize
    whole = file.whole(view.storage)
    # torch compares with the storage's length once more, in both.
    if start % width == 0 and whole.data_ptr() % width == 0:
        numbers = whole[: whole.numel() // width * width].view(view.dtype)
        return numbers.as_strided(view.size, view.stride, start // width + view.offset)
    # Numbers at odd places: copied byte by byte, and only those that are shown.
    steps = (*(step * width for step in view.stride), 1)
    shown = whole.as_strided((*view.size, width), steps, start + view.offset * width)
    return shown.contiguous().view(view.dtype).squeeze(-1)


class _Storages:
    """The storages that a pickle describes, each in one way only."""

    def __init__(self) -> None:
        self.by_key: dict[str, Storage] = {}

    def note(self, identity: Any) -> Storage | StandIn:
        storage = plain_storage(identity)
        if isinstance(storage, Storage):
            first = self.by_key.setdefault(storage.key, storage)
            if (first.dtype, first.whole) != (storage.dtype, storage.whole):
                raise BadPickle("it describes one storage in two ways")
        return storage


class _Archive(TorchFile):
    """The newer layout. Numbers stay in the file, which is mapped, until they are looked at."""

    def __init__(self, path: Path, members: dict[str, zipfile.ZipInfo]) -> None:
        super().__init__()
        self._members = members
        with path.open("rb") as file:
            # Private pages: torch wants memory that may be written, and the file stays as it is.
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        pickle = self._bytes("data.pkl")
        order = self._bytes("byteorder") if "byteorder" in members else b"little"
        if order not in (b"little", b"big"):
            raise BadPickle("its order of bytes is neither little nor big")
        self._swap = order.decode() != sys.byteorder
        self.torchscript = is_torchscript(members)
        names = known_in_torchscript if self.torchscript else known
        self.content = read_pickle(BytesIO(pickle), Budget(), names, _Storages().note)

    def _place(self, name: str) -> tuple[int, int]:
        """Where a member's bytes begin, and how many there are."""
        member = self._members.get(name)
        if member is None:
            raise BadPickle(f"its archive has no {name[:100]}")
        at = member.header_offset
        if at + _LOCAL.size > len(self._map):
            raise BadPickle("its archive is shorter than it says")
        mark, name_length, extra_length = _LOCAL.unpack_from(self._map, at)
        start = at + _LOCAL.size + name_length + extra_length
        if mark != b"PK\x03\x04" or start + member.file_size > len(self._map):
            raise BadPickle("its archive is shorter than it says")
        return start, member.file_size

    def _bytes(self, name: str) -> bytes:
        start, length = self._place(name)
        return self._map[start : start + length]

    def _read(self, storage: Storage) -> Tensor:
        width = storage.dtype.itemsize
        start, there = self._place(f"data/{storage.key}")
        missing = storage.whole * width - there
        if missing > 0:
            raise BadPickle(f"{missing:,} bytes of a tensor are missing")
        numbers = torch.frombuffer(
            self._map, dtype=torch.uint8, offset=start, count=storage.whole * width
        )
        return numbers.view(-1, width).flip(1).reshape(-1) if self._swap else numbers


class _Legacy(TorchFile):
    """The older layout. Numbers are read when they are asked for: they lie at odd places."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._described = _Storages()
        with path.open("rb") as file:
            stream = BytesIO(file.read(LARGEST_HEADER))
            size = file.seek(0, 2)
        try:
            keys = self._read_pickles(stream)
        except BadPickle as error:
            if stream.tell() >= LARGEST_HEADER and not isinstance(error, RunsCode):
                raise TooMuch("it describes far too many objects") from error
            raise
        self._places = self._find(keys, stream.tell(), size)

    def _read_pickles(self, stream: BytesIO) -> list[Any]:
        budget = Budget()
        read_pickle(stream, budget, known, plain_storage)  # the mark, known already
        if read_pickle(stream, budget, known, plain_storage) != PROTOCOL:
            raise BadPickle("it is of an unknown version")
        read_pickle(stream, budget, known, plain_storage)  # of the computer that wrote it
        self.content = read_pickle(stream, budget, known, self._described.note)
        keys = read_pickle(stream, budget, known, plain_storage)
        if not isinstance(keys, Items):
            raise BadPickle("it does not say in which order its numbers are")
        return keys.values

    def _find(self, keys: list[Any], at: int, size: int) -> dict[str, int]:
        """Where the numbers of each storage begin: one after another, their count before them."""
        places: dict[str, int] = {}
        with self._path.open("rb") as file:
            for key in keys:
                storage = self._described.by_key.get(key) if isinstance(key, str) else None
                if storage is None or key in places:
                    raise BadPickle("it has numbers of a tensor that it does not describe")
                file.seek(at)
                count = int.from_bytes(file.read(8), "little")
                places[key] = at + 8
                at += 8 + count * storage.dtype.itemsize
                if count != storage.whole or at > size:
                    raise BadPickle("numbers of a tensor are missing")
        return places

    def _read(self, storage: Storage) -> Tensor:
        numbers = torch.empty(storage.whole * storage.dtype.itemsize, dtype=torch.uint8)
        there = 0
        if storage.key in self._places:
            with self._path.open("rb") as file:
                file.seek(self._places[storage.key])
                there = file.readinto(numbers.numpy().data)
        if there < numbers.numel():
            raise BadPickle(f"{numbers.numel() - there:,} bytes of a tensor are missing")
        return numbers
