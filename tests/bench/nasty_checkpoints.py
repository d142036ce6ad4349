"""Files of a fuzzing run, each made from a seed and its number: small, and of many kinds."""

from __future__ import annotations

import argparse
import io
import json
import pickletools
import struct
import warnings
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import PurePosixPath
from random import Random

import numpy as np
import torch
from safetensors.torch import save

from tests.bench.nasty_pickles import PARTS, nasty_pickle

LEGACY_START = 4
"""Pickles before the storages' names in the older layout."""


@cache
def good_files() -> dict[str, bytes]:
    """Small files that are read, with what training scripts put in them."""
    base = torch.arange(24.0).reshape(2, 3, 4)
    weights = {
        "module.a": base.transpose(0, 2), "module.b": base[1:, ::2],
        "module.c": torch.ones(3).half(), "module.d": torch.nn.Parameter(torch.tensor(2.0)),
        "module.e": torch.zeros(0, 3), "module.f": torch.ones(5, dtype=torch.bool),
    }  # fmt: skip
    whole = {
        "model": weights,
        "args": argparse.Namespace(out=PurePosixPath("runs"), lr=1e-3, names=["a", "b"]),
        "best": np.float64(81.5),
        "optimizer": {
            "state": {0: {"step": 3}},
            "param_groups": [{"lr": 0.1, "betas": (0.9, 0.99)}],
        },
    }
    files = {}
    for kind, protocol in (("zip", 2), ("zip", 4), ("legacy", 2), ("legacy", 4)):
        buffer = io.BytesIO()
        torch.save(whole, buffer, pickle_protocol=protocol,
                   _use_new_zipfile_serialization=kind == "zip")  # fmt: skip
        files[f"{kind} {protocol}"] = buffer.getvalue()
    plain = {name: tensor.detach().contiguous() for name, tensor in weights.items()}
    files["safetensors"] = save(plain, {"format": "pt"})
    return files


def archive(members: dict[str, bytes]) -> bytes:
    """An archive as torch.save writes it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, content in members.items():
            target.writestr(f"archive/{name}", content)
    return buffer.getvalue()


def archive_of(pickle: bytes) -> bytes:
    """An archive with this pickle and two small storages."""
    return archive({"data.pkl": pickle, "byteorder": b"little", "data/0": bytes(96),
                    "data/1": bytes(8), "version": b"3\n"})  # fmt: skip


def legacy_of(pickle: bytes) -> bytes:
    """A file of the older layout with this pickle and one small storage."""
    whole = good_files()["legacy 2"]
    start, _ = _pickles(whole)[LEGACY_START - 1]
    return whole[:start] + pickle + b"\x80\x02]X\x01\0\0\x000a." + struct.pack("<q", 24) + bytes(96)


def _pickles(whole: bytes) -> list[tuple[int, int]]:
    """Where the first pickles of a file of the older layout begin and end."""
    stream, places = io.BytesIO(whole), []
    for _ in range(LEGACY_START + 1):
        begin = stream.tell()
        for _ in pickletools.genops(stream):
            pass
        places.append((begin, stream.tell()))
    return places


def _flipped(random: Random, whole: bytes) -> bytes:
    data = bytearray(whole)
    end = random.choice([len(data), min(len(data), 1200)])
    for _ in range(random.choice([1, 1, 2, 4, 16])):
        data[random.randrange(end)] = random.choice([0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)])
    return bytes(data)


def _cut(random: Random, whole: bytes) -> bytes:
    start = random.randrange(len(whole))
    return random.choice([
        whole[:start], whole[:start] + whole[start + random.randint(1, 60) :],
        whole[:start] + random.randbytes(random.randint(1, 60)) + whole[start:],
        whole + random.randbytes(random.randint(1, 60)),
    ])  # fmt: skip


def _other_steps(random: Random, pickle: bytes) -> bytes:
    """Steps taken out, doubled, exchanged, or replaced by those of a nasty pickle."""
    try:
        starts = [at for *_, at in pickletools.genops(pickle) if at is not None]
    except ValueError:
        return pickle
    steps = [pickle[a:b] for a, b in zip(starts, [*starts[1:], len(pickle)], strict=True)]
    for _ in range(random.choice([1, 1, 2, 3, 8])):
        at, other = random.randrange(len(steps)), random.randrange(len(steps))
        change = random.randrange(5)
        if change == 0:
            steps[at] = b""
        elif change == 1:
            steps[at] = steps[other]
        elif change == 2:
            steps[at], steps[other] = steps[other], steps[at]
        elif change == 3:
            steps[at] *= random.choice([2, 3, 500])
        else:
            steps[at] = PARTS[random.choice(list(PARTS))](random)
    return b"".join(steps)


def _mutated_steps(random: Random, kind: str) -> bytes:
    whole = good_files()[f"{kind} {random.choice([2, 4])}"]
    if kind == "legacy":
        begin, end = random.choice(_pickles(whole))
        return whole[:begin] + _other_steps(random, whole[begin:end]) + whole[end:]
    with zipfile.ZipFile(io.BytesIO(whole)) as source:
        members = {n.partition("/")[2]: source.read(n) for n in source.namelist()}
    return archive(members | {"data.pkl": _other_steps(random, members["data.pkl"])})


def _tricky_archive(random: Random) -> bytes:
    """Names, sizes, places and marks of an archive that contradict each other."""
    whole = bytearray(good_files()["zip 2"])
    trick = random.randrange(6)
    entries = _find_all(whole, b"PK\x01\x02")
    if trick == 0:  # fields of the directory
        at = random.choice(entries)
        field = random.choice([6, 8, 10, 16, 20, 24, 28, 30, 32, 34, 36, 38, 42, 44])
        value = random.choice(
            [0, 1, 2, 40, 64, 0x7FFF, 0xFFFF, 0xFFFFFFFF, random.randrange(1 << 16)]
        )
        whole[at + field : at + field + 4] = struct.pack("<I", value)
    elif trick == 1:  # fields of a member
        at = random.choice(_find_all(whole, b"PK\x03\x04"))
        whole[at + random.randrange(30)] = random.choice([0, 1, 0xFF, random.randrange(256)])
    elif trick == 2:  # the directory's end, and that of zip64
        at = random.choice([e for mark in (b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07")
                            for e in _find_all(whole, mark)])  # fmt: skip
        whole[at + random.randrange(4, 22)] = random.choice(
            [0, 1, 0x7F, 0xFF, random.randrange(256)]
        )
    elif trick == 3:  # one member over another
        first, second = random.choices(entries, k=2)
        whole[first + 42 : first + 46] = whole[second + 42 : second + 46]
    elif trick == 4:
        return _with_names(random)
    else:
        return random.randbytes(random.randint(1, 90)).join([b"PK\x03\x04", bytes(whole)])
    return bytes(whole)


def _with_names(random: Random) -> bytes:
    buffer = io.BytesIO()
    odd = [
        "../data.pkl", "/etc/x/data.pkl", "archive/data/../data.pkl", "a\\data.pkl",
        "archive/data/0", "archive/data.pkl", "archive/", "/", "archive/" + "x" * 60_000,
        "archive/data/0\0", "\xed\xb3\xbf",
    ]  # fmt: skip
    with (
        zipfile.ZipFile(io.BytesIO(good_files()["zip 2"])) as source,
        zipfile.ZipFile(buffer, "w") as target,
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", "Duplicate name")
        names = source.namelist()
        for name in random.sample(names, k=random.randint(1, len(names))):
            target.writestr(random.choice([name, name, random.choice(odd)]), source.read(name))
            if random.random() < 0.2:
                target.writestr(random.choice(odd), random.choice([b"", source.read(name)]))
        if random.random() < 0.3:
            target.comment = random.randbytes(random.choice([1, 100, 65_535]))
    return buffer.getvalue()


def _find_all(whole: bytes | bytearray, mark: bytes) -> list[int]:
    return [at for at in range(len(whole)) if whole.startswith(mark, at)]


def _tricky_header(random: Random) -> bytes:
    """A header of safetensors whose values contradict each other or the file."""
    odd: list[object] = [
        0, -1, 1, 8, 1 << 63, 1 << 64, 10**400, 1.5, float("nan"), float("inf"), None, True, "F32",
        [], {}, [0, 8], [8, 0], [2], [[[[]]]], "x" * 5000, "\ud800", {"a": [1]},
    ]  # fmt: skip
    entries: dict[str, object] = {}
    for i in range(random.choice([0, 1, 2, 3, 50])):
        entry: dict[str, object] = {
            "dtype": random.choice(["F32", "F32", "BOOL", "F8_E4M3", "C64", "F4", "XX"]),
            "shape": [random.choice([0, 1, 2, 1 << 62]) for _ in range(random.randint(0, 3))],
            "data_offsets": [random.choice([0, 4, 8, 1 << 40]), random.choice([0, 8, 16, 1 << 63])],
        }
        if random.random() < 0.5:
            entry = {"dtype": "F32", "shape": [2], "data_offsets": [8 * i, 8 * i + 8]}
        if random.random() < 0.4:
            entry[random.choice(["dtype", "shape", "data_offsets", "more"])] = random.choice(odd)
        entries[f"t{i}"] = entry if random.random() < 0.9 else random.choice(odd)
    header = json.dumps(entries).encode("utf-8", "surrogatepass")
    deep = random.choice([10, 100, 50_000])
    header = random.choice([
        header, header, header, header.replace(b'"t1"', b'"t0"'), header[:-1], header + b" " * 50,
        b'{"a":' + b"[" * deep + b"]" * deep + b"}", b'{"a":' * deep, b'{"a":' + b"9" * deep + b"}",
        header.replace(b"8", b"8e400"), header.replace(b'"t0"', b'"__metadata__"'),
    ])  # fmt: skip
    length = len(header) + random.choice([0, 0, 0, 0, 1, -1])
    return struct.pack("<Q", max(length, 0)) + header + bytes(8 * random.randint(0, 4))


def _nasty(kind: str) -> Callable[[Random], bytes]:
    def made(random: Random) -> bytes:
        content = nasty_pickle(random, kind)
        return random.choice([archive_of, archive_of, legacy_of])(content)

    return made


def _changed(kind: str, change: Callable[[Random, bytes], bytes]) -> Callable[[Random], bytes]:
    def made(random: Random) -> bytes:
        files = [content for name, content in good_files().items() if name.startswith(kind)]
        return change(random, random.choice(files))

    return made


KINDS: dict[str, Callable[[Random], bytes]] = {
    **{
        f"{kind}, other bytes": _changed(kind, _flipped)
        for kind in ("zip", "legacy", "safetensors")
    },
    **{f"{kind}, cut": _changed(kind, _cut) for kind in ("zip", "legacy", "safetensors")},
    "zip, other steps": lambda random: _mutated_steps(random, "zip"),
    "legacy, other steps": lambda random: _mutated_steps(random, "legacy"),
    "tricky archive": _tricky_archive,
    "tricky header": _tricky_header,
    **{f"pickle, {kind}": _nasty(kind) for kind in PARTS},
}


def make(seed: int, number: int) -> tuple[str, bytes]:
    """The kind of a file of a fuzzing run, and its bytes."""
    kind = list(KINDS)[number % len(KINDS)]
    return kind, KINDS[kind](Random(f"{seed} {number}"))
