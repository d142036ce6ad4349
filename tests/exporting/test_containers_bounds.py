"""Archives and files that provenance names: looked at within bounds, and ended at will."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from vitviz.errors import Cancelled, VitvizError
from vitviz.exporting import containers
from vitviz.exporting.stamp import read
from vitviz.progress import Stage
from vitviz.session import finding


def archive(members: int, method: int = zipfile.ZIP_STORED) -> bytes:
    buffer, array = io.BytesIO(), io.BytesIO()
    np.save(array, np.array("{}"))
    with zipfile.ZipFile(buffer, "w", method) as made:
        for number in range(members):
            made.writestr(f"{number}.npy", b"")
        made.writestr(containers.MEMBER, array.getvalue())
    return buffer.getvalue()


def test_an_archive_s_text_is_found_among_a_few_members():
    assert containers.NPZ.get(io.BytesIO(archive(500))) == b"{}"


@pytest.mark.parametrize("claimed", [None, 1])
def test_a_list_of_very_many_members_is_not_read(monkeypatch, claimed):
    data = bytearray(archive(500))
    if claimed is not None:  # zipfile does not believe this number either
        end = data.rindex(b"PK\5\6")
        struct.pack_into("<HH", data, end + 8, claimed, claimed)
    monkeypatch.setattr(containers, "LONGEST_DIRECTORY", 1000)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    assert containers.NPZ.get(io.BytesIO(bytes(data))) is None


def test_a_long_list_is_found_behind_a_short_one(monkeypatch):
    """The 64-bit record is what ``zipfile`` believes, whatever the short one says."""
    data = archive(500)
    end = data.rindex(b"PK\5\6")
    size, start = struct.unpack_from("<II", data, end + 12)
    long = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, 501, 501, size, start)
    pointer = struct.pack("<4sIQI", b"PK\6\7", 0, end, 1)
    short = data[end : end + 8] + struct.pack("<HHIIH", 1, 1, 46, start, 0)
    large = data[:end] + long + pointer + short
    assert len(zipfile.ZipFile(io.BytesIO(large)).namelist()) == 501
    assert containers.NPZ.get(io.BytesIO(large)) == b"{}"
    monkeypatch.setattr(containers, "LONGEST_DIRECTORY", 1000)
    assert containers.NPZ.get(io.BytesIO(large)) is None


def test_damaged_lzma_is_no_text(tmp_path):
    data = bytearray(archive(0, zipfile.ZIP_LZMA))
    at = data.index(containers.MEMBER.encode()) + len(containers.MEMBER)
    data[at + 4 : at + 9] = b"\xff" * 5
    (tmp_path / "x.npz").write_bytes(data)
    with pytest.raises(VitvizError, match="no provenance"):
        read(tmp_path / "x.npz")


def test_hashing_a_large_file_can_be_cancelled(tmp_path, monkeypatch):
    (tmp_path / "large.png").write_bytes(bytes(10_000))
    monkeypatch.setattr(finding, "PIECE", 1000)
    told: list[float] = []

    def progress(stage: Stage, fraction: float) -> None:
        told.append(fraction)
        if len(told) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        finding.sha256_of(tmp_path / "large.png", progress)
    assert told == [0.1, 0.2, 0.3]


@pytest.mark.shared
def test_an_archive_made_to_raise_is_refused(shared: Path):
    with pytest.raises(VitvizError, match="no provenance"):
        read(shared / "data" / "attacks" / "lzma.npz")
