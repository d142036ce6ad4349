"""The parts of a figure as matplotlib's artists. Imports matplotlib: only for who draws."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, IdentityTransform

from vitviz.figures.inks import Inks
from vitviz.figures.layout import BarStrip, Rect, Word
from vitviz.figures.panel import Panel
from vitviz.imaging.geometry import Box
from vitviz.shapes import Float, UInt8

PT_PER_MM = 72 / 25.4
HAIRLINE_PT = 0.4
MARK_PT = 0.9
"""Width of the frame around a query patch."""


class Picture(Artist):
    """An image: pixel for pixel where the figure is of pixels, else scaled into its place.

    Args:
        pixels: Red, green, blue, alpha.
        corner: Left and bottom, in the figure's units.
        size: Width and height in these units; None: as many as it has pixels.
    """

    def __init__(
        self,
        pixels: UInt8[np.ndarray, "height width 4"],
        corner: tuple[float, float],
        size: tuple[float, float] | None,
    ) -> None:
        super().__init__()
        self._pixels = np.ascontiguousarray(pixels[::-1])
        self._corner = corner
        self._size = size

    def draw(self, renderer: Any) -> None:
        gc = renderer.new_gc()
        if self._size is None:
            renderer.draw_image(gc, *self._corner, self._pixels)
        else:
            # The backends multiply by the image's size in units themselves.
            place = Affine2D().scale(*self._size)
            renderer.draw_image(gc, *self._corner, self._pixels, place)
        gc.restore()


class Page:
    """Makes artists from places in millimetres, the origin at the top left.

    Args:
        height: Of the figure, in millimetres.
        dpi: The figure's units in an inch.
        exact: Its units are pixels, and pictures lie on them.
        families: Of its text.
        inks: Its colours.
    """

    def __init__(
        self, height: float, dpi: float, exact: bool, families: tuple[str, ...], inks: Inks
    ) -> None:
        self._height = height
        self._scale = dpi / 25.4
        self._exact = exact
        self._families = list(families)
        self._inks = inks
        self._pixel_height = max(round(height * self._scale), 1) if exact else height * self._scale
        self._to_units = Affine2D().scale(self._scale, -self._scale).translate(
            0, self._pixel_height
        )  # fmt: skip

    def image(
        self, pixels: UInt8[np.ndarray, "tall wide 4"], rect: Rect, corner: tuple[int, int]
    ) -> Artist:
        """A picture; ``corner``: its left and top in pixels, where the figure is of pixels."""
        if self._exact:
            left, top = corner
            return Picture(pixels, (left, int(self._pixel_height) - top - len(pixels)), None)
        bottom = self._pixel_height - rect.bottom * self._scale
        size = (rect.width * self._scale, rect.height * self._scale)
        return Picture(pixels, (rect.left * self._scale, bottom), size)

    def snapped(self, rect: Rect) -> Rect:
        """The rectangle that a picture really covers."""
        if not self._exact:
            return rect
        s = self._scale
        left, top = round(rect.left * s), round(rect.top * s)
        width, height = max(round(rect.width * s), 1), max(round(rect.height * s), 1)
        return Rect(left / s, top / s, width / s, height / s)

    def frame(self, rect: Rect) -> Artist:
        """A hairline around a picture."""
        rect = self.snapped(rect)
        return Rectangle(
            (rect.left, rect.top), rect.width, rect.height, fill=False,
            edgecolor=self._inks.frame, linewidth=HAIRLINE_PT, transform=self._to_units,
        )  # fmt: skip

    def on_picture(self, box: Box, panel: Panel, rect: Rect) -> Rect:
        """A box of the photo on its picture, as far as it is on the photo."""
        rect = self.snapped(rect)
        height, width = panel.geometry.photo_size
        across, down = rect.width / width, rect.height / height
        left, right = (min(max(x, 0), width) * across for x in (box.left, box.right))
        top, bottom = (min(max(y, 0), height) * down for y in (box.top, box.bottom))
        return Rect(rect.left + left, rect.top + top, right - left, bottom - top)

    def mark(self, box: Box, panel: Panel, rect: Rect) -> Iterator[Artist]:
        """A white frame with a dark one around it, to be seen on anything."""
        place = self.on_picture(box, panel, rect)
        for colour, width in (("black", 2.2 * MARK_PT), ("white", MARK_PT)):
            yield Rectangle(
                (place.left, place.top), place.width, place.height, fill=False,
                edgecolor=colour, linewidth=width, joinstyle="miter", transform=self._to_units,
            )  # fmt: skip

    def lines(
        self, lines: Sequence[Box], panel: Panel, rect: Rect,
        colour: tuple[int, int, int] = (255, 255, 255),
    ) -> Iterator[Artist]:  # fmt: skip
        """Straight lines on a photo from left and top to right and bottom, between dark ones."""
        bright = tuple(part / 255 for part in colour)
        places = [self.on_picture(line, panel, rect) for line in lines]
        ends = [[(one.left, one.top), (one.right, one.bottom)] for one in places]
        for ink, width in (((0, 0, 0), 2.2 * MARK_PT), (bright, MARK_PT)) if ends else ():
            yield LineCollection(
                ends, colors=[ink], linewidths=width, capstyle="projecting",
                transform=self._to_units,
            )  # fmt: skip

    def grid(self, panel: Panel, rect: Rect) -> Artist:
        """The edges of patches, as thin lines over what the model saw."""
        rows, cols = panel.geometry.grid
        seen = self.on_picture(panel.geometry.seen, panel, rect)
        tops = [panel.geometry.patch_box(row, 0) for row in range(1, rows)]
        lefts = [panel.geometry.patch_box(0, col) for col in range(1, cols)]
        ys = (self.on_picture(box, panel, rect).top for box in tops)
        xs = (self.on_picture(box, panel, rect).left for box in lefts)
        lines = [[(seen.left, y), (seen.right, y)] for y in ys]
        lines += [[(x, seen.top), (x, seen.bottom)] for x in xs]
        return LineCollection(
            lines, colors=[(1, 1, 1, 0.55)], linewidths=0.25, transform=self._to_units
        )

    def cells(self, panel: Panel, rect: Rect, colours: Float[np.ndarray, "patches 4"]) -> Artist:
        """A flat square for every patch, as far as it is on the photo."""
        rows, cols = panel.geometry.grid
        corners = []
        for row in range(rows):
            for col in range(cols):
                place = self.on_picture(panel.geometry.patch_box(row, col), panel, rect)
                xs, ys = (place.left, place.right), (place.top, place.bottom)
                corners.append([(xs[i], ys[j]) for i, j in ((0, 0), (1, 0), (1, 1), (0, 1))])
        return PolyCollection(
            corners, facecolors=colours, edgecolors="none", linewidths=0, antialiaseds=False,
            transform=self._to_units,
        )  # fmt: skip

    def bar(self, bar: BarStrip, colours: UInt8[np.ndarray, "256 3"]) -> Iterator[Artist]:
        """The colours of a scale, its frame and its marks."""
        opaque = np.column_stack([colours, np.full(256, 255, np.uint8)])
        rect = self.snapped(bar.rect)
        if self._exact:
            count = round((rect.height if bar.vertical else rect.width) * self._scale)
            thick = round((rect.width if bar.vertical else rect.height) * self._scale)
            along = opaque[(np.arange(count) * 256) // max(count, 1)]
            strip = np.repeat(along[None], thick, axis=0)
        else:
            strip = opaque[None]
        pixels = np.ascontiguousarray(strip.transpose(1, 0, 2)[::-1] if bar.vertical else strip)
        corner = (round(rect.left * self._scale), round(rect.top * self._scale))
        yield self.image(pixels, rect, corner)
        yield self.frame(rect)
        length = 1.6 * HAIRLINE_PT / PT_PER_MM
        for place in bar.places:
            if bar.vertical:
                y = rect.bottom - place * rect.height
                xs, ys = (rect.right, rect.right + 2 * length), (y, y)
            else:
                x = rect.left + place * rect.width
                xs, ys = (x, x), (rect.bottom, rect.bottom + 2 * length)
            yield Line2D(xs, ys, color=self._inks.frame, linewidth=HAIRLINE_PT,
                         transform=self._to_units)  # fmt: skip

    def word(self, word: Word) -> Artist:
        """A line of text."""
        x, y = self._to_units.transform((word.x, word.y))
        return Text(
            x, y, word.text, fontsize=word.size, fontfamily=self._families,
            fontweight="bold" if word.bold else "normal",
            color=self._inks.quiet if word.quiet else self._inks.text,
            horizontalalignment=word.align,
            verticalalignment="baseline", rotation=90 if word.upright else 0,
            rotation_mode="anchor", parse_math=False, transform=IdentityTransform(),
        )  # fmt: skip
