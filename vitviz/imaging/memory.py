"""How much memory this computer has."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache

ASSUMED_BYTES = 8 << 30
"""Taken where the system does not say."""


@cache
def physical_bytes() -> int:
    """Memory of this computer, in bytes; ``ASSUMED_BYTES`` where that cannot be found out."""
    try:
        if sys.platform == "win32":
            return _windows_bytes()
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError, AttributeError):
        return ASSUMED_BYTES


class _MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX. Source: Microsoft's sysinfoapi.h."""

    _fields_ = (
        ("dwLength", ctypes.c_uint32),
        ("dwMemoryLoad", ctypes.c_uint32),
        ("ullTotalPhys", ctypes.c_uint64),
        *((f"unused_{i}", ctypes.c_uint64) for i in range(6)),
    )


def _windows_bytes() -> int:
    status = _MemoryStatus(dwLength=ctypes.sizeof(_MemoryStatus))
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 - absent elsewhere, also for mypy
    if not kernel.GlobalMemoryStatusEx(ctypes.byref(status)):
        return ASSUMED_BYTES
    return int(status.ullTotalPhys)
