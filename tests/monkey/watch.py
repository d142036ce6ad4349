"""What counts as a failure, wherever it comes up."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

from vitviz.errors import VitvizError
from vitviz.gui.widgets.banner import Banner

ALLOWED = ("This plugin does not support",)
"""Qt's screenless platform says so of every dialog and floating panel."""


class Watch(logging.Handler):
    """Takes exceptions from every thread, errors in the log, what the window did not expect, and
    Qt's warnings.

    Args:
        failed: Told of each, in words.
    """

    def __init__(self, failed: Callable[[str], None]) -> None:
        super().__init__(logging.ERROR)
        self._failed = failed

    def install(self) -> None:
        sys.excepthook = lambda kind, error, trace: self._exception(error)
        sys.unraisablehook = lambda event: self._exception(event.exc_value)
        threading.excepthook = lambda event: self._exception(event.exc_value)
        logging.getLogger("vitviz").addHandler(self)
        qInstallMessageHandler(self._on_qt)
        say, failed = Banner.show_error, self._exception

        def show_error(banner: Banner, error: BaseException, *words: str, **more: str) -> None:
            if not isinstance(error, VitvizError):  # "Something unexpected happened"
                failed(error)
            say(banner, error, *words, **more)

        Banner.show_error = show_error  # type: ignore[method-assign]

    def emit(self, record: logging.LogRecord) -> None:
        self._failed(self.format(record))

    def _exception(self, error: BaseException | None) -> None:
        if error is not None:
            self._failed("".join(traceback.format_exception(error)).rstrip())

    def _on_qt(self, kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        quiet = kind in (QtMsgType.QtDebugMsg, QtMsgType.QtInfoMsg)
        if not quiet and not message.startswith(ALLOWED):
            self._failed(f"Qt: {message}")
