"""How much memory there is, and saying no before there is not enough of it."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from vitviz.errors import NotEnoughMemory

HINT = "Choose a coarser input or a smaller model, or close other programs."

CGROUP = Path("/sys/fs/cgroup")
OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")
"""How torch says it, by device: CUDA and MPS; the CPU on Linux and macOS; on Windows; cuBLAS."""


def available_bytes(device: str = "cpu") -> int | None:
    """Memory that can still be taken on a device, or None where that cannot be found out."""
    kind = torch.device(device).type
    if kind == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        # What torch keeps for itself, and does not use, is free to us.
        return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
    if kind == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    try:
        return _main_memory()
    except (OSError, ValueError, AttributeError, IndexError, subprocess.SubprocessError):
        return None


def _main_memory() -> int | None:
    if sys.platform == "win32":
        return _windows()
    if sys.platform == "darwin":
        return _macos()
    limits = [_linux(), *_cgroup_limits()]
    return min(limits)


def _linux() -> int:
    """MemAvailable of /proc/meminfo; free pages on other systems."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        for line in meminfo.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _cgroup_limits() -> Iterator[int]:
    """What this process's control groups (containers, batch systems) still allow it."""
    own = Path("/proc/self/cgroup")
    lines = own.read_text(encoding="utf-8").splitlines() if own.exists() else []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2
            yield from _allowed(CGROUP, path, "memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):  # version 1
            yield from _allowed(
                CGROUP / "memory", path,
                "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file",
            )  # fmt: skip


def _allowed(root: Path, path: str, limit: str, usage: str, reclaimable: str) -> Iterator[int]:
    folder = root / path.strip("/")
    # Inside a container the path of the host may not exist: its own group is then the root.
    for group in (folder, *folder.parents) if folder.is_dir() else (root,):
        if group == root.parent:
            return
        if not (group / limit).is_file() or not (group / usage).is_file():
            continue
        most = (group / limit).read_text(encoding="ascii").strip()
        if most == "max":
            continue
        used = int((group / usage).read_text(encoding="ascii"))
        # The page cache counts as used, but gives way.
        yield max(0, int(most) - used + _stat(group / "memory.stat", reclaimable))


def _stat(path: Path, name: str) -> int:
    if path.is_file():
        for line in path.read_text(encoding="ascii").splitlines():
            if line.split()[0] == name:
                return int(line.split()[1])
    return 0


def _macos() -> int:
    """Pages that are free, or given up when others ask. Source: vm_stat(1)."""
    report = subprocess.run(
        ["/usr/bin/vm_stat"], capture_output=True, text=True, check=True, timeout=5
    ).stdout
    head, *lines = report.splitlines()
    page = int(head.split("page size of")[1].split()[0])
    counts = dict(line.split(":", 1) for line in lines if ":" in line)
    kinds = ("Pages free", "Pages inactive", "Pages speculative", "Pages purgeable")
    return page * sum(int(counts[kind].strip(" .")) for kind in kinds if kind in counts)


class _MemoryStatus(ctypes.Structure):
    """Source: MEMORYSTATUSEX of the Windows API (sysinfoapi.h)."""

    _fields_ = (
        ("length", ctypes.c_uint32),
        ("load", ctypes.c_uint32),
        ("total_physical", ctypes.c_uint64),
        ("available_physical", ctypes.c_uint64),
        ("total_page_file", ctypes.c_uint64),
        ("available_page_file", ctypes.c_uint64),
        ("total_virtual", ctypes.c_uint64),
        ("available_virtual", ctypes.c_uint64),
        ("available_extended_virtual", ctypes.c_uint64),
    )


def _windows() -> int | None:
    status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
    kernel32 = getattr(ctypes, "windll").kernel32  # noqa: B009  (only there on Windows)
    if not kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return int(min(status.available_physical, status.available_page_file))


def in_words(count: int) -> str:
    """Bytes for people: "640 MB", "3.7 GB" (of 1000, as discs and system monitors count)."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(1, round(count / 1e6))} MB"


def require(needed: int, what: str, device: str = "cpu") -> None:
    """Refuses work that would not fit.

    Args:
        needed: Bytes that the work will take at its peak.
        what: The work, for the message: "4,097 tokens".
        device: Where.

    Raises:
        NotEnoughMemory: There is less.
    """
    available = available_bytes(device)
    if available is None or needed <= available:
        return
    raise NotEnoughMemory(
        f"{what} need about {in_words(needed)} of memory, and {in_words(available)} are free.",
        HINT, needed_bytes=needed, available_bytes=available,
    )  # fmt: skip


@contextmanager
def refusing(needed: int, what: str, device: str = "cpu") -> Iterator[None]:
    """Turns running out of memory in spite of ``require`` into the same refusal."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _ran_out(error):
            raise
        available = available_bytes(device) or 0
        raise NotEnoughMemory(
            f"Memory ran out: {what} needed about {in_words(needed)}.",
            HINT, needed_bytes=needed, available_bytes=available,
        ) from None  # fmt: skip


def _ran_out(error: Exception) -> bool:
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(phrase in str(error).lower() for phrase in OUT_OF_MEMORY)
