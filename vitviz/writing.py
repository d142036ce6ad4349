"""Writes files whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import re
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from vitviz.errors import VitvizError
from vitviz.paths import resolved

PART = re.compile(r"\.(\d+)-\d+(?:-([0-9a-f]{8}))?\.part")
"""What is not whole yet: process, thread and machine that write it. Earlier versions named no
machine."""

OTHERS_S = 86_400
"""Age in seconds from which what another machine was writing is taken for left over."""

LOOKING_SHARE = 0.01
"""Part of the time that may go into looking for what was left over."""

CANNOT_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS,
               errno.EACCES, errno.EPERM}  # fmt: skip
"""How systems say that they have no such thing as putting a file on the disk now."""

_look_again: dict[str, float] = {}
"""When to look into a folder again, by its name."""


def write_whole(
    path: Path, content: bytes, *, durable: bool = False, private: bool = False
) -> None:
    """Writes a file; when that fails, what was there stays.

    Args:
        path: In a folder that exists. A link stays one; the file it leads to is written.
        content: All of it.
        durable: As for ``whole``.
        private: As for ``whole``.

    Raises:
        VitvizError: It cannot be written there.
    """
    with whole(path, durable=durable, private=private) as part:
        part.write_bytes(content)


@contextmanager
def whole(path: Path, *, durable: bool = False, private: bool = False) -> Iterator[Path]:
    """A new file that takes the place of ``path`` once the block has ended well.

    Args:
        path: As for ``write_whole``.
        durable: It is on the disk before the old one goes, so that a power cut leaves one of the
            two. Takes as long as the disk does: for what cannot be made again, not for results.
        private: Nobody else may read it, where the system knows who may.

    Raises:
        VitvizError: It cannot be written there; an ``OSError`` inside the block becomes one.
    """
    part: Path | None = None
    try:
        target = resolved(path) if path.is_symlink() else path
        _tidy(target.parent)
        # Beside the target, since only a rename within one file system is atomic.
        name = f".{os.getpid()}-{threading.get_ident()}-{_machine()}.part"
        part = target.with_name(name)
        if private:
            part.unlink(missing_ok=True)
            os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        yield part
        if durable:
            _sync(part, os.O_RDWR)
        part.replace(target)
        if durable:
            _sync(target.parent, os.O_RDONLY)
    except (OSError, ValueError) as error:
        raise VitvizError(
            f"{path} could not be written: {getattr(error, 'strerror', None) or error}.",
            "Choose another place; nothing that was open is lost.",
        ) from error
    finally:
        if part is not None:  # gone already, where all went well
            with contextlib.suppress(OSError, ValueError):
                part.unlink()


def private_folder(folder: Path) -> None:
    """Makes a folder that only its owner may look into, where the system knows owners.

    Raises:
        OSError: It cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_private(folder)


def make_private(path: Path) -> None:
    """Takes everybody else's right to read a file or folder, as far as that can be done."""
    with contextlib.suppress(OSError, ValueError):
        path.chmod(0o700 if path.is_dir() else 0o600)


def remove_parts(folder: Path, *, below: bool = False) -> None:
    """Removes what a killed run had half written.

    Args:
        folder: Where it wrote.
        below: Also in all folders inside it.
    """
    for place, inside, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            if (part := PART.fullmatch(name)) and _is_left_over(path, part):
                with contextlib.suppress(OSError):
                    path.unlink()
        if not below:
            inside.clear()


def _is_left_over(path: Path, part: re.Match[str]) -> bool:
    process, machine = int(part[1]), part[2]
    if machine in (None, _machine()):
        import psutil  # here, since nearly always there is nothing to ask it

        return process != os.getpid() and not psutil.pid_exists(process)
    try:  # a folder that computers share: whether that one still writes can't be known
        return time.time() - path.stat().st_mtime > OTHERS_S
    except OSError:
        return False


def _tidy(folder: Path) -> None:
    """Looks for what was left over, but not all the time: a folder can hold 100,000 files."""
    began, key = time.monotonic(), str(folder)
    if began < _look_again.get(key, 0.0):
        return
    if len(_look_again) > 1000:
        _look_again.clear()
    remove_parts(folder)
    now = time.monotonic()
    _look_again[key] = now + (now - began) / LOOKING_SHARE


@cache
def _machine() -> str:
    """Tells processes with the same number apart: those of other computers and containers."""
    parts = [platform.node()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text("ascii"))
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return f"{zlib.crc32(' '.join(parts).encode('utf-8', 'replace')):08x}"


def _sync(path: Path, flags: int) -> None:
    """Waits until a file, or the names in a folder, are on the disk.

    Raises:
        OSError: They cannot be put there.
    """
    try:
        number = os.open(path, flags | getattr(os, "O_BINARY", 0))
    except OSError:  # Windows opens no folders
        return
    try:
        _flush(number)
    except OSError as error:
        if error.errno not in CANNOT_SYNC:
            raise
    finally:
        os.close(number)


def _flush(number: int) -> None:
    try:
        import fcntl

        # On macOS fsync leaves it to the disk's own memory. Source: man 2 fsync there.
        fcntl.fcntl(number, fcntl.F_FULLFSYNC)  # type: ignore[attr-defined,unused-ignore]
    except (ImportError, AttributeError, OSError):
        os.fsync(number)
