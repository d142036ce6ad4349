"""Draws a figure with matplotlib: its object interface only, and never its global settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from vitviz.figures.arrange import arrange
from vitviz.figures.fonts import LOCK, keep_fonts_known
from vitviz.figures.inks import INKS
from vitviz.figures.layout import BarStrip, FigureLayout
from vitviz.figures.panel import Grid, Panel, Place
from vitviz.figures.pictures import Pictures, cell_colours
from vitviz.figures.sharing import colour_bars
from vitviz.figures.spec import FigureSpec
from vitviz.maps.mass import mass_lines
from vitviz.maps.outliers import strokes
from vitviz.maps.overlay import AMBER, frames, over_grey
from vitviz.maps.style import Style
from vitviz.shapes import UInt8

if TYPE_CHECKING:  # it takes a second, and only figures need it
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

MM_PER_INCH = 25.4

SETTINGS: dict[Any, Any] = {
    "pdf.fonttype": 42, "pdf.use14corefonts": False, "pdf.compression": 6, "svg.fonttype": "none",
    "svg.hashsalt": "vitviz", "svg.image_inline": True, "text.usetex": False,
    "text.hinting": "force_autohint", "text.antialiased": True,
    "text.parse_math": False, "image.composite_image": False, "path.simplify": False,
    "path.snap": False, "path.sketch": None, "path.effects": [], "agg.path.chunksize": 0,
}  # fmt: skip
"""What matplotlib draws with, whatever the user's own settings are. Type 42 embeds fonts as they
are, so text in a PDF can be selected and edited; text in an SVG stays text.
"""


@contextmanager
def matplotlib_settings() -> Iterator[None]:
    """Our settings of matplotlib while a figure is drawn; one thread at a time."""
    with LOCK:
        keep_fonts_known()
        import matplotlib

        with matplotlib.rc_context(SETTINGS):
            yield


class Drawing:
    """A figure, ready to be drawn as pixels or as vectors.

    Args:
        grid: What is in it.
        spec: Its size and its looks.

    Raises:
        VitvizError: It does not fit its size, or the font is not installed.
    """

    def __init__(self, grid: Grid, spec: FigureSpec) -> None:
        self.spec = spec
        self._grid = grid
        with matplotlib_settings():
            self.layout: FigureLayout = arrange(grid, spec)
        self._ends = {
            place: bar.ends
            for bar, places in colour_bars(grid, spec.sharing).items()
            for place in places
        }

    def pixel_size(self, dpi: float) -> tuple[int, int]:
        """Height and width of the figure in pixels."""
        height, width = (
            max(round(side * dpi / MM_PER_INCH), 1)
            for side in (self.layout.height, self.layout.width)
        )
        return height, width

    def pixels(self, dpi: float | None = None) -> UInt8[np.ndarray, "height width 4"]:
        """The figure as red, green, blue and alpha (not premultiplied).

        Args:
            dpi: Pixels per inch; those of the spec by default.
        """
        dpi = dpi or self.spec.dpi
        with matplotlib_settings():
            from matplotlib.backends.backend_agg import FigureCanvasAgg

            canvas = FigureCanvasAgg(self._figure(dpi, exact=True))
            canvas.draw()  # type: ignore[no-untyped-call]
            buffer = canvas.buffer_rgba()  # type: ignore[no-untyped-call]
            return np.asarray(buffer).copy()

    def box(self, place: Place, dpi: float) -> tuple[int, int, int, int]:
        """Left, top, width and height of a panel's picture among the figure's pixels."""
        rect, scale = self.layout.pictures[place], dpi / MM_PER_INCH
        return (round(rect.left * scale), round(rect.top * scale),
                max(round(rect.width * scale), 1), max(round(rect.height * scale), 1))  # fmt: skip

    def vector_figure(self) -> Figure:
        """The figure for SVG and PDF; to be drawn inside ``matplotlib_settings``."""
        return self._figure(72, exact=False)

    def _figure(self, dpi: float, exact: bool) -> Figure:
        from matplotlib.figure import Figure

        height, width = self.pixel_size(dpi) if exact else (
            side * 72 / MM_PER_INCH for side in (self.layout.height, self.layout.width)
        )  # fmt: skip
        inks, bare = INKS[self.spec.ground], self.spec.ground == "transparent"
        # The hundredth keeps sizes that are not whole in binary from being cut to a pixel less.
        extra = 0.01 if exact else 0.0
        figure = Figure(
            figsize=((width + extra) / dpi, (height + extra) / dpi), dpi=dpi,
            facecolor="none" if bare else inks.ground, edgecolor="none", linewidth=0,
        )  # fmt: skip
        for artist in self._artists(dpi, exact):
            figure.add_artist(artist)
        return figure

    def _artists(self, dpi: float, exact: bool) -> Iterator[Artist]:
        from vitviz.figures.artists import Page

        canvas = Page(self.layout.height, dpi, exact, self.layout.families, INKS[self.spec.ground])
        pictures = Pictures(self.spec.draws, self._as_cells(exact))
        for place, panel in self._grid.placed:
            low, high = self._ends.get(place, panel.ends)
            left, top, width, height = self.box(place, self.spec.dpi if not exact else dpi)
            image = pictures.picture(panel, low, high, (height, width))
            yield canvas.image(image, self.layout.pictures[place], (left, top))
            yield from self._over(canvas, place, panel, exact)
        for bar in self.layout.bars:
            yield from canvas.bar(bar, over_grey(bar_style(bar, self.spec)))
        for word in self.layout.words:
            yield canvas.word(word)

    def _as_cells(self, exact: bool) -> bool:
        return not exact and self.spec.cells == "vector" and self.spec.draws != "photo"

    def _over(self, canvas: Any, place: Place, panel: Panel, exact: bool) -> Iterator[Artist]:
        """What lies over a panel's picture."""
        rect = self.layout.pictures[place]
        if self._as_cells(exact) and panel.values is not None:
            low, high = self._ends[place]
            alone = self.spec.draws == "map"
            yield canvas.cells(panel, rect, cell_colours(panel, low, high, alone))
        if self.spec.grid and not panel.cut:
            yield canvas.grid(panel, rect)
        if panel.values is not None and self.spec.draws != "photo":
            lines = mass_lines(panel.values, panel.geometry, panel.style.outlined)
            lines += frames(panel.matches, panel.geometry)
            yield from canvas.lines(strokes(panel.outliers, panel.geometry), panel, rect, AMBER)
            yield from canvas.lines(lines, panel, rect)
        for box in panel.marked:
            yield from canvas.mark(box, panel, rect)
        if not panel.cut:
            yield canvas.frame(rect)


def bar_style(bar: BarStrip, spec: FigureSpec) -> Style:
    """The colours at a bar, which are those in the panels: opaque, where there is no photo."""
    return replace(bar.style, opacity=1.0, fade=False) if spec.draws == "map" else bar.style
