"""Writes files whole or not at all."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

from vitviz.errors import VitvizError


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file; when that fails, what was there stays.

    Args:
        path: In a folder that exists. A link stays one; the file it leads to is written.
        content: All of it.

    Raises:
        VitvizError: It cannot be written there.
    """
    part: Path | None = None
    try:
        target = path.resolve() if path.is_symlink() else path
        # Beside the target, since only a rename within one file system is atomic.
        part = target.with_name(f".{os.getpid()}-{threading.get_ident()}.part")
        part.write_bytes(content)
        part.replace(target)
    except (OSError, ValueError) as error:
        if part is not None:
            with contextlib.suppress(OSError):
                part.unlink()
        raise VitvizError(
            f"{path} could not be written: {getattr(error, 'strerror', None) or error}.",
            "Choose another place; nothing that was open is lost.",
        ) from error
