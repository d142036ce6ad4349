"""The canvas: a photo with a map laid exactly over it, and the truth about its patches.

Panning and zooming are in ``PhotoView``, what is drawn in ``MapView``; pointer, keys and what the
patches tell in ``Canvas``.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
)
from PySide6.QtWidgets import QWidget

from vitviz.gui.canvas import marks
from vitviz.gui.canvas.map_view import MapView, Patch, on_grid
from vitviz.gui.canvas.patch_note import (
    Note,
    paint_chip,
    paint_message,
    paint_note,
    patch_note,
    sees_all,
    unseen_note,
)
from vitviz.gui.canvas.pictures import PhotoLayer
from vitviz.gui.canvas.pyramid import Pyramid
from vitviz.imaging.geometry import Box, Geometry
from vitviz.imaging.photo import Photo
from vitviz.maps.heat_map import HeatMap
from vitviz.maps.style import Style
from vitviz.plain_text import shown_text

STEPS: dict[Qt.Key, Patch] = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}

BARE_KEY = Qt.Key.Key_Backslash
"""As long as it is held, the photo is seen without its map."""

STALE_MS = 300
"""How long a map may be of an earlier choice before it is dimmed: most new ones come sooner."""

DIMMED = 140
"""Of 255: how much of a map of an earlier choice is covered."""

PROGRESS_HEIGHT = 3
"""Of the line at the top, in pixels."""

MOST_BUSY = 80
"""Letters of what is going on, in the corner."""


class Canvas(MapView):
    """Shows a photo, a map over it, and the truth about the patch under the pointer.

    Signals:
        hovered(object): The patch under the pointer or the keyboard's cursor, (row, col) from 0,
            or None; only when it changes.
        clicked(object): The patch that was clicked, or chosen with Enter; None for a click
            outside of what the model saw.
        point_changed(object): The photo point (x, y) under the pointer, or the middle of the
            patch that the keyboard went to, or None; not where ``show_point`` put it.
        brushed(object, bool): The brush went over this patch, which is to be removed (or put back).
        zoom_changed(float): Device pixels per photo pixel; 1.0 is actual size.
        digit_typed(int): A number key, 0..9.

    Args:
        parent: Qt's.
        notes: Tell about the patch under the pointer beside it; else that is left to whoever
            embeds the canvas.
        flat: See ``MapView``.
    """

    hovered = Signal(object)
    clicked = Signal(object)
    point_changed = Signal(object)
    brushed = Signal(object, bool)
    digit_typed = Signal(int)

    def __init__(
        self, parent: QWidget | None = None, *, notes: bool = True, flat: bool = False
    ) -> None:
        super().__init__(parent, flat=flat)
        self.setAccessibleName("Photo with map")
        self._notes = notes
        self._point: tuple[float, float] | None = None
        self._query: tuple[Patch, ...] = ()
        self._cursor: Patch | None = None
        self._receptive: float | None = None
        self._unseen_point: tuple[float, float] | None = None
        self._message = ("", "")
        self._busy = ""
        self._progress: float | None = None
        self._stale = QTimer(self)
        self._stale.setSingleShot(True)
        self._stale.setInterval(STALE_MS)
        self._stale.timeout.connect(self._dim)
        self._is_bare = False  # while a key is held
        self._is_dimmed = False
        self._removed: tuple[Box, ...] = ()
        self._brushing = False
        self._stroke: bool | None = None  # whether it removes

    # What is shown

    def set_photo(
        self, photo: Photo | None, levels: Pyramid | None = None, layer: PhotoLayer | None = None
    ) -> None:
        if photo is self.photo and photo is not None:
            return
        if photo is not None:
            self._message = ("", "")
        self._query, self._point = (), None
        self._set_cursor_patch(None)
        super().set_photo(photo, levels, layer)

    def show_map(
        self,
        heat_map: HeatMap | None,
        geometry: Geometry | None,
        ends: tuple[float, float],
        style: Style,
    ) -> None:
        if geometry != self.geometry_shown:
            self._query = ()
            if geometry is None or not on_grid(self._cursor, geometry):
                self._set_cursor_patch(None)
        super().show_map(heat_map, geometry, ends, style)

    def set_query(self, patches: tuple[Patch, ...]) -> None:
        """Outlines the patches that are asked about; none for a prefix token."""
        self._query = patches
        self.update()

    def set_receptive(self, side: float | None) -> None:
        """Outlines what the patch under the pointer can see of the input.

        Args:
            side: Of the square around the patch's centre, in input pixels; infinite where it is all
                of the input, None where that is not known or goes without saying.
        """
        if side != self._receptive:
            self._receptive = side
            self.update()

    def set_removed(self, boxes: tuple[Box, ...]) -> None:
        """Crosses out patches that are removed, by their boxes on the photo."""
        if boxes != self._removed:
            self._removed = boxes
            self.update()

    def set_brushing(self, brushing: bool) -> None:
        """Dragging goes over patches with the brush, and moves the photo no more."""
        self._brushing, self._stroke = brushing, None
        self.setCursor(Qt.CursorShape.CrossCursor if brushing else Qt.CursorShape.ArrowCursor)

    def set_message(self, title: str, text: str = "") -> None:
        """Shows a title and quiet text in the middle; two empty strings take it away."""
        self._message = (shown_text(title), shown_text(text))
        self.update()

    def set_stale(self, stale: bool) -> None:
        """Says whether the map is of an earlier choice; after a while, such a map is dimmed."""
        if not stale:
            self._stale.stop()
            if self._is_dimmed:
                self._is_dimmed = False
                self.update()
        elif not self._is_dimmed and not self._stale.isActive():
            self._stale.start()

    @Slot()
    def _dim(self) -> None:
        self._is_dimmed = True
        self.update()

    @property
    def is_dimmed(self) -> bool:
        """Whether the map is drawn as one that is not of what is chosen."""
        return self._is_dimmed

    def set_progress(self, fraction: float | None) -> None:
        """Shows a thin line at the top, as far as the work is; None takes it away."""
        if fraction != self._progress:
            self._progress = fraction
            self.update(0, 0, self.width(), PROGRESS_HEIGHT)

    def set_busy(self, text: str) -> None:
        """Says in the corner what is going on; an empty string takes it away."""
        text = shown_text(text, MOST_BUSY)
        if text != self._busy:
            self._busy = text
            self.update()

    @property
    def query(self) -> tuple[Patch, ...]:
        """The outlined patches."""
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
        if self._cursor is not None and self.grid_geometry is not None:
            return patch_note(self._cursor, self.grid_geometry, self.heat_map, self._receptive)
        if self._unseen_point is not None:
            return unseen_note(*self._unseen_point)
        return None

    # Pointer and keys

    def patch_under(self, x: float, y: float) -> Patch | None:
        """The patch at a point of the widget, or None where there is no photo or no patch."""
        if self.grid_geometry is None or self.photo is None:
            return None
        photo_x, photo_y = self.viewport.to_photo(x, y)
        height, width = self.photo.size
        if not (0 <= photo_x < width and 0 <= photo_y < height):
            return None
        return self.grid_geometry.patch_at(photo_x, photo_y)

    def pointed(self, x: float, y: float) -> None:
        """The pointer is at a point of the widget."""
        point = None
        if self.grid_geometry is not None:
            point = self.viewport.to_photo(x, y)
            height, width = self.grid_geometry.photo_size
            if not (0 <= point[0] < width and 0 <= point[1] < height):
                point = None
        self.show_point(point)
        self._tell_point(point)

    def show_point(self, point: tuple[float, float] | None) -> None:
        """Marks the patch over a photo point, as if the pointer were there; None: nothing.

        Args:
            point: In photo pixels; where the model saw nothing, nothing is marked.
        """
        patch = (
            self.grid_geometry.patch_at(*point)
            if self.grid_geometry is not None and point
            else None
        )
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

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self._brushing or event.button() != Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)
            return
        patch = self.patch_under(event.position().x(), event.position().y())
        if patch is not None and self.grid_geometry is not None:
            # The first patch of a stroke says whether it removes or puts back.
            self._stroke = not self._is_removed(patch)
            self.brushed.emit(patch, self._stroke)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._stroke is None and not self._brushing:
            super().mouseReleaseEvent(event)
        self._stroke = None

    def _is_removed(self, patch: Patch) -> bool:
        assert self.grid_geometry is not None
        x, y = self.grid_geometry.patch_box(*patch).centre
        return any(box.left <= x < box.right and box.top <= y < box.bottom for box in self._removed)

    def pressed_and_released(self, x: float, y: float) -> None:
        if self.photo is not None:
            self.clicked.emit(self.patch_under(x, y))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.show_point(None)
        # Always: what a new photo has made this one forget, others still mark.
        self._point = None
        self.point_changed.emit(None)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        if self.dragging:
            return
        self.pointed(event.position().x(), event.position().y())
        patch = self._cursor
        stroke = self._stroke
        if stroke is not None and patch is not None and self._is_removed(patch) != stroke:
            self.brushed.emit(patch, stroke)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if plain and key in STEPS and self.grid_geometry is not None:
            self._step(*STEPS[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._cursor is not None:
            self.clicked.emit(self._cursor)
        elif plain and Qt.Key.Key_0 <= key <= Qt.Key.Key_9:
            self.digit_typed.emit(key - Qt.Key.Key_0)
        elif event.key() == BARE_KEY and not event.isAutoRepeat():
            self.set_bare(True)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == BARE_KEY and not event.isAutoRepeat():
            self.set_bare(False)
        else:
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.set_bare(False)
        super().focusOutEvent(event)

    @property
    def is_bare(self) -> bool:
        """Whether the photo is shown without its map."""
        return self._is_bare

    def set_bare(self, bare: bool) -> None:
        """Shows the photo without the map and everything over it, to compare."""
        if bare != self._is_bare:
            self._is_bare = bare
            self.update()

    def _step(self, down: int, right: int) -> None:
        assert self.grid_geometry is not None
        rows, cols = self.grid_geometry.grid
        if self._cursor is None:
            row, col = self._query[0] if self._query else (rows // 2, cols // 2)
        else:
            row, col = self._cursor[0] + down, self._cursor[1] + right
        patch = (min(max(row, 0), rows - 1), min(max(col, 0), cols - 1))
        centre = self.grid_geometry.patch_box(*patch).centre
        self.show_point(centre)
        self._tell_point(centre)
        self.reveal(self.on_widget(self.grid_geometry.patch_box(*patch)))

    def _set_cursor_patch(self, patch: Patch | None) -> None:
        if patch == self._cursor:
            return
        if self._notes or self._receptive is not None:
            self.update()
        else:  # a note may be anywhere; without it little changes
            self._update_around(self._cursor)
            self._update_around(patch)
        self._cursor = patch
        self.hovered.emit(patch)

    def _update_around(self, patch: Patch | None) -> None:
        """Repaints a patch's outline, and its numbers at the edges of the grid."""
        if patch is None or self.grid_geometry is None or not on_grid(patch, self.grid_geometry):
            return
        box = self.patch_on_screen(patch, self.grid_geometry).adjusted(-3, -3, 3, 3)
        self.update(box.toAlignedRect())
        if self.style_shown.grid and min(box.width(), box.height()) >= marks.LABELS_FROM:
            across, down = self.number_strips(self.grid_geometry)
            across.setLeft(box.left())
            across.setRight(box.right())
            down.setTop(box.top())
            down.setBottom(box.bottom())
            self.update(across.toAlignedRect())
            self.update(down.toAlignedRect())

    # Drawing

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        palette = self.palette()
        if self._is_bare:
            self.paint_photo(painter)
            painter.end()
            return
        self.paint_photo_and_map(painter, self._cursor)
        for box in self._removed:
            marks.removed(painter, self.on_widget(box))
        self._paint_work(painter)
        painter.setFont(self.font())
        self._paint_cursor(painter)
        if any(self._message):
            over_photo = self.photo is not None
            paint_message(painter, self.area, *self._message, palette, on_ground=over_photo)
        if self._busy:
            paint_chip(painter, QPointF(12, 12), self._busy, palette)
        if self.shows_focus:
            accent = palette.color(QPalette.ColorRole.Highlight)
            marks.frame(painter, self.area, accent, 2, 3)
        painter.end()

    def _paint_work(self, painter: QPainter) -> None:
        """What tells that the map is not of what is chosen, and how far the new one is."""
        palette = self.palette()
        if self._is_dimmed and self.photo is not None:
            height, width = self.photo.size
            ground = marks.translucent(palette.color(QPalette.ColorRole.Base), DIMMED)
            painter.fillRect(self.on_widget(Box(0, 0, width, height)) & self.area, ground)
        if self._progress is not None:
            done = QRectF(0, 0, self.width() * self._progress, PROGRESS_HEIGHT)
            painter.fillRect(done, palette.color(QPalette.ColorRole.Highlight))

    def _paint_cursor(self, painter: QPainter) -> None:
        """The patches that are asked about and pointed at, and what is to be said of the latter."""
        geometry = self.grid_geometry
        if geometry is None:
            return
        self._paint_receptive(painter, geometry)
        accent = self.palette().color(QPalette.ColorRole.Highlight)
        for patch in self._query:
            if on_grid(patch, geometry):
                marks.query_outline(painter, self.patch_on_screen(patch, geometry), accent)
        if self._cursor is not None:
            marks.outline(painter, self.patch_on_screen(self._cursor, geometry))
        if self._notes:
            self._paint_note(painter, geometry)

    def _paint_receptive(self, painter: QPainter, geometry: Geometry) -> None:
        """Where what the patch can see ends; nothing where that is all of the input."""
        patch, side = self._cursor, self._receptive
        if patch is None or side is None or sees_all(patch, geometry, side):
            return
        painter.save()
        painter.setClipRect(self.on_widget(geometry.seen), Qt.ClipOperation.IntersectClip)
        marks.dashes(painter, self.on_widget(geometry.around(*patch, side)))
        painter.restore()

    def _paint_note(self, painter: QPainter, geometry: Geometry) -> None:
        note = self.note
        if note is None or self.dragging or any(self._message):
            return
        if self._cursor is not None:
            about = self.patch_on_screen(self._cursor, geometry)
        else:
            x, y = self._unseen_point or (0.0, 0.0)
            about = self.on_widget(Box(x, y, x, y)).adjusted(-4, -4, 4, 4)
        paint_note(painter, note, about, self.room_beside_bar, self.palette())
