"""Writes files whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from vitviz.errors import VitvizError


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file; when that fails, what was there stays.

    Raises:
        VitvizError: It cannot be written there.
    """
    # Beside the target, since only a rename within one file system is atomic.
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise VitvizError(
            f"{path} could not be written: {error.strerror or error}.",
            "Choose another place; nothing that was open is lost.",
        ) from error
