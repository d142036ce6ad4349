"""How long six linked panes take from a change to painted, on a 24-megapixel photo.

Run by hand: ``python -m tests.bench.bench_compare``, with ``--photos`` for six photos of 24
megapixels instead of one (needs about 700 MB), and once more with ``QT_SCALE_FACTOR=2`` in the
environment for dense screens. Each step changes what the user would change and has the view paint
what Qt would paint: the parts that asked for it, no others. Every row is measured turn by turn with
the bare ``drawImage`` of a picture as large as the view, which is the least any full repaint can
take.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median, quantiles

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QPoint, QPointF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from tests.explanations import explanation_of
from vitviz.engine.answers import Cell
from vitviz.engine.plan import plan
from vitviz.gui.app import application
from vitviz.gui.canvas.pyramid import pyramid
from vitviz.gui.scene import PaneState, Scene
from vitviz.gui.threads.service import OpenPhoto
from vitviz.gui.views.compare.view import CompareView
from vitviz.imaging.geometry import Geometry
from vitviz.imaging.photo import Photo
from vitviz.models.loading import bundled
from vitviz.models.tokens import TokenLayout
from vitviz.session.state import Pane, PhotoRef, Session, View, with_panes

ROUNDS = 30
SIZE = (1600, 1000)
PHOTO = (4000, 6000)
GRIDS = ((14, 21), (64, 64))
PANES = 6
LAYERS = 12


def timed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def line(name: str, times: list[float], bare: list[float]) -> str:
    """Median and 95th percentile in ms, and the median's ratio to the bare blit."""
    late = quantiles(times, n=20)[-1]
    return f"{name:38} {median(times):7.2f} {late:7.2f} {median(times) / median(bare):7.1f}"


def opened(number: int) -> OpenPhoto:
    pixels = np.random.default_rng(number).integers(0, 256, (*PHOTO, 3), dtype=np.uint8)
    photo = Photo(pixels, None, str(number))
    return OpenPhoto(PhotoRef(f"{number}.png"), photo, pyramid(pixels), pixels[::16, ::16])


def state(photo: OpenPhoto, grid: tuple[int, int], seed: int) -> PaneState:
    size = (grid[0] * 16, grid[1] * 16)
    geometry = Geometry(PHOTO, size, (0, 0), size, 16)
    layout = TokenLayout(("cls", "dist"), grid)
    values = np.random.default_rng(seed).random((LAYERS, 3, layout.tokens), dtype=np.float32) ** 4
    explanation = explanation_of(values, tuple(range(LAYERS)), None, layout, "attention")
    pane = Pane(photo.ref, bundled()[0].id, view=View(layer=0))
    (request,) = plan(Session((photo.ref,), 0, pane.model, pane.input, pane.view), "cpu")
    pixels = np.zeros((*size, 3), np.uint8)
    cell = Cell(request, "", bundled()[0], geometry, 0, explanation, None, pixels, "cpu", 0.1, 0.1)
    return PaneState(pane, photo, cell)


class Bench:
    """Six panes that paint when asked to."""

    def __init__(self, photos: list[OpenPhoto], grid: tuple[int, int]) -> None:
        made = [state(photos[i % len(photos)], grid, i) for i in range(PANES)]
        self.states = tuple(made)
        session = Session(tuple(photo.ref for photo in photos), model=bundled()[0].id)
        self.session = with_panes(session, tuple(s.pane for s in made), 0)
        self.view = CompareView()
        self.view.resize(*SIZE)
        self.view.show()
        self.turn = 0
        self.show()
        ratio = self.view.devicePixelRatioF()
        size = round(SIZE[0] * ratio), round(SIZE[1] * ratio)
        self.target = QImage(*size, QImage.Format.Format_RGB32)
        self.blit = QImage(*size, QImage.Format.Format_RGB32)
        self.blit.fill(0x808080)

    def bare(self) -> None:
        painter = QPainter(self.target)
        painter.drawImage(QPoint(), self.blit)
        painter.end()

    def show(self, **choices: object) -> None:
        if choices:
            compare = replace(self.session.compare, **choices)  # type: ignore[arg-type]
            self.session = replace(self.session, compare=compare)
        self.view.show_scene(Scene(self.session, self.states))
        QApplication.processEvents()

    def step(self, index: int) -> None:
        """Another layer in one pane."""
        self.turn += 1
        old = self.states[index]
        pane = replace(old.pane, view=replace(old.pane.view, layer=self.turn % LAYERS))
        changed = (replace(old, pane=pane),)
        self.states = self.states[:index] + changed + self.states[index + 1 :]
        self.show()

    def cases(self) -> dict[str, Callable[[], None]]:
        view = self.view

        def hover() -> None:
            self.turn += 1
            canvas = view.canvas
            width, height = canvas.width(), canvas.height()
            canvas.pointed(self.turn * 53 % width, 20 + self.turn * 31 % (height - 40))
            QApplication.processEvents()

        def zoom() -> None:
            self.turn += 1
            canvas = view.canvas
            canvas.zoom_to(canvas.zoom * (1.07 if self.turn % 20 < 10 else 1 / 1.07))
            QApplication.processEvents()

        def pan() -> None:
            self.turn += 1
            view.canvas.move_by(*((7, 4) if self.turn % 20 < 10 else (-7, -4)))
            QApplication.processEvents()

        def all_layers() -> None:
            self.turn += 1
            view_of = [replace(s.pane.view, layer=self.turn % LAYERS) for s in self.states]
            self.states = tuple(
                replace(s, pane=replace(s.pane, view=v))
                for s, v in zip(self.states, view_of, strict=True)
            )
            self.show()

        return {
            "hover, linked": hover,
            "wheel zoom, linked": zoom,
            "pan, linked": pan,
            "layer of one pane": lambda: self.step(0),
            "layer of all panes": all_layers,
            "show again, nothing changed": self.show,
        }

    def wipes(self) -> dict[str, Callable[[], None]]:
        def wipe() -> None:
            self.turn += 1
            self.view.wipe.move_to(0.2 + 0.6 * (self.turn * 7 % 60) / 60)
            QApplication.processEvents()

        def zoom() -> None:
            self.turn += 1
            canvas = self.view.canvas
            grow = 1.07 if self.turn % 20 < 10 else 1 / 1.07
            canvas.zoom_to(canvas.zoom * grow, QPointF(500, 400))
            QApplication.processEvents()

        return {"wipe, handle": wipe, "wipe, wheel zoom": zoom}


def report(bench: Bench, cases: dict[str, Callable[[], None]]) -> None:
    for name, work in cases.items():
        work()
        pairs = [(timed(work), timed(bench.bare)) for _ in range(ROUNDS)]
        times, bare = [list(column) for column in zip(*pairs, strict=True)]
        print("  " + line(name, times, bare))


def main() -> None:
    app = application(["vitviz"])
    count = PANES if "--photos" in sys.argv[1:] else 1
    photos = [opened(number) for number in range(count)]
    print(f"{PANES} panes, {count} photos of {PHOTO[1]} x {PHOTO[0]}, view {SIZE}")
    print(f"{'ms':40} {'median':>7} {'95th':>7} {'x bare':>7}")
    for grid in GRIDS:
        bench = Bench(photos, grid)
        print(f"grid {grid[0]} x {grid[1]}, ratio {bench.view.devicePixelRatioF():g}")
        report(bench, bench.cases())
        bench.show(arrangement="wipe")
        report(bench, bench.wipes())
        bench.view.close()
        bench.view.deleteLater()
        app.processEvents()


if __name__ == "__main__":
    main()
