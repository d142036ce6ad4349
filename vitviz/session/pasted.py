"""Pasted pictures: files in a folder of the user's, so that a session can open them again.

They do not pile up. At a start each is removed that was pasted ``KEPT_S`` ago or longer, unless
something still names it: a session of last time, one that was set aside, one of the recent
sessions, a recent photo, or a session that the user ever saved, wherever that is now.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from vitviz.errors import PhotoError
from vitviz.paths import is_file_at_hand
from vitviz.session.session_file import MAX_BYTES
from vitviz.writing import private_folder, write_whole

PICTURE = re.compile(r"pasted-[0-9a-f]{12}\.png")

KEPT_S = 30 * 86_400
"""At least, in seconds: there may be a figure of it that is to be opened again."""


def pictures_in(text: str) -> set[str]:
    """The names of all pasted pictures in a text."""
    return set(PICTURE.findall(text))


def keep(folder: Path, content: bytes) -> Path:
    """Writes a picture; the same one has the same name.

    Args:
        folder: Of the pictures; made where it is not there.
        content: Of a PNG file.

    Raises:
        VitvizError: It could not be written.
    """
    path = folder / f"pasted-{hashlib.sha256(content).hexdigest()[:12]}.png"
    try:
        private_folder(folder)
    except OSError as error:
        raise PhotoError(f"The picture could not be kept in {folder}.", str(error)) from error
    write_whole(path, content, private=True)
    return path


def remove_unused(folder: Path, names: Iterable[str], sessions: Iterable[Path]) -> None:
    """Removes pictures that were pasted long ago and that nothing names.

    Args:
        folder: Of the pictures; other files in it stay.
        names: That something has for files; those of pictures are among them.
        sessions: Files that name pictures. Where one cannot be read, nothing is removed.
    """
    now = time.time()
    with suppress(OSError):
        old = [path for path in folder.iterdir() if _is_old(path, now)]
        if not old:
            return
        named = pictures_in("\n".join(names))
        for session in sessions:
            if is_file_at_hand(session):
                with session.open("rb") as file:
                    named |= pictures_in(file.read(MAX_BYTES).decode("utf-8", "replace"))
        for path in old:
            if path.name not in named:
                path.unlink()


def _is_old(path: Path, now: float) -> bool:
    if not PICTURE.fullmatch(path.name):
        return False
    with suppress(OSError):
        return now - path.stat().st_mtime > KEPT_S
    return False
