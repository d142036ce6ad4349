"""Starts the window."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QTimer, Signal, Slot
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication

from vitviz import __version__
from vitviz.gui import theme
from vitviz.gui.reports import Unexpected, start_log
from vitviz.gui.screenshot import Screenshot
from vitviz.gui.settings import Settings
from vitviz.gui.threads.desk import end_threads
from vitviz.gui.threads.garbage import Garbage
from vitviz.gui.window import FIRST_SIZE, Window

DESKTOP_ID = "io.github.vitviz.vitviz"
"""Of the desktop entry, by which a Linux desktop finds the window's icon."""


def has_display() -> bool:
    """Whether there is a screen to open a window on; only X11 and Wayland can lack one."""
    if sys.platform in ("win32", "darwin"):
        return True
    chosen = os.environ.get("QT_QPA_PLATFORM", "")
    return bool(
        chosen.split(":")[0] in ("offscreen", "minimal", "vnc", "linuxfb", "eglfs")
        or os.environ.get("DISPLAY")
        or os.environ.get("WAYLAND_DISPLAY")
    )


class Application(QApplication):
    """The program, as the desktop sees it.

    Signals:
        file_opened(str): A file to open; macOS sends files as events, not as arguments.
    """

    file_opened = Signal(str)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QFileOpenEvent):
            self.file_opened.emit(event.file())
            return True
        return super().event(event)


class FirstPaint(QObject):
    """Tells once that a window is painted, or after a second that it still is not (minimised).

    Signals:
        done(): Now.
    """

    done = Signal()

    WAIT_MS = 1000

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._canvas = window.canvas
        self._canvas.installEventFilter(self)
        self._limit = QTimer(self)
        self._limit.setSingleShot(True)
        self._limit.timeout.connect(self._tell)
        self._limit.start(self.WAIT_MS)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self._canvas.removeEventFilter(self)
            self._limit.start(0)  # the paint itself comes first
        return False

    @Slot()
    def _tell(self) -> None:
        self._canvas.removeEventFilter(self)
        self.done.emit()


def application(arguments: list[str]) -> Application:
    """The one QApplication."""
    app = Application(arguments)
    app.setApplicationName("vitviz")
    app.setApplicationDisplayName("vitviz")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName(DESKTOP_ID)
    app.setWindowIcon(theme.program_icon())
    Garbage(app)
    return app


def start(paths: list[Path], screenshot: Path | None = None, *, once: bool = False) -> int:
    """Opens the window on these photos; returns the exit code once it is closed.

    Args:
        paths: Photos, folders, a session or a checkpoint.
        screenshot: Where to save a picture of the window once its first map is there, and close.
        once: What is open when it is closed is not kept for the next start.
    """
    if sys.platform == "win32":
        # Importing torch after Qt can fail there (WinError 1114, pytorch issue 166628).
        import torch  # noqa: F401
    start_log()
    app = application(sys.argv[:1])
    # Ctrl+C in the terminal: Python would not get to handle it while Qt waits for events.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    unexpected = Unexpected(app)
    unexpected.install()
    with ExitStack() as stack:
        folder = None
        if screenshot is not None:  # of what everybody has, and what they have stays as it is
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vitviz-")))
        # A picture is equally large whatever screen, or none, is there.
        window = Window(Settings(folder), None if screenshot is None else FIRST_SIZE)
        window.keeps_session = not once
        unexpected.happened.connect(window.banner.show_error)
        window.show()
        if screenshot is not None:
            Screenshot(window, screenshot)
        # Photos are opened, and torch is imported, once there is something to look at.
        FirstPaint(window).done.connect(lambda: begin(app, window, paths))
        code = app.exec()
    end_threads(code)
    return code


def begin(app: Application, window: Window, paths: list[Path]) -> None:
    """Opens these photos, and from now on what the desktop hands over."""
    app.file_opened.connect(lambda path: window.documents.add([Path(path)]))
    window.begin(paths)
