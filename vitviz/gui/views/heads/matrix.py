"""The layers x heads matrix of small maps: scrolled, drawn a few tiles at a time."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QPainter, QPalette, QPixmap, QResizeEvent
from PySide6.QtWidgets import QWidget

from vitviz.gui.canvas import marks
from vitviz.gui.canvas.map_tile import MapTile, paint_tile
from vitviz.gui.scene import PaneDrop
from vitviz.gui.views.heads.layout import GAP, HeadLayout, Place
from vitviz.gui.views.heads.subject import Subject
from vitviz.gui.widgets.drops import drag, drop_data
from vitviz.gui.widgets.tiles import TileArea
from vitviz.maps.heat_map import Head
from vitviz.maps.ranges import look
from vitviz.wording.names import head_name, layer_name

TURN_S = 0.006
"""How long tiles are drawn before the event loop gets its turn."""

STEPS: dict[Qt.Key, Place] = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
    Qt.Key.Key_PageUp: (-4, 0),
    Qt.Key.Key_PageDown: (4, 0),
    Qt.Key.Key_Home: (0, -10_000),
    Qt.Key.Key_End: (0, 10_000),
}


class HeadMatrix(TileArea[Place]):
    """Small maps of every layer and head, the labels staying in sight; each can be dragged to a
    pane of the Compare view.

    Signals:
        opened(int, object): Layer (from 0) and head or fusion that was clicked, or chosen with
            Enter.
        pointed(object): (layer, head) under the pointer or the keyboard's frame, or None.
    """

    opened = Signal(int, object)
    pointed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Maps of every layer and head", 40, draggable=True, parent=parent)
        self._subject: Subject | None = None
        self._selected: Place | None = None
        self._focused: Place = (0, 0)
        self._maker: MapTile | None = None
        self._images: dict[Place, QImage] = {}
        self._outdated: set[Place] = set()
        self._silent: frozenset[tuple[int, int]] = frozenset()
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._draw_some)

    # What is shown

    def show_subject(self, subject: Subject | None, layer: int, head: Head) -> None:
        """Shows an explanation; tiles are drawn again only where they would look different.

        Args:
            subject: None: the message.
            layer: The selected one.
            head: The selected one.
        """
        old, self._subject = self._subject, subject
        if subject is None or old is None or subject.geometry != old.geometry:
            self._images.clear()
        if subject is not None:
            if not subject.draws_like(old):
                self._maker = None
                self._outdated = set(self._images)
            self._select(subject, layer, head)
        self.lay_out()
        self.viewport().update()

    def show_silent(self, heads: frozenset[tuple[int, int]]) -> None:
        """Crosses out silent heads: (layer, head), from 0."""
        if heads != self._silent:
            self._silent = heads
            self.viewport().update()

    @property
    def subject(self) -> Subject | None:
        """What it shows."""
        return self._subject

    @property
    def selected(self) -> tuple[int, Head] | None:
        """The framed layer and head."""
        return self._choice(self._selected) if self._selected is not None else None

    @property
    def focused(self) -> tuple[int, Head] | None:
        """The layer and head that the keyboard is at."""
        return self._choice(self._focused)

    @property
    def drawn(self) -> int:
        """How many tiles are drawn and up to date."""
        return len(self._images) - len(self._outdated)

    @property
    def busy(self) -> bool:
        """Whether tiles in sight are still to be drawn."""
        return self._timer.isActive()

    def _select(self, subject: Subject, layer: int, head: Head) -> None:
        row = subject.layers.index(subject.explanation.nearest_layer(layer))
        col = subject.heads.index(head) if head in subject.heads else None
        if len(subject.heads) == 1:
            col = 0
        selected = (row, col) if col is not None else None
        if selected is not None and selected != self._selected:
            self._focused = selected
        self._selected = selected
        self._focused = self.layout_of_tiles.nearest(*self._focused)

    def _choice(self, place: Place) -> tuple[int, Head] | None:
        if self._subject is None:
            return None
        return self._subject.layers[place[0]], self._subject.heads[place[1]]

    @property
    def layout_of_tiles(self) -> HeadLayout:
        """Where the tiles are."""
        shape, aspect = (0, 0), 1.0
        if self._subject is not None:
            shape = (len(self._subject.layers), len(self._subject.heads))
            height, width = self._subject.geometry.photo_size
            aspect = width / height
        return HeadLayout(shape, aspect, self.viewport().size(), self.scrolled)

    @property
    def tiles(self) -> HeadLayout | None:
        """The same; None while there are none."""
        return self.layout_of_tiles if self._subject is not None else None

    # Drawing

    def _draw_some(self) -> None:
        """Draws tiles that are in sight until this turn's time is over."""
        end = time.perf_counter() + TURN_S
        ready = self._images.keys() - self._outdated
        todo = [place for place in self._places_in_sight() if place not in ready]
        while todo and time.perf_counter() < end:
            place = todo.pop(0)
            self._images[place] = self._tile(place)
            self._outdated.discard(place)
        if not todo:
            self._timer.stop()
        self.viewport().update()

    def _places_in_sight(self) -> list[Place]:
        """Where there is a map to see: layers may have fewer heads than others."""
        subject = self._subject
        if subject is None:
            return []
        return [place for place in self.layout_of_tiles.in_sight() if subject.has(*place)]

    def _tile(self, place: Place) -> QImage:
        subject = self._subject
        assert subject is not None
        if self._maker is None:
            self._maker = MapTile(
                subject.thumbnail,
                subject.geometry,
                self.layout_of_tiles.tile_size,
                self.devicePixelRatioF(),
            )
        heat_map = subject.explanation.map(subject.layers[place[0]], subject.heads[place[1]])
        how = look(subject.style, heat_map, subject.explanation)
        return self._maker.image(heat_map, how.style, how[1:])

    def paint_tiles(self, painter: QPainter, palette: QPalette) -> None:
        self._paint_maps(painter, palette)
        self._paint_labels(painter, palette)

    def _paint_maps(self, painter: QPainter, palette: QPalette) -> None:
        layout, missing = self.layout_of_tiles, False
        area = QRectF(self.viewport().rect())
        painter.setClipRect(area.adjusted(layout.left - 6, layout.top, 0, 0))
        for place in self._places_in_sight():
            image = self._images.get(place)
            missing |= image is None or place in self._outdated
            paint_tile(
                painter,
                layout.box(place),
                image,
                palette,
                selected=place == self._selected,
                focused=self.hasFocus() and place == self._focused,
            )
            if self._choice(place) in self._silent:
                marks.removed(painter, layout.box(place))
                painter.setPen(marks.LIGHT)
                painter.drawText(layout.box(place), Qt.AlignmentFlag.AlignCenter, "silent")
        painter.setClipping(False)
        if missing and not self._timer.isActive():
            self._timer.start()

    def _paint_labels(self, painter: QPainter, palette: QPalette) -> None:
        subject = self._subject
        assert subject is not None
        painter.setFont(marks.small(self.font()))
        layout = self.layout_of_tiles
        layers = [layer_name(layer) for layer in subject.layers]
        heads = [head_name(head) for head in subject.heads]
        layer, head = self._selected or (-1, -1)
        if layout.arrangement == "lines":
            self._paint_own_labels(painter, palette, layers, layer)
        elif layout.arrangement == "across":
            self._paint_top(painter, palette, [(layers[i], (i, 0)) for i in range(len(layers))],
                            layer)  # fmt: skip
            self._paint_left(painter, palette, [(heads[i], (0, i)) for i in range(len(heads))],
                             head)  # fmt: skip
        else:
            self._paint_top(painter, palette, [(heads[i], (0, i)) for i in range(len(heads))],
                            head)  # fmt: skip
            self._paint_left(painter, palette, [(layers[i], (i, 0)) for i in range(len(layers))],
                             layer)  # fmt: skip

    def _paint_own_labels(
        self, painter: QPainter, palette: QPalette, layers: list[str], chosen: int
    ) -> None:
        layout = self.layout_of_tiles
        for number, name in enumerate(layers):
            box = layout.box((number, 0))
            above = QRectF(box.left(), box.top() - layout.above, box.width(), layout.above - 2)
            flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            self._label(painter, above, flags, name, palette, number == chosen)

    def _paint_top(
        self, painter: QPainter, palette: QPalette, labels: list[tuple[str, Place]], chosen: int
    ) -> None:
        layout = self.layout_of_tiles
        painter.setClipRect(QRectF(self.viewport().rect()).adjusted(layout.left - 6, 0, 0, 0))
        for number, (name, place) in enumerate(labels):
            box = layout.box(place)
            self._label(
                painter, QRectF(box.left(), 0, box.width(), layout.top),
                Qt.AlignmentFlag.AlignCenter, name, palette, number == chosen,
            )  # fmt: skip

    def _paint_left(
        self, painter: QPainter, palette: QPalette, labels: list[tuple[str, Place]], chosen: int
    ) -> None:
        layout = self.layout_of_tiles
        painter.setClipRect(QRectF(self.viewport().rect()).adjusted(0, layout.top, 0, 0))
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for number, (name, place) in enumerate(labels):
            box = layout.box(place)
            at = QRectF(layout.begins, box.top(), layout.left - GAP, box.height())
            self._label(painter, at, flags, name, palette, number == chosen)

    @staticmethod
    def _label(
        painter: QPainter,
        box: QRectF,
        flags: Qt.AlignmentFlag,
        text: str,
        palette: QPalette,
        strong: bool,
    ) -> None:
        colour = palette.color(QPalette.ColorRole.Text) if strong else marks.quiet(palette)
        painter.setPen(colour)
        painter.drawText(box, flags, text)

    # Qt's events

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._start_over()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._start_over()
        return bool(super().event(event))

    def hideEvent(self, event: QEvent) -> None:
        self._timer.stop()

    def _start_over(self) -> None:
        self._maker = None
        self._images.clear()
        self._outdated.clear()
        self.viewport().update()

    # What the user does

    @property
    def focused_tile(self) -> Place:
        return self._focused

    def next_tile(self, key: Qt.Key) -> Place | None:
        if key not in STEPS:
            return None
        down, right = STEPS[key]
        return self.layout_of_tiles.stepped(self._focused, down, right)

    def on_focused(self, tile: Place) -> None:
        self._focused = tile
        self.pointed.emit(self.focused)

    def on_pointed(self, tile: Place | None) -> None:
        shape = Qt.CursorShape.PointingHandCursor if tile else Qt.CursorShape.ArrowCursor
        self.viewport().setCursor(shape)
        self.pointed.emit(self._choice(tile) if tile is not None else None)

    def on_chosen(self, tile: Place) -> None:
        self._focused = tile
        choice = self._choice(tile)
        if choice is not None:
            self.opened.emit(*choice)

    def on_dragged(self, tile: Place) -> None:
        """Drags a map to a pane of the Compare view."""
        choice = self._choice(tile)
        if choice is not None:
            picture = QPixmap.fromImage(self._images[tile]) if tile in self._images else QPixmap()
            drag(self, drop_data(PaneDrop(layer=choice[0], head=choice[1])), picture)
