"""``vitviz --screenshot PNG``: a picture of the window with its first map."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QDeadlineTimer, QObject, QTimer, Slot

from vitviz.errors import VitvizError
from vitviz.gui.window import Window
from vitviz.plain_text import shown_text

LIMIT_MS = 120_000
"""How long to wait for the first map; the slowest measured start took about five seconds."""

AFTER_A_FAILURE_MS = 10_000
"""How long to wait once something failed: the work may go on elsewhere, such as on the CPU."""


class Screenshot(QObject):
    """Saves a picture of the window once its first map is painted, and ends the program.

    The exit code is 0, or 1 if there is no picture; then standard error says why.

    Args:
        window: What to take a picture of; closed then.
        path: Of the new file; the suffix says the format.
        limit_ms: How long to wait, in milliseconds.
    """

    def __init__(self, window: Window, path: Path, limit_ms: int = LIMIT_MS) -> None:
        super().__init__(window)
        self.window, self.path = window, path
        self._deadline = QDeadlineTimer(limit_ms)
        self._problem = ""
        window.controller.refused.connect(self._on_problem)
        window.controller.photos_refused.connect(
            lambda refused: self._on_problem(next(iter(refused.values())))
        )
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)
        self._timer.start(20)

    @Slot()
    def _look(self) -> None:
        window = self.window
        cell = window.controller.shown_cell
        live = cell is not None and not cell.recalled
        if live and window.panels.layers.filmstrip.complete:
            saved = window.grab().save(str(self.path))
            self._end("" if saved else f"{self.path} cannot be written.")
        elif self._deadline.hasExpired():
            self._end(self._problem or "there was no map in time.")

    @Slot(object)
    def _on_problem(self, error: BaseException) -> None:
        self._problem = error.message if isinstance(error, VitvizError) else repr(error)
        if self._deadline.remainingTime() > AFTER_A_FAILURE_MS:
            self._deadline.setRemainingTime(AFTER_A_FAILURE_MS)

    def _end(self, problem: str) -> None:
        self._timer.stop()
        if problem:
            sys.stderr.write(f"vitviz: no screenshot: {shown_text(problem)}\n")
        self.window.close()
        QCoreApplication.exit(1 if problem else 0)
