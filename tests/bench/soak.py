"""Many photos, one after another, in the real window: is memory bounded, and given back?

Run by hand: ``python -m tests.bench.soak`` (600 photos made on the fly), or with ``--photos`` and
``--folder``. A row tells how it stands after so many photos: resident memory, threads, open files,
gaps of the event loop since the row before, and the median time from opening a photo to its map.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import psutil
from PIL import Image
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from tests.heart import Heart
from vitviz.gui.app import application
from vitviz.gui.settings import Settings
from vitviz.gui.threads.desk import end_threads
from vitviz.gui.window import FIRST_SIZE, Window
from vitviz.imaging.load import photos_in

SIZES = ((640, 480), (1600, 1067), (1200, 1600), (2400, 1350), (900, 1300), (500, 333))
"""Width and height of the photos made, in turns."""

ROWS = (1, 10, 50, 100, 200, 300, 400, 500, 600)

PATIENCE_S = 120
"""How long one photo may take."""

REST_MS = 3000
"""After Close All, before memory is read again."""


def make(folder: Path, count: int) -> list[Path]:
    """Photos of smooth colours, no two the same."""
    paths = []
    for number in range(count):
        small = np.random.default_rng(number).integers(0, 256, (5, 7, 3), np.uint8)
        paths.append(folder / f"{number:04}.jpg")
        size = SIZES[number % len(SIZES)]
        Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).save(paths[-1])
    return paths


class Soak(QObject):
    """Opens one photo when the map of the one before is there, and prints the table.

    Args:
        window: On which it is done.
        photos: What is opened.
    """

    def __init__(self, window: Window, photos: list[Path]) -> None:
        super().__init__()
        self.window, self.photos = window, photos
        self.heart = Heart()
        self._process = psutil.Process()
        self._seconds: list[float] = []
        self._opened = 0.0
        self._steps = self._run()

    def begin(self) -> None:
        print(f"{'after':>12} {'RSS MB':>7} {'threads':>7} {'files':>6} {'to the map':>11}  gaps")
        self._row("start")
        self.heart.start()
        self.window.begin([self.photos[0]])
        self._opened = time.monotonic()
        self._turn()

    def _turn(self) -> None:
        wait_ms = next(self._steps, None)
        if wait_ms is not None:
            QTimer.singleShot(wait_ms, self._turn)

    def _run(self) -> Iterator[int]:
        """The whole soak; gives how long to wait until it goes on, in milliseconds."""
        for number, path in enumerate(self.photos, 1):
            if number > 1:
                self._opened = time.monotonic()
                self.window.documents.add([path])
            while not self._is_there(path):
                if time.monotonic() - self._opened > PATIENCE_S:
                    raise SystemExit(f"{path.name} has no map after {PATIENCE_S} s")
                yield 2
            self._seconds.append(time.monotonic() - self._opened)
            if number in ROWS or number == len(self.photos):
                self._row(str(number))
            yield 0
        self.window.actions_by_id["file.close_all"].trigger()
        yield REST_MS
        self._row("Close All")
        self.window.store.forget_history()
        gc.collect()
        yield REST_MS
        self._row("no undo, gc")
        self.window.close()
        QApplication.exit(0)

    def _is_there(self, path: Path) -> bool:
        cell = self.window.controller.shown_cell
        return cell is not None and cell.request.photo.path == str(path)

    def _row(self, title: str) -> None:
        process = self._process
        seconds = f"{1000 * statistics.median(self._seconds):.0f} ms" if self._seconds else ""
        memory, files = process.memory_info().rss / 1e6, len(process.open_files())
        numbers = f"{memory:7.0f} {process.num_threads():7} {files:6} {seconds:>11}"
        print(f"{title:>12} {numbers}  {self.heart.words()}", flush=True)
        self._seconds.clear()
        self.heart.forget()


def main() -> None:
    """Reads the command line, and runs."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak")
    parser.add_argument("--photos", type=int, default=600, help="how many (default: 600)")
    parser.add_argument("--folder", type=Path, help="of photos to open, in place of made ones")
    options = parser.parse_args()
    app = application(["vitviz"])
    app.setQuitOnLastWindowClosed(False)
    with tempfile.TemporaryDirectory(prefix="vitviz-soak-") as name:
        folder = Path(name)
        if options.folder is None:
            photos = make(folder, options.photos)
        else:
            photos = photos_in(options.folder.absolute())[: options.photos]
        window = Window(Settings(folder / "settings"), FIRST_SIZE)
        soak = Soak(window, photos)
        window.show()
        QTimer.singleShot(0, soak.begin)
        app.exec()
    end_threads(0)


if __name__ == "__main__":
    main()
