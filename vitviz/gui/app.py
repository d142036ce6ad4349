"""Starts the window."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from vitviz import __version__
from vitviz.gui import theme
from vitviz.gui.reports import Unexpected, start_log
from vitviz.gui.settings import Settings
from vitviz.gui.window import Window


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


def application(arguments: list[str]) -> QApplication:
    """The one QApplication."""
    app = QApplication(arguments)
    app.setApplicationName("vitviz")
    app.setApplicationDisplayName("vitviz")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName("vitviz")
    app.setWindowIcon(theme.program_icon())
    return app


def start(paths: list[Path], screenshot: Path | None = None) -> int:
    """Opens the window on these photos; returns the exit code once it is closed.

    Args:
        paths: Photos, folders, a session or a checkpoint.
        screenshot: Where to save a picture of the window once its first map is there, and close.
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
    window = Window(Settings())
    unexpected.happened.connect(window.banner.show_error)
    window.show()
    if screenshot is not None:
        window.take_screenshot(screenshot)
    # Only now: the window is painted before the first photo is opened and torch is imported.
    QTimer.singleShot(0, lambda: window.begin(paths))
    return app.exec()
