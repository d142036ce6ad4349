"""From a moved slider, or a patch erased with the brush, to painted, in How It Sees.

Run by hand on a quiet machine: ``python -m tests.bench.bench_how``. Wall-clock and processor time,
the medians of ``ROUNDS``, with the bundled model. The limit is 300 ms.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication

from vitviz.engine.station_requests import WhatIfRequest
from vitviz.gui import app as application
from vitviz.gui.settings import Settings
from vitviz.gui.views.how.view import HowView
from vitviz.gui.views.how.words import Stop
from vitviz.gui.window import Window
from vitviz.imaging.samples import sample_photos

ROUNDS = 15
SIZE = QSize(1400, 880)


def wait(app: QApplication, until: Callable[[], object]) -> None:
    while not until():
        app.processEvents()
        time.sleep(0.001)  # the work is done elsewhere


def measured(app: QApplication, change: Callable[[int], None], done: Callable[[], object]) -> str:
    """Medians of some rounds, in milliseconds."""
    walls, works = [], []
    for number in range(ROUNDS):
        wall, work = time.perf_counter(), time.process_time()
        change(number)
        wait(app, done)
        app.processEvents()
        walls.append(1000 * (time.perf_counter() - wall))
        works.append(1000 * (time.process_time() - work))
    return f"{median(walls):7.0f} ms, {median(works):5.0f} ms of processor time"


class Bench:
    """A window on a sample photo.

    Args:
        folder: For its settings.
        app: The program.
    """

    def __init__(self, folder: Path, app: QApplication) -> None:
        self.app = app
        settings = Settings(folder)
        settings.set_preferences(replace(settings.preferences(), trust_line=False))
        self.window = Window(settings, SIZE)
        self.window.show()
        self.window.begin([sample_photos()[1]])
        self.window.store.amend(replace(self.window.store.session, tab="how"))
        self.view: HowView = self.window.views.view("how")  # type: ignore[assignment]
        self.settle()

    def settle(self) -> None:
        wait(self.app, self.is_settled)

    def is_settled(self) -> bool:
        """All that is wanted is there, and painted."""
        cell = self.window.controller.shown_cell
        return cell is not None and not self.window.service.is_busy and not self.view._asked

    def open(self, stop: Stop) -> None:
        self.view.open_stop(stop)
        self.settle()

    def sliders(self) -> None:
        """What is only counted, and the softmax's temperature."""
        self.open("cut")
        cut = self.view.station("cut")
        for name in ("side", "input"):
            slider = getattr(cut, name)
            line = measured(self.app, lambda n, s=slider: s.setValue(1 + n % 5), lambda: True)
            print(f"{name + ' slider':24} {line}")
        self.open("blocks")
        heat = self.view.station("blocks").attention.heat  # type: ignore[attr-defined]
        line = measured(self.app, lambda n: heat.setValue(1 + n), lambda: True)
        print(f"{'temperature':24} {line}")

    def brush(self) -> None:
        """A patch is erased: the scores without it are painted, and then the other maps."""
        self.open("read")
        read = self.view.station("read")

        def erase(number: int) -> None:
            read.picture.brushed.emit(20 + 3 * number, True)  # type: ignore[attr-defined]

        def answered() -> bool:
            subject = self.view._subject
            return subject is not None and self.view.facts.get(subject.ask(WhatIfRequest))

        line = measured(self.app, erase, answered)
        print(f"{'brush to bars':24} {line}")
        self.settle()


def main() -> None:
    """Prints a line a control."""
    app = application.application(["vitviz"])
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), app)
        bench.sliders()
        bench.brush()
        bench.window.close()


if __name__ == "__main__":
    main()
