"""How much memory this computer has, and how much of it is free."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def physical_bytes() -> int:
    """Memory of this computer."""
    if hasattr(os, "sysconf"):  # asked at every start, which should not wait for psutil
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    import psutil

    return int(psutil.virtual_memory().total)


def available_bytes() -> int:
    """Memory that can still be taken without swapping, a container's own limit included."""
    import psutil

    return min([int(psutil.virtual_memory().available), *_container_limits()])


def give_back() -> None:
    """Returns what is free in this process to the system, where its library keeps it (glibc).

    It takes up to a tenth of a second, in which other threads go on.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):  # another library, such as musl
        return
    trim(0)


def _container_limits() -> Iterator[int]:
    """What the control groups of this process, and those around it, still allow (Linux)."""
    own = Path("/proc/self/cgroup")
    lines = own.read_text(encoding="utf-8").splitlines() if own.exists() else []
    for line in lines:
        if line.startswith("0::"):  # version 2
            folder = CGROUP / line.removeprefix("0::").strip("/")
            # Inside a container the path of the host may not exist: its own group is the root.
            groups = (folder, *folder.parents) if folder.is_dir() else (CGROUP,)
            yield from (left for group in groups if (left := _left(group)) is not None)


def _left(group: Path) -> int | None:
    try:
        most = (group / "memory.max").read_text(encoding="ascii").strip()
        used = int((group / "memory.current").read_text(encoding="ascii"))
        stat = (group / "memory.stat").read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return None
    if not most.isdecimal():  # "max": no limit
        return None
    # The page cache counts as used, but gives way.
    cache = sum(int(line.split()[1]) for line in stat if line.startswith("inactive_file "))
    return max(0, int(most) - used + cache)
