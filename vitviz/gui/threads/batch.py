"""A batch beside the window."""

from __future__ import annotations

from PySide6.QtCore import QObject

from vitviz.batch.job import Batch
from vitviz.batch.run import run
from vitviz.batch.summary import Summary
from vitviz.gui.threads.background import Background, Tell
from vitviz.gui.threads.service import Service
from vitviz.progress import Control, throttled


class BatchService(Background):
    """Runs one batch at a time; tells ``BatchProgress``, and in the end a ``Summary``.

    Args:
        service: The window's engine.
    """

    def __init__(self, service: Service, parent: QObject | None = None) -> None:
        super().__init__(service, "vitviz-batch", parent)

    def start(self, batch: Batch, *, restart: bool = False) -> None:
        """Begins a batch, or resumes it; nothing where one is running."""

        def work(control: Control, tell: Tell) -> Summary:
            with throttled(tell) as report:
                return run(batch, report, control, restart=restart)

        self.run(work)
