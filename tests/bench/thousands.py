"""Thousands of photos in the real window: how long is it away while they are dropped and gone over?

Run by hand: ``python -m tests.bench.thousands`` (20,000 photos made on the fly), or with
``--photos``. A row tells the gaps of the event loop during one thing that is done with them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QMimeData, QObject, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget

from tests.bench.soak import make
from tests.heart import Heart
from vitviz.gui.app import application
from vitviz.gui.settings import Settings
from vitviz.gui.threads.desk import end_threads
from vitviz.gui.window import FIRST_SIZE, Window
from vitviz.imaging.samples import sample_photos

COPY, LEFT = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
DIFFERENT = 60
"""Photos that are not copies of others."""

WATCHED_MS = 4000
"""How long the window is watched after each thing, in which thumbnails are made."""

PATIENCE_S = 120


def copies(folder: Path, count: int) -> list[Path]:
    """So many photos; the same few again and again, where the disk allows links to them."""
    first = make(folder, DIFFERENT)
    paths = []
    for number in range(count):
        paths.append(folder / f"IMG_{number:05}.jpg")
        try:
            os.link(first[number % DIFFERENT], paths[-1])
        except OSError:
            shutil.copy(first[number % DIFFERENT], paths[-1])
    for path in first:
        path.unlink()
    return paths


def files(paths: list[Path]) -> QMimeData:
    """What is dropped; it is the other program that takes its time to make it."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def drop(target: QWidget, data: QMimeData) -> None:
    """Lets it fall on a widget."""
    at, keys = target.rect().center(), Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(at, COPY, data, LEFT, keys)
    enter.ignore()
    QApplication.sendEvent(target, enter)
    QApplication.sendEvent(target, QDropEvent(QPointF(at), COPY, data, LEFT, keys))


class Thousands(QObject):
    """Does one thing after another with many photos, and prints the table.

    Args:
        window: On which it is done.
        photos: Dropped; all in one folder.
    """

    def __init__(self, window: Window, photos: list[Path]) -> None:
        super().__init__()
        self.window, self.photos = window, photos
        self.heart = Heart()
        self._steps = self._run()

    def begin(self) -> None:
        self.window.begin([])
        self.heart.start()
        self._turn()

    def _turn(self) -> None:
        wait_ms = next(self._steps, None)
        if wait_ms is not None:
            QTimer.singleShot(wait_ms, self._turn)

    def _run(self) -> Iterator[int]:
        """Everything; gives how long to wait until it goes on, in milliseconds."""
        window, do = self.window, self.window.actions_by_id
        samples = len(sample_photos())
        yield from self._watch("start", lambda: None, samples)
        count = len(self.photos) + samples
        data, folder = files(self.photos), files([self.photos[0].parent])
        yield from self._watch("drop", lambda: drop(window, data), count)
        panel = window.panels.photos
        bar = panel.list.verticalScrollBar()
        middle = bar.maximum() // 2
        yield from self._watch("scroll", lambda: bar.setValue(middle), count)
        yield from self._watch("choose", lambda: panel.selected.emit(count // 2), count)
        yield from self._watch("close one", do["file.close"].trigger, count - 1)
        yield from self._watch("Close All", do["file.close_all"].trigger, 0)
        yield from self._watch("undo", do["edit.undo"].trigger, count - 1)
        yield from self._watch("Close All", do["file.close_all"].trigger, 0)
        yield from self._watch("drop folder", lambda: drop(window, folder), len(self.photos))
        do["view.compare"].trigger()
        do["file.close_all"].trigger()
        yield from self._watch("start anew", window.documents.add_samples, samples)
        pane = window.views.view("compare").panes[0]
        yield from self._watch("drop on pane", lambda: drop(pane, data), count)
        window.close()
        QApplication.exit(0)

    def _watch(self, title: str, act: Callable[[], object], photos: int) -> Iterator[int]:
        """Does something and prints the gaps until so many photos are open, and a while after."""
        self.heart.forget()
        begin = time.monotonic()
        QTimer.singleShot(0, act)  # in the event loop, like what a user does
        yield 10
        while len(self.window.store.session.photos) != photos:
            if time.monotonic() - begin > PATIENCE_S:
                raise SystemExit(f"{title}: not {photos:,} photos after {PATIENCE_S} s")
            yield 5
        there = time.monotonic() - begin
        yield WATCHED_MS
        print(f"{title:>13}: there after {there:5.2f} s; gaps {self.heart.words()}", flush=True)


def main() -> None:
    """Reads the command line, and runs."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.thousands")
    parser.add_argument("--photos", type=int, default=20_000, help="how many (default: 20,000)")
    options = parser.parse_args()
    app = application(["vitviz"])
    app.setQuitOnLastWindowClosed(False)
    with tempfile.TemporaryDirectory(prefix="vitviz-thousands-") as name:
        folder = Path(name)
        (folder / "photos").mkdir()
        photos = copies(folder / "photos", options.photos)
        window = Window(Settings(folder / "settings"), FIRST_SIZE)
        thousands = Thousands(window, photos)
        window.show()
        QTimer.singleShot(0, thousands.begin)
        app.exec()
    end_threads(0)


if __name__ == "__main__":
    main()
