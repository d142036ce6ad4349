"""How much memory there is to work with."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

_LINUX_GROUP = Path("/sys/fs/cgroup")
_LINUX_MEMORY = Path("/proc/meminfo")


def available_bytes() -> int:
    """Memory that new work can have without swapping, in bytes; 0 where that is not known."""
    if sys.platform == "win32":
        return _available_on_windows()
    if _LINUX_MEMORY.exists():
        return _available_on_linux()
    try:
        # macOS does not tell simply what is free; half of what there is will do as a limit.
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (ValueError, OSError, AttributeError):
        return 0


def _available_on_linux() -> int:
    free = 0
    for line in _LINUX_MEMORY.read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            free = int(line.split()[1]) * 1024
    try:  # a container's own limit
        limit = (_LINUX_GROUP / "memory.max").read_text(encoding="ascii").strip()
        used = int((_LINUX_GROUP / "memory.current").read_text(encoding="ascii"))
        return free if limit == "max" else min(free, max(int(limit) - used, 0))
    except (OSError, ValueError):
        return free


class _MemoryStatus(ctypes.Structure):
    """Source: MEMORYSTATUSEX of the Windows API."""

    _fields_ = (
        ("length", ctypes.c_ulong),
        ("load", ctypes.c_ulong),
        ("total_physical", ctypes.c_ulonglong),
        ("available_physical", ctypes.c_ulonglong),
        ("total_page_file", ctypes.c_ulonglong),
        ("available_page_file", ctypes.c_ulonglong),
        ("total_virtual", ctypes.c_ulonglong),
        ("available_virtual", ctypes.c_ulonglong),
        ("available_extended", ctypes.c_ulonglong),
    )


def _available_on_windows() -> int:
    status = _MemoryStatus()
    status.length = ctypes.sizeof(status)
    windows = getattr(ctypes, "windll", None)
    if windows is None or not windows.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return 0
    return int(status.available_physical)
