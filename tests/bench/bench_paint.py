"""How long the canvas takes from a change to painted, on a 24-megapixel photo.

Run by hand: ``python -m tests.bench.bench_paint``, and once more with ``QT_SCALE_FACTOR=2`` in the
environment for dense screens. Every row is measured turn by turn with the
bare ``drawImage`` of a picture as large as the canvas, which is the least any repaint can take.
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
from PySide6.QtCore import QPoint
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from tests.explanations import map_of
from vitviz.gui.canvas.canvas import Canvas
from vitviz.gui.canvas.pyramid import pyramid
from vitviz.imaging.geometry import Geometry
from vitviz.imaging.photo import Photo
from vitviz.maps.heat_map import HeatMap
from vitviz.maps.ranges import value_range
from vitviz.maps.style import Style

ROUNDS = 60
SIZE = (1600, 1000)
PHOTO = (4000, 6000)
GRIDS = ((14, 21), (64, 64))


def timed(work: Callable[[], None]) -> float:
    """Milliseconds."""
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def line(name: str, times: list[float], bare: list[float]) -> str:
    """Median and 95th percentile in ms, and the median's ratio to the bare blit."""
    late = quantiles(times, n=20)[-1]
    return f"{name:34} {median(times):7.2f} {late:7.2f} {median(times) / median(bare):7.1f}"


def maps(grid: tuple[int, int]) -> list[HeatMap]:
    """Twelve different maps."""
    random = np.random.default_rng(0)
    values = random.random((12, *grid), dtype=np.float32) ** 4
    return [map_of(v, "attention", (("cls", 0.1), ("dist", 0.1)), 0, "mean") for v in values]


class Bench:
    """A canvas that paints into a picture of its own."""

    def __init__(self, photo: Photo, grid: tuple[int, int]) -> None:
        self.photo = photo
        size = (grid[0] * 16, grid[1] * 16)
        self.geometry = Geometry(photo.size, size, (0, 0), size, 16)
        self.maps = maps(grid)
        self.canvas = Canvas()
        self.canvas.resize(*SIZE)
        self.canvas.set_photo(photo, pyramid(photo.pixels))
        ratio = self.canvas.devicePixelRatioF()
        self.target = QImage(
            round(SIZE[0] * ratio), round(SIZE[1] * ratio), QImage.Format.Format_RGB32
        )
        self.target.setDevicePixelRatio(ratio)
        self.blit = QImage(self.target.size(), QImage.Format.Format_RGB32)
        self.blit.fill(0x808080)
        self.style = Style()
        self.turn = 0

    def paint(self) -> None:
        self.canvas.render(self.target, QPoint())

    def bare(self) -> None:
        painter = QPainter(self.target)
        painter.drawImage(QPoint(), self.blit)
        painter.end()

    def show(self, style: Style) -> None:
        self.turn += 1
        heat_map = self.maps[self.turn % len(self.maps)]
        self.canvas.show_map(heat_map, self.geometry, value_range("each", heat_map), style)
        self.paint()

    def cases(self) -> dict[str, Callable[[], None]]:
        def hover() -> None:
            self.turn += 1
            self.canvas.pointed(300 + self.turn * 53 % 800, 200 + self.turn * 31 % 600)
            self.paint()

        def zoom() -> None:
            self.turn += 1
            self.canvas.zoom_to(self.canvas.zoom * (1.07 if self.turn % 20 < 10 else 1 / 1.07))
            self.paint()

        def opacity() -> None:
            self.show(replace(self.style, opacity=0.3 + 0.05 * (self.turn % 12)))

        def colour() -> None:
            name = ("inferno", "viridis")[self.turn % 2]
            self.show(replace(self.style, colour_map=name))  # type: ignore[arg-type]

        return {
            "layer or head, smooth": lambda: self.show(self.style),
            "layer or head, nearest": lambda: self.show(replace(self.style, smooth=False)),
            "opacity": opacity,
            "colour map": colour,
            "hover": hover,
            "wheel zoom (photo and map)": zoom,
        }


def main() -> None:
    app = QApplication.instance() or QApplication(sys.argv)
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (*PHOTO, 3), dtype=np.uint8)
    photo = Photo(pixels, None, "bench")
    print(f"pyramid of {PHOTO[1]} x {PHOTO[0]}: {timed(lambda: pyramid(pixels) and None):.0f} ms")
    print(f"{'ms, canvas ' + str(SIZE):34} {'median':>7} {'95th':>7} {'x bare':>7}")
    for grid in GRIDS:
        bench = Bench(photo, grid)
        print(f"grid {grid[0]} x {grid[1]}, device pixel ratio {bench.target.devicePixelRatio():g}")
        for name, work in bench.cases().items():
            work()
            pairs = [(timed(work), timed(bench.bare)) for _ in range(ROUNDS)]
            times, bare = [list(column) for column in zip(*pairs, strict=True)]
            print("  " + line(name, times, bare))
        print("  " + line("bare drawImage", bare, bare))
        bench.canvas.deleteLater()
        app.processEvents()


if __name__ == "__main__":
    main()
