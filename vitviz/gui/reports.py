"""What nobody expected: kept in a log, and made into a report that can be copied."""

from __future__ import annotations

import logging
import platform
import sys
import threading
import traceback
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

import platformdirs
import PySide6
from PySide6.QtCore import QObject, Qt, Signal, Slot

from vitviz import __version__
from vitviz.plain_text import shown_text
from vitviz.writing import make_private, private_folder

log = logging.getLogger(__name__)

LOG_BYTES = 500_000
"""Of one log file; one older file is kept beside it."""


MOST_LETTERS = 50_000
"""Of one entry."""


class PlainFormatter(logging.Formatter):
    """Lines that can be read in a terminal: names of files cannot steer it."""

    def format(self, record: logging.LogRecord) -> str:
        return shown_text(super().format(record), MOST_LETTERS, lines=True)


def versions() -> list[tuple[str, str]]:
    """What a bug report needs to know about this installation, as (name, value)."""
    # Imported here: it takes 50 ms, which every start would wait for.
    from importlib.metadata import PackageNotFoundError, version

    try:
        torch = version("torch")
    except PackageNotFoundError:  # a frozen build may carry no metadata
        torch = "not known"
    return [
        ("vitviz", __version__),
        ("Python", platform.python_version()),
        ("PySide6, Qt", PySide6.__version__),
        ("torch", torch),
        ("System", f"{platform.system()} {platform.release()} ({platform.machine()})"),
    ]


def report(error: BaseException, doing: str = "") -> str:
    """All that is known about an error, with its traceback, to be pasted somewhere."""
    lines = [*(f"{name}: {value}" for name, value in versions()), ""]
    if doing:
        lines += [doing, ""]
    return "\n".join(lines) + "\n" + "".join(traceback.format_exception(error))


def start_log(folder: Path | None = None) -> Path | None:
    """Keeps warnings and errors in a file.

    Args:
        folder: Where; the user's folder for logs by default.

    Returns:
        The file, or None where none can be written; the program runs without.
    """
    folder = folder or Path(platformdirs.user_log_dir("vitviz", appauthor=False))
    path = folder / "vitviz.log"
    try:
        private_folder(folder)
        handler = _PrivateLog(path, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8")
    except OSError:
        return None
    handler.setLevel(logging.WARNING)
    handler.setFormatter(PlainFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger("vitviz").addHandler(handler)
    return path


class _PrivateLog(RotatingFileHandler):
    """A log that only its owner may read: it names photos and their folders."""

    def _open(self) -> TextIOWrapper:
        path = Path(self.baseFilename)
        path.touch(mode=0o600)
        make_private(path)
        return super()._open()


class Unexpected(QObject):
    """Takes the exceptions that nothing else took, from any thread.

    An exception in a slot ends up here: PySide prints it and goes on, and the user would never
    know.

    Signals:
        happened(BaseException): On the thread that this object lives on.
    """

    happened = Signal(object)

    _from_any_thread = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._last = ""
        # Queued: whatever failed, perhaps a paintEvent, is over before anything is shown.
        self._from_any_thread.connect(self._tell, Qt.ConnectionType.QueuedConnection)

    def install(self) -> None:
        """Takes them from now on."""
        sys.excepthook = self.take
        threading.excepthook = self._take_from_thread

    def take(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """``sys.excepthook``: logs the exception and shows it."""
        if not issubclass(kind, Exception):  # KeyboardInterrupt and its like
            sys.__excepthook__(kind, error, trace)
            return
        words = "".join(traceback.format_exception(kind, error, trace))
        if words == self._last:  # the same again and again, as from painting
            return
        self._last = words
        log.error("unexpected: %s", words)
        if sys.stderr is not None:  # None in a windowed build on Windows
            sys.stderr.write(shown_text(words, MOST_LETTERS, lines=True))
        self._from_any_thread.emit(error)

    def _take_from_thread(self, event: threading.ExceptHookArgs) -> None:
        if event.exc_value is not None:
            self.take(event.exc_type, event.exc_value, event.exc_traceback)

    @Slot(object)
    def _tell(self, error: BaseException) -> None:
        self.happened.emit(error)
