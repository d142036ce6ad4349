"""The session of last time: kept when the window closes, never lost when the next one opens."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from vitviz.errors import VitvizError
from vitviz.paths import is_there
from vitviz.session import session_file
from vitviz.session.finding import FileFacts
from vitviz.session.session_file import SUFFIX
from vitviz.session.state import PhotoRef, Session
from vitviz.writing import private_folder, whole


class LastSession:
    """The session of last time in its folder, and the two before it.

    ``last.vitviz`` is the newest, ``last.1.vitviz`` and ``last.2.vitviz`` are those before: each
    opens like any session. One that could not be opened, or not all of it, is set aside under a
    name with the time in it, and stays.

    Args:
        folder: Of the user; made when a session is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: Session | None = None
        self.files: Mapping[str, FileFacts] = {}
        self._opened: Session | None = None
        self._left_out = False
        self._may_replace = True

    @property
    def path(self) -> Path:
        """Of the newest."""
        return self._folder / f"last{SUFFIX}"

    def before(self, number: int) -> Path:
        """Of the one before (1) or the one before that (2)."""
        return self._folder / f"last.{number}{SUFFIX}"

    def count_start(self) -> int:
        """Notes that a start is under way, and tells how many before it in a row never got as far
        as ``went_well``: what they opened may have ended the program.
        """
        try:
            failed = int(self._starts.read_text(encoding="ascii")[:9])
        except (OSError, ValueError):
            failed = 0
        with suppress(OSError):
            private_folder(self._folder)
            self._starts.write_text(str(failed + 1), encoding="ascii")
        return failed

    def went_well(self) -> None:
        """This start got as far as it can get."""
        with suppress(OSError):
            self._starts.unlink(missing_ok=True)

    @property
    def _starts(self) -> Path:
        return self._folder / "starts-without-end"

    def read(self) -> Session | None:
        """The session of last time; None where there is none.

        Raises:
            SessionError: It cannot be read. ``set_aside`` keeps it from being overwritten.
        """
        if not is_there(self.path):
            self._read = None
            return None
        saved = session_file.read_saved(self.path)
        self._read, self.files = saved.session, saved.files
        return self._read

    def note_opened(self, session: Session) -> None:
        """What the window opened with: where something of the file is not in it, the file stays
        as it is for as long as nothing else is changed, and is set aside when something is.
        """
        self._opened = session
        self._left_out = self._read is not None and not self._read.files <= session.files

    def note_refused(self, refused: Collection[PhotoRef]) -> None:
        """Photos that turned out not to open are taken out by the window, not by the user."""
        self._left_out |= self._read is not None and any(
            ref in refused for ref in self._read.photos
        )

    def set_aside(self) -> Path | None:
        """Gives it another name, under which it stays; None where that can't be done, in which
        case ``keep`` does not write over it.
        """
        stem = f"last-{time.strftime('%Y-%m-%d-%H%M%S')}"
        path, number = self._folder / f"{stem}{SUFFIX}", 1
        while is_there(path):
            number += 1
            path = self._folder / f"{stem}-{number}{SUFFIX}"
        try:
            self.path.replace(path)
        except OSError:
            self._may_replace = False
            return None
        self._read, self._left_out = None, False
        return path

    def keep(self, session: Session, files: Mapping[str, FileFacts] | None = None) -> None:
        """Keeps a session as that of last time.

        Args:
            session: What is open.
            files: What is known of its photos and models.

        Raises:
            VitvizError: It cannot be written; what was kept before stays.
        """
        if self._left_out and session == self._opened:
            return
        content = session_file.to_json(session, files).encode()
        if self._holds(content):
            return
        if not self._may_replace:
            raise VitvizError(f"{self.path} could not be read and not be moved.", "Move it away.")
        try:
            private_folder(self._folder)
        except OSError as error:
            raise VitvizError(f"{self._folder} cannot be made: {error.strerror}.") from error
        with whole(self.path, durable=True, private=True) as part:
            part.write_bytes(content)
            self._make_way(session)

    def _holds(self, content: bytes) -> bool:
        with suppress(OSError):
            return self.path.stat().st_size == len(content) and self.path.read_bytes() == content
        return False

    def _make_way(self, session: Session) -> None:
        """Moves those before on by one; the newest stays until the new one takes its place."""
        if not is_there(self.path):
            return
        if self._left_out and self._read and not self._read.files <= session.files:
            if self.set_aside() is None:
                raise OSError(f"{self.path} cannot be moved")
            return
        first = self.before(1)
        if is_there(first):
            first.replace(self.before(2))
        try:
            os.link(self.path, first)
        except OSError:  # a disk without links
            self.path.replace(first)
