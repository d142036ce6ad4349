"""What the canvas draws: the photo, the map over it, and its colour bar."""

from __future__ import annotations

import math
from collections.abc import Hashable

from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPalette, QPixmap, QResizeEvent
from PySide6.QtWidgets import QWidget

from vitviz.engine.cache import Cache
from vitviz.gui.canvas import marks
from vitviz.gui.canvas.colour_bar import (
    bar_width,
    flat_bar_height,
    paint_colour_bar,
    paint_flat_bar,
)
from vitviz.gui.canvas.photo_view import PhotoView
from vitviz.gui.canvas.pictures import MapLayer, PhotoLayer, map_layer
from vitviz.gui.canvas.pyramid import Pyramid, pyramid
from vitviz.gui.canvas.still_layer import Still, StillLayer
from vitviz.gui.canvas.window_lines import WindowLines
from vitviz.imaging.geometry import Box, Geometry
from vitviz.imaging.photo import Photo
from vitviz.maps.bar import ColourBar, bar_of
from vitviz.maps.heat_map import HeatMap
from vitviz.maps.outliers import strokes
from vitviz.maps.overlay import lines_over
from vitviz.maps.style import Style

Patch = tuple[int, int]

BAR_GAP = 14
BAR_LONGEST = 340.0
"""Of a colour bar when it is measured how wide it is, in widget pixels: longer ones have no more
ticks."""

BAR_SHORTEST = 150.0
"""Of a colour bar beside a photo that is less high."""

BAR_EDGE = 12.0
"""Around the colour bar, for its ground, in widget pixels."""

FLAT_WIDEST = 260.0
"""Of a colour bar below the photo, in widget pixels."""

FLAT_GAIN = 1.15
"""How much larger the photo must get for its colour bar to lie below it."""


class MapView(PhotoView):
    """A photo with a map over it and a colour bar beside it.

    Args:
        parent: Qt's.
        flat: The colour bar lies below the photo where that leaves more room for it; else it
            stands beside it, or where there is no room over its edge.
    """

    def __init__(self, parent: QWidget | None = None, *, flat: bool = False) -> None:
        super().__init__(parent)
        self._photo: Photo | None = None
        self._photo_layer: PhotoLayer | None = None
        self._heat_map: HeatMap | None = None
        self._windows: WindowLines | None = None
        self._geometry: Geometry | None = None
        self._ends = (0.0, 1.0)
        self._outlined: tuple[Box, ...] = ()
        self._strokes: tuple[Box, ...] = ()
        self._style = Style()
        self._map_layer: MapLayer | None = None
        self._map_layer_of: object = None
        self._still_layer = StillLayer()
        self._bars: Cache[Hashable, QPixmap] = Cache(1)
        self._bar_width = 0.0
        self._bar_width_of: object = None
        self._may_be_flat = flat
        self._bar_note: tuple[str, ...] = ()
        self._bar_at_left = False
        self._kept_free = (0.0, 0.0)

    # What is shown

    def share_pictures(self, still: StillLayer) -> None:
        """Draws what lies over the map with the same layer as other canvases."""
        self._still_layer = still

    def set_photo(
        self, photo: Photo | None, levels: Pyramid | None = None, layer: PhotoLayer | None = None
    ) -> None:
        """Shows another photo, without a map and in full; clears any message.

        Args:
            photo: None shows the message, or nothing.
            levels: Of the photo; made here where missing, so give it for large photos.
            layer: Of the photo, where other canvases draw with it too.
        """
        self._photo = photo
        self._photo_layer = None
        if photo is not None:
            self._photo_layer = layer or PhotoLayer(levels or pyramid(photo.pixels))
        self._heat_map = self._geometry = self._windows = None
        self._forget_map()
        self.set_photo_size(photo.size if photo is not None else None)

    def show_map(
        self,
        heat_map: HeatMap | None,
        geometry: Geometry | None,
        ends: tuple[float, float],
        style: Style,
    ) -> None:
        """Lays a map over the photo.

        Args:
            heat_map: None: no map, the grid only.
            geometry: Where the patches lie; None: no grid either.
            ends: The values that the ends of the colour map stand for, natural units.
            style: How it looks.
        """
        self._heat_map, self._geometry = heat_map, geometry
        self._ends, self._style = ends, style
        self._outlined = self._strokes = ()
        if heat_map is not None and geometry is not None:
            self._outlined = lines_over(heat_map, geometry, style)
            self._strokes = strokes(heat_map.outliers, geometry)
        self._forget_map()
        self._keep_free()
        self.update()

    def set_windows(self, windows: WindowLines | None) -> None:
        """Draws the windows of a layer; None: none."""
        if windows != self._windows:
            self._windows = windows
            self.update()

    @property
    def windows(self) -> WindowLines | None:
        """The windows drawn."""
        return self._windows

    def set_bar(self, *, note: tuple[str, ...] = (), left: bool = False) -> None:
        """More about the colour bar.

        Args:
            note: Lines below its unit.
            left: It stands at the left.
        """
        if (note, left) != (self._bar_note, self._bar_at_left):
            self._bar_note, self._bar_at_left = note, left
            self._keep_free()
            self.update()

    def keep_free(self, *, left: float = 0.0, right: float = 0.0) -> None:
        """Keeps at least this many widget pixels free beside a fitted photo, so that photos on
        several canvases lie alike.
        """
        self._kept_free = (left, right)
        self._keep_free()

    @property
    def photo(self) -> Photo | None:
        """The photo shown."""
        return self._photo

    @property
    def heat_map(self) -> HeatMap | None:
        """The map shown."""
        return self._heat_map

    @property
    def geometry_shown(self) -> Geometry | None:
        """Where the map's patches lie, be it on this photo or not."""
        return self._geometry

    @property
    def grid_geometry(self) -> Geometry | None:
        """The same, if it is of the photo shown."""
        if self._photo is None or self._geometry is None:
            return None
        return self._geometry if self._geometry.photo_size == self._photo.size else None

    @property
    def style_shown(self) -> Style:
        """How the map looks."""
        return self._style

    @property
    def colour_bar(self) -> ColourBar | None:
        """What the colour bar shows."""
        if self._heat_map is None:
            return None
        return bar_of(self._ends, self._heat_map.quantity, self._style, self._bar_note)

    # The colour bar

    @property
    def bar_room(self) -> float:
        """Width that an upright colour bar takes beside a fitted photo."""
        if (bar := self.colour_bar) is None:
            return 0.0
        key = (bar, self.font().key())
        if key != self._bar_width_of:  # asked for at every turn, and its texts take long to measure
            self._bar_width = bar_width(bar, self._metrics, BAR_LONGEST)
            self._bar_width_of = key
        return self._bar_width + BAR_GAP

    @property
    def _metrics(self) -> QFontMetricsF:
        return QFontMetricsF(marks.small(self.font()))

    @property
    def _bar_is_flat(self) -> bool:
        if not self._may_be_flat or self.colour_bar is None:
            return False
        needed = max(self.bar_room, sum(self._kept_free))
        if self._photo is None or needed >= self.width() / 3:
            return needed >= self.width() / 3
        height, width = self._photo.size
        beside = min((self.width() - needed) / width, self.height() / height)
        room_above = self.height() - flat_bar_height(self._metrics)
        below = min(self.width() / width, room_above / height)
        return below > FLAT_GAIN * beside

    def _keep_free(self) -> None:
        own = (self.bar_room, 0.0) if self._bar_at_left else (0.0, self.bar_room)
        left, right = (max(pair) for pair in zip(own, self._kept_free, strict=True))
        if self._bar_is_flat:
            self.set_margins(bottom=flat_bar_height(self._metrics))
        elif left + right < self.width() / 3:
            self.set_margins(left=left, right=right)
        else:
            self.set_margins()

    def _bar_box(self, photo: QRectF) -> QRectF:
        """Where the colour bar goes: beside the photo, or over it at the widget's edge; below it
        where that is flat.
        """
        if self._bar_is_flat:
            height, width = flat_bar_height(self._metrics), min(self.width() - 12.0, FLAT_WIDEST)
            return QRectF((self.width() - width) / 2, self.height() - height, width, height)
        width = self.bar_room - BAR_GAP
        seen = photo & self.area
        room = self.height() - 24.0
        length = min(max(seen.height(), BAR_SHORTEST), room)
        top = min(max(seen.center().y() - length / 2, 12.0), 12.0 + room - length)
        if self._bar_at_left:
            left = max(photo.left() - BAR_GAP - width, float(BAR_GAP))
        else:
            left = min(photo.right() + BAR_GAP, self.width() - width - BAR_GAP)
        return QRectF(round(left), round(top), width, length)

    @property
    def room_beside_bar(self) -> QRectF:
        """The part of the widget that the colour bar leaves to other things over the photo."""
        room = self.area.adjusted(6, 6, -6, -6)
        if self.colour_bar is None or self._photo is None:
            return room
        height, width = self._photo.size
        box = self._bar_box(self.on_widget(Box(0, 0, width, height)))
        if self._bar_is_flat:
            room.setBottom(box.top())
        elif self._bar_at_left:
            room.setLeft(box.right() + 14)
        else:
            room.setRight(box.left() - 14)
        return room

    # Drawing

    @property
    def area(self) -> QRectF:
        """The whole widget."""
        return QRectF(self.rect())

    def patch_on_screen(self, patch: Patch, geometry: Geometry) -> QRectF:
        """A patch's box on the widget, between device pixels."""
        box = self.on_widget(geometry.patch_box(*patch))
        left, top, right, bottom = (
            self.screen_pixels.snapped(edge)
            for edge in (box.left(), box.top(), box.right(), box.bottom())
        )
        return QRectF(left, top, right - left, bottom - top)

    def _line_on_screen(self, line: Box) -> QRectF:
        """A line of the photo on the widget, between device pixels, as the grid's are."""
        box, snapped = self.on_widget(line), self.screen_pixels.snapped
        left, top = snapped(box.left()), snapped(box.top())
        return QRectF(left, top, snapped(box.right()) - left, snapped(box.bottom()) - top)

    @property
    def lines_shown(self) -> tuple[Box, ...]:
        """The lines around the patches that hold what the style says, and around those that match
        best, in photo pixels.
        """
        return self._outlined

    @property
    def strokes_shown(self) -> tuple[Box, ...]:
        """The lines that mark outlier patches, in photo pixels."""
        return self._strokes

    def number_strips(self, geometry: Geometry) -> tuple[QRectF, QRectF]:
        """Where the numbers of columns and of rows stand."""
        still = Still(geometry, self.viewport, self.screen_pixels, grid=True)
        return marks.strips(still.grid_on_screen(), self.area, marks.small(self.font()))

    def paint_photo(self, painter: QPainter) -> None:
        """The photo alone, and the ground around it."""
        base = self.palette().color(QPalette.ColorRole.Base)
        if self._photo_layer is None:
            painter.fillRect(self.rect(), base)
            return
        painter.drawPixmap(0, 0, self._photo_layer.pixmap(self.viewport, self.screen_pixels, base))

    def paint_photo_and_map(self, painter: QPainter, marked: Patch | None) -> None:
        """Everything but what the pointer changes.

        Args:
            painter: Of the widget.
            marked: The patch whose row and column are stressed.
        """
        self.paint_photo(painter)
        geometry = self.grid_geometry
        if self._photo_layer is None or geometry is None:
            return
        if (layer := self._current_map_layer(geometry)) is not None:
            layer.draw(painter)
        still = Still(geometry, self.viewport, self.screen_pixels, self._style.grid, self._windows)
        small = marks.small(self.font())
        self._still_layer.draw(painter, still, small, self.palette(), marked)
        if self._strokes:
            marks.strokes(painter, [diagonal(self.on_widget(line)) for line in self._strokes])
        marks.lines(painter, [self._line_on_screen(line) for line in self._outlined])
        if (bar := self.colour_bar) is not None:
            painter.setFont(small)
            self._paint_bar(painter, bar, still.photo)

    def _paint_bar(self, painter: QPainter, bar: ColourBar, photo: QRectF) -> None:
        """From a picture of it: its texts take longer than the photo and the map."""
        box = self._bar_box(photo)
        over, size, palette = box.intersects(photo), box.size(), self.palette()
        key = (bar, size.width(), size.height(), over, self._bar_is_flat, painter.font().key(),
               palette.cacheKey(), self.screen_pixels.ratio)  # fmt: skip
        around = box.adjusted(-BAR_EDGE, -BAR_EDGE, BAR_EDGE, BAR_EDGE)
        font = painter.font()
        pixmap = self._bars.get(key, lambda: self._bar_picture(bar, around, font, over=over))
        painter.drawPixmap(around.topLeft(), pixmap)

    def _bar_picture(self, bar: ColourBar, around: QRectF, font: QFont, *, over: bool) -> QPixmap:
        ratio = self.screen_pixels.ratio
        size = around.size() * ratio
        pixmap = QPixmap(math.ceil(size.width()), math.ceil(size.height()))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setFont(font)
        box = QRectF(BAR_EDGE, BAR_EDGE, around.width() - 2 * BAR_EDGE,
                     around.height() - 2 * BAR_EDGE)  # fmt: skip
        if over:
            ground = marks.translucent(self.palette().color(QPalette.ColorRole.Window), 225)
            marks.panel(painter, box.adjusted(-10, -8, 10, 8), ground)
        if self._bar_is_flat:
            paint_flat_bar(painter, box, bar, self.palette())
        else:
            paint_colour_bar(painter, box, bar, self.palette())
        painter.end()
        return pixmap

    def _current_map_layer(self, geometry: Geometry) -> MapLayer | None:
        """The map's picture, made again only where something in it changed."""
        if self._heat_map is None:
            return None
        key = (self.viewport, self.screen_pixels)
        if self._map_layer_of != key:
            self._map_layer = map_layer(
                self._heat_map.values, self._ends, geometry, self._style, *key
            )
            self._map_layer_of = key
        return self._map_layer

    def _forget_map(self) -> None:
        self._map_layer = self._map_layer_of = None

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._keep_free()
        super().resizeEvent(event)


def diagonal(box: QRectF) -> QLineF:
    """From the left and top of a box to its right and bottom."""
    return QLineF(box.topLeft(), box.bottomRight())


def on_grid(patch: Patch | None, geometry: Geometry) -> bool:
    """Whether there is such a patch."""
    rows, cols = geometry.grid
    return patch is not None and patch[0] < rows and patch[1] < cols
