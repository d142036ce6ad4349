"""How soon the picture follows a brush on the photo, and a head that is silenced.

Run: ``python -m tests.bench.bench_live [--method NAME] [--strokes N] [--model FILE]``; needs no
screen. Real presses and moves of the mouse go to the window. A stroke is timed from the move to the
end of the paint that shows the answer without that patch; a switch from the click on a head of the
Heads view to the same. Told are the median and the worst, and processor time beside them: on a busy
computer the first say little. The trust line is off, as while somebody draws nothing stands still.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from vitviz.gui import app as application
from vitviz.gui.settings import Settings
from vitviz.gui.window import FIRST_SIZE, Window
from vitviz.imaging.samples import sample_photos
from vitviz.session.state import View


class Paints(QObject):
    """When a widget was last painted, in seconds of the clock that only goes on."""

    last = 0.0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self.last = time.perf_counter()
        return False


def wait(app: QApplication, until, most_s: float = 120.0) -> None:  # type: ignore[no-untyped-def]
    end = time.perf_counter() + most_s
    while not until():
        if time.perf_counter() > end:
            raise SystemExit("The window did not follow.")
        app.processEvents()


def followed(app: QApplication, window: Window, widget, act) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Seconds, and seconds of processor time, from an act to the paint that shows its answer."""
    paints, before = Paints(), window.controller.shown_cell
    widget.installEventFilter(paints)
    began, worked = time.perf_counter(), time.process_time()
    answered: list[float] = []

    def look() -> None:
        cell = window.controller.shown_cell
        if cell is not before and cell.request.ablation == window.store.session.view.ablation:
            answered.append(time.perf_counter())

    window.controller.refreshed.connect(look)  # its paint may come with the same events
    act()
    wait(app, lambda: answered and paints.last > answered[0])
    window.controller.refreshed.disconnect(look)
    widget.removeEventFilter(paints)
    return paints.last - began, time.process_time() - worked


def told(name: str, found: list[tuple[float, float]]) -> None:
    seconds, worked = zip(*found, strict=True)
    print(
        f"{name:28} median {1000 * statistics.median(seconds):4.0f} ms, "
        f"worst {1000 * max(seconds):4.0f}; processor {1000 * statistics.median(worked):4.0f} ms"
    )


def moved(canvas, at: QPoint) -> None:  # type: ignore[no-untyped-def]
    """The pointer goes there with its button down; a screenless platform has none to be moved."""
    event = QMouseEvent(
        QEvent.Type.MouseMove, QPointF(at), QPointF(canvas.mapToGlobal(at)),
        Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(canvas, event)


def brushed(app: QApplication, window: Window, strokes: int) -> list[tuple[float, float]]:
    canvas = window.canvas
    window.actions_by_id["model.brush"].trigger()
    geometry, found = canvas.grid_geometry, []

    def point(row: int, col: int) -> QPoint:
        return canvas.on_widget(geometry.patch_box(row, col)).center().toPoint()

    left = Qt.MouseButton.LeftButton
    QTest.mousePress(canvas, left, pos=point(2, 2))
    wait(app, lambda: not window.service.is_at_work)
    rows, cols = geometry.grid
    for number in range(strokes):
        at = point(3 + number // (cols - 4) % (rows - 4), 2 + number % (cols - 4))
        found.append(followed(app, window, canvas, lambda at=at: moved(canvas, at)))
    QTest.mouseRelease(canvas, left, pos=at)
    window.actions_by_id["model.brush"].trigger()
    return found


def silenced(app: QApplication, window: Window, times: int) -> list[tuple[float, float]]:
    window.store.set(replace(window.store.session, tab="heads"))
    heads, found = window.views.view("heads"), []
    heads.tools.switch.click()
    outline = window.controller.shown_cell.outline
    for number in range(times):
        layer, head = number % outline.depth, number % outline.layers[0].heads
        act = lambda layer=layer, head=head: heads.matrix.opened.emit(layer, head)  # noqa: E731
        found.append(followed(app, window, heads.matrix.viewport(), act))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--method", default="attention")
    parser.add_argument("--strokes", type=int, default=20)
    parser.add_argument("--model", default="")
    options = parser.parse_args()
    app = application.application(["vitviz"])
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(Path(folder))
        settings.set_preferences(replace(settings.preferences(), trust_line=False))
        window = Window(settings, FIRST_SIZE)
        window.show()
        window.begin(sample_photos()[:1])
        wait(app, lambda: (cell := window.controller.shown_cell) and not cell.recalled)
        if options.model:
            window.documents.use_model(options.model)
        window.store.set(replace(window.store.session, view=View(options.method)))
        asked = window.store.session
        wait(app, lambda: window.controller.shown_cell.request.method == options.method
             and window.controller.shown_cell.request.model == asked.model)  # fmt: skip
        told(f"brush, {options.method}", brushed(app, window, options.strokes))
        window.actions_by_id["model.whole"].trigger()
        wait(app, lambda: not window.service.is_at_work)
        if "attention" in window.controller.shown_cell.outline.gives:
            told(f"switch, {options.method}", silenced(app, window, options.strokes))
        window.close()


if __name__ == "__main__":
    main()
