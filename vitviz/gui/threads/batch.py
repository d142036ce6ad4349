"""A batch beside the window."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject

from vitviz.batch.job import Batch
from vitviz.batch.progress import BatchProgress
from vitviz.batch.run import Summary, run
from vitviz.gui.threads.background import TOLD_EVERY_S, Background
from vitviz.gui.threads.service import Service
from vitviz.progress import Control


class BatchService(Background):
    """Runs one batch at a time; tells ``BatchProgress``, and in the end a ``Summary``.

    Args:
        service: The window's engine.
    """

    def __init__(self, service: Service, parent: QObject | None = None) -> None:
        super().__init__(service, "vitviz-batch", parent)

    def start(self, batch: Batch, *, restart: bool = False) -> None:
        """Begins a batch, or goes on with it; nothing where one is running."""

        def work(control: Control) -> Summary:
            teller = _Teller(self.told.emit)
            try:
                return run(batch, teller, control, restart=restart)
            finally:
                teller.last()

        self.run(work)


class _Teller:
    """Tells now and then, and the last at any rate."""

    def __init__(self, tell: Callable[[BatchProgress], None]) -> None:
        self._tell, self._at = tell, 0.0
        self._untold: BatchProgress | None = None

    def __call__(self, progress: BatchProgress) -> None:
        now = time.monotonic()
        self._untold = progress
        if progress.stage is not None or now - self._at >= TOLD_EVERY_S:
            self._at = now
            self.last()

    def last(self) -> None:
        if self._untold is not None:
            self._tell(self._untold)
            self._untold = None
