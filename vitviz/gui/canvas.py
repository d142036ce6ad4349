"""The canvas: a photo with a map laid exactly over it.

Panning, zooming and keys are in ``PhotoView``; what is drawn and what the patches tell is in
``Canvas``.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
)
from PySide6.QtWidgets import QWidget

from vitviz.figures.style import Style
from vitviz.gui import marks
from vitviz.gui.colour_bar import Scale, bar_width, paint_colour_bar
from vitviz.gui.layers import MapLayer, PhotoLayer, map_layer
from vitviz.gui.patch_note import (
    Note,
    paint_chip,
    paint_message,
    paint_note,
    patch_note,
    unseen_note,
)
from vitviz.gui.photo_pyramid import Pyramid, pyramid
from vitviz.gui.photo_view import PhotoView
from vitviz.gui.still_layer import Still, StillLayer
from vitviz.imaging.geometry import Box, Geometry
from vitviz.imaging.photo import Photo
from vitviz.methods.base import HeatMap

Patch = tuple[int, int]

STEPS: dict[Qt.Key, Patch] = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}

BAR_GAP = 14
BAR_LONGEST = 340.0


class Canvas(PhotoView):
    """Shows a photo, a map over it, and the truth about the patch under the pointer.

    Signals:
        hovered(object): The patch under the pointer or the keyboard's cursor, (row, col) from 0,
            or None; only when it changes.
        clicked(object): The patch that was clicked, or chosen with Enter; None for a click
            outside of what the model saw.
        point_changed(object): The photo point (x, y) under the pointer, or the middle of the
            patch that the keyboard went to, or None; not where ``show_point`` put it.
        zoom_changed(float): Device pixels per photo pixel; 1.0 is actual size.

    Args:
        parent: Qt's.
        notes: Tell about the patch under the pointer beside it; else that is left to whoever
            embeds the canvas.
    """

    hovered = Signal(object)
    clicked = Signal(object)
    point_changed = Signal(object)

    def __init__(self, parent: QWidget | None = None, *, notes: bool = True) -> None:
        super().__init__(parent)
        self.setAccessibleName("Photo with map")
        self._notes = notes
        self._photo: Photo | None = None
        self._photo_layer: PhotoLayer | None = None
        self._heat_map: HeatMap | None = None
        self._geometry: Geometry | None = None
        self._ends = (0.0, 1.0)
        self._style = Style()
        self._map_layer: MapLayer | None = None
        self._map_layer_of: object = None
        self._still_layer = StillLayer()
        self._bar_note: tuple[str, ...] = ()
        self._bar_at_left = False
        self._kept_free = (0.0, 0.0)
        self._point: tuple[float, float] | None = None
        self._query: Patch | None = None
        self._cursor: Patch | None = None
        self._unseen_point: tuple[float, float] | None = None
        self._message = ("", "")
        self._busy = ""

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
        if photo is self._photo and photo is not None:
            return
        self._photo = photo
        self._photo_layer = None
        if photo is not None:
            self._photo_layer = layer or PhotoLayer(levels or pyramid(photo.pixels))
            self._message = ("", "")
        self._heat_map = self._geometry = self._query = self._point = None
        self._forget_map()
        self._set_cursor_patch(None)
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
        if geometry != self._geometry:
            self._query = None
            if geometry is None or not self._on_grid(self._cursor, geometry):
                self._set_cursor_patch(None)
        self._heat_map, self._geometry = heat_map, geometry
        self._ends, self._style = ends, style
        self._forget_map()
        self._keep_free()
        self.update()

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

    def _keep_free(self) -> None:
        own = (self.bar_room, 0.0) if self._bar_at_left else (0.0, self.bar_room)
        left, right = (max(pair) for pair in zip(own, self._kept_free, strict=True))
        self.set_margins(left=left, right=right)

    def set_query(self, patch: Patch | None) -> None:
        """Outlines the patch that is asked about; None for a prefix token."""
        self._query = patch
        self.update()

    def set_message(self, title: str, text: str = "") -> None:
        """Shows a title and quiet text in the middle; two empty strings take it away."""
        self._message = (title, text)
        self.update()

    def set_busy(self, text: str) -> None:
        """Says in the corner what is going on; an empty string takes it away."""
        self._busy = text
        self.update()

    @property
    def heat_map(self) -> HeatMap | None:
        """The map shown."""
        return self._heat_map

    @property
    def query(self) -> Patch | None:
        """The outlined patch."""
        return self._query

    @property
    def message(self) -> tuple[str, str]:
        """Title and text in the middle."""
        return self._message

    @property
    def cursor_patch(self) -> Patch | None:
        """The patch under the pointer, or where the keyboard is."""
        return self._cursor

    @property
    def is_over_unseen(self) -> bool:
        """Whether the pointer is where the model saw nothing of the photo."""
        return self._unseen_point is not None

    @property
    def note(self) -> Note | None:
        """What is written beside the patch under the pointer."""
        if self._cursor is not None and self._grid is not None:
            return patch_note(self._cursor, self._grid, self._heat_map)
        if self._unseen_point is not None:
            return unseen_note(*self._unseen_point)
        return None

    @property
    def scale(self) -> Scale | None:
        """What the colour bar shows."""
        if self._heat_map is None:
            return None
        return Scale(self._ends, self._heat_map.unit, self._style, self._bar_note)

    @property
    def _grid(self) -> Geometry | None:
        """The geometry, if it is of the photo shown."""
        if self._photo is None or self._geometry is None:
            return None
        return self._geometry if self._geometry.photo_size == self._photo.size else None

    # Pointer and keys

    def patch_under(self, x: float, y: float) -> Patch | None:
        """The patch at a point of the widget, or None where there is no photo or no patch."""
        if self._grid is None or self._photo is None:
            return None
        photo_x, photo_y = self.viewport.to_photo(x, y)
        height, width = self._photo.size
        if not (0 <= photo_x < width and 0 <= photo_y < height):
            return None
        return self._grid.patch_at(photo_x, photo_y)

    def pointed(self, x: float, y: float) -> None:
        """The pointer is at a point of the widget."""
        point = None
        if self._grid is not None:
            point = self.viewport.to_photo(x, y)
            height, width = self._grid.photo_size
            if not (0 <= point[0] < width and 0 <= point[1] < height):
                point = None
        self.show_point(point)
        self._tell_point(point)

    def show_point(self, point: tuple[float, float] | None) -> None:
        """Marks the patch over a photo point, as if the pointer were there; None: nothing.

        Args:
            point: In photo pixels; where the model saw nothing, nothing is marked.
        """
        patch = self._grid.patch_at(*point) if self._grid is not None and point else None
        unseen = point if patch is None else None
        if unseen != self._unseen_point:
            self._unseen_point = unseen
            if self._notes:
                self.update()
        self._set_cursor_patch(patch)

    def _tell_point(self, point: tuple[float, float] | None) -> None:
        if point != self._point:
            self._point = point
            self.point_changed.emit(point)

    def pressed_and_released(self, x: float, y: float) -> None:
        if self._photo is not None:
            self.clicked.emit(self.patch_under(x, y))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.show_point(None)
        self._tell_point(None)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        if not self.dragging:
            self.pointed(event.position().x(), event.position().y())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if plain and key in STEPS and self._grid is not None:
            self._step(*STEPS[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._cursor is not None:
            self.clicked.emit(self._cursor)
        else:
            super().keyPressEvent(event)

    def _step(self, down: int, right: int) -> None:
        assert self._grid is not None
        rows, cols = self._grid.grid
        if self._cursor is None:
            row, col = self._query or (rows // 2, cols // 2)
        else:
            row, col = self._cursor[0] + down, self._cursor[1] + right
        patch = (min(max(row, 0), rows - 1), min(max(col, 0), cols - 1))
        centre = self._grid.patch_box(*patch).centre
        self.show_point(centre)
        self._tell_point(centre)
        self.reveal(self.on_widget(self._grid.patch_box(*patch)))

    def _set_cursor_patch(self, patch: Patch | None) -> None:
        if patch == self._cursor:
            return
        if self._notes:
            self.update()
        else:  # a note may be anywhere; without it little changes
            self._update_around(self._cursor)
            self._update_around(patch)
        self._cursor = patch
        self.hovered.emit(patch)

    def _update_around(self, patch: Patch | None) -> None:
        """Repaints a patch's outline, and its numbers at the edges of the grid."""
        if patch is None or self._grid is None or not self._on_grid(patch, self._grid):
            return
        box = self._patch_on_screen(patch, self._grid).adjusted(-3, -3, 3, 3)
        self.update(box.toAlignedRect())
        if self._style.grid and min(box.width(), box.height()) >= marks.LABELS_FROM:
            self.update(0, int(box.top()), self.width(), int(box.height()) + 2)
            self.update(int(box.left()), 0, int(box.width()) + 2, self.height())

    @staticmethod
    def _on_grid(patch: Patch | None, geometry: Geometry) -> bool:
        rows, cols = geometry.grid
        return patch is not None and patch[0] < rows and patch[1] < cols

    # Drawing

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        palette = self.palette()
        if self._photo_layer is None:
            painter.fillRect(self.rect(), palette.color(QPalette.ColorRole.Base))
        else:
            base = palette.color(QPalette.ColorRole.Base)
            photo = self._photo_layer.pixmap(self.viewport, self.screen_pixels, base)
            painter.drawPixmap(0, 0, photo)
            self._paint_map(painter)
        painter.setFont(self.font())
        if any(self._message):
            over_photo = self._photo_layer is not None
            paint_message(painter, self._area, *self._message, palette, on_ground=over_photo)
        if self._busy:
            paint_chip(painter, QPointF(12, 12), self._busy, palette)
        if self.shows_focus:
            accent = palette.color(QPalette.ColorRole.Highlight)
            marks.frame(painter, self._area, accent, 2, 3)
        painter.end()

    @property
    def _area(self) -> QRectF:
        return QRectF(self.rect())

    def _paint_map(self, painter: QPainter) -> None:
        geometry = self._grid
        if geometry is None:
            return
        if (layer := self._current_map_layer(geometry)) is not None:
            layer.draw(painter)
        still = Still(geometry, self.viewport, self.screen_pixels, self._style.grid)
        font, palette, photo = marks.small(self.font()), self.palette(), still.photo
        self._still_layer.draw(painter, still, font, palette, self._cursor)
        if self._query is not None and self._on_grid(self._query, geometry):
            accent = palette.color(QPalette.ColorRole.Highlight)
            marks.query_outline(painter, self._patch_on_screen(self._query, geometry), accent)
        if self._cursor is not None:
            marks.outline(painter, self._patch_on_screen(self._cursor, geometry))
        painter.setFont(font)
        room = self._area.adjusted(6, 6, -6, -6)
        if (scale := self.scale) is not None:
            bar = self._bar_box(photo)
            self._paint_bar(painter, scale, bar, photo)
            if self._bar_at_left:
                room.setLeft(bar.right() + 14)
            else:
                room.setRight(bar.left() - 14)
        if self._notes:
            self._paint_note(painter, geometry, room)

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

    def _patch_on_screen(self, patch: Patch, geometry: Geometry) -> QRectF:
        box = self.on_widget(geometry.patch_box(*patch))
        left, top, right, bottom = (
            self.screen_pixels.snapped(edge)
            for edge in (box.left(), box.top(), box.right(), box.bottom())
        )
        return QRectF(left, top, right - left, bottom - top)

    @property
    def bar_room(self) -> float:
        """Width that the colour bar takes beside a fitted photo."""
        if (scale := self.scale) is None:
            return 0.0
        metrics = QFontMetricsF(marks.small(self.font()))
        return bar_width(scale, metrics, BAR_LONGEST) + BAR_GAP

    def _bar_box(self, photo: QRectF) -> QRectF:
        """Where the colour bar goes: right of the photo, or over it at the widget's edge."""
        width = self.bar_room - BAR_GAP
        length = min(BAR_LONGEST, self.height() - 48.0)
        middle = (photo & self._area).center().y()
        top = min(max(middle - length / 2, 24.0), self.height() - 24.0 - length)
        if self._bar_at_left:
            left = max(photo.left() - BAR_GAP - width, float(BAR_GAP))
        else:
            left = min(photo.right() + BAR_GAP, self.width() - width - BAR_GAP)
        return QRectF(round(left), round(top), width, length)

    def _paint_bar(self, painter: QPainter, scale: Scale, box: QRectF, photo: QRectF) -> None:
        if box.intersects(photo):
            ground = marks.translucent(self.palette().color(QPalette.ColorRole.Window), 225)
            marks.panel(painter, box.adjusted(-10, -8, 10, 8), ground)
        paint_colour_bar(painter, box, scale, self.palette())

    def _paint_note(self, painter: QPainter, geometry: Geometry, room: QRectF) -> None:
        note = self.note
        if note is None or self.dragging or any(self._message):
            return
        if self._cursor is not None:
            about = self._patch_on_screen(self._cursor, geometry)
        else:
            x, y = self._unseen_point or (0.0, 0.0)
            about = self.on_widget(Box(x, y, x, y)).adjusted(-4, -4, 4, 4)
        painter.setFont(self.font())
        paint_note(painter, note, about, room, self.palette())
