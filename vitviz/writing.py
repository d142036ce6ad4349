"""Writes files whole or not at all."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
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
    with whole(path) as part:
        part.write_bytes(content)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A new file that takes the place of ``path`` once the block has ended well.

    Args:
        path: As for ``write_whole``.

    Raises:
        VitvizError: It cannot be written there; an ``OSError`` inside the block becomes one.
    """
    part: Path | None = None
    try:
        target = path.resolve() if path.is_symlink() else path
        # Beside the target, since only a rename within one file system is atomic.
        part = target.with_name(f".{os.getpid()}-{threading.get_ident()}.part")
        yield part
        part.replace(target)
    except (OSError, ValueError) as error:
        raise VitvizError(
            f"{path} could not be written: {getattr(error, 'strerror', None) or error}.",
            "Choose another place; nothing that was open is lost.",
        ) from error
    finally:
        if part is not None:  # gone already, where all went well
            with contextlib.suppress(OSError):
                part.unlink()
