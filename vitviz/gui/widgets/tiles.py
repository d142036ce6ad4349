"""Tiles that scroll, and are pointed at and chosen by mouse or keyboard."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QFrame, QWidget

from vitviz.gui.canvas.patch_note import paint_message

Tile = TypeVar("Tile")

CHOOSING = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)


class TileLayout(Protocol[Tile]):
    """Where tiles are on the viewport, in widget pixels."""

    @property
    def scroll_range(self) -> tuple[int, int]:
        """How far they can be scrolled, (right, down)."""

    @property
    def page(self) -> QSize:
        """The part of the viewport that scrolls."""

    def at(self, point: QPointF) -> Tile | None:
        """The tile under a point."""

    def to_reveal(self, tile: Tile) -> tuple[int, int]:
        """How far to scroll, (right, down), to bring a tile into sight."""


class TileArea(QAbstractScrollArea, Generic[Tile]):
    """What all grids of tiles share; each says where its tiles are, and paints them.

    Args:
        name: For those who cannot see it.
        step: Of the scroll bars, in widget pixels.
        draggable: Tiles can be dragged elsewhere.
    """

    def __init__(
        self, name: str, step: int, *, draggable: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(name)
        self.viewport().setMouseTracking(True)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.horizontalScrollBar().setSingleStep(step)
        self.verticalScrollBar().setSingleStep(step)
        self._draggable = draggable
        self._message = ("", "")
        self._press: QPointF | None = None

    def set_message(self, title: str, text: str) -> None:
        """Text in the middle, instead of the tiles; two empty strings take it away."""
        self._message = (title, text)
        self.viewport().update()

    # What each grid says

    @property
    def tiles(self) -> TileLayout[Tile] | None:
        """Where the tiles are; None while there are none."""
        raise NotImplementedError

    def paint_tiles(self, painter: QPainter, palette: QPalette) -> None:
        """Paints those that are in sight, and what belongs to them."""
        raise NotImplementedError

    @property
    def focused_tile(self) -> Tile | None:
        """Where the keyboard is."""
        raise NotImplementedError

    def next_tile(self, key: Qt.Key) -> Tile | None:
        """Where a key leads from there; None: nowhere."""
        raise NotImplementedError

    def on_focused(self, tile: Tile) -> None:
        """The keyboard went to a tile."""

    def on_pointed(self, tile: Tile | None) -> None:
        """The pointer went to a tile, or to none."""

    def on_chosen(self, tile: Tile) -> None:
        """A tile was clicked, or chosen with Enter."""

    def on_dragged(self, tile: Tile) -> None:
        """A tile is dragged away."""

    # Scrolling

    def tile_at(self, point: QPointF) -> Tile | None:
        """The tile under a point of the viewport."""
        return self.tiles.at(point) if self.tiles is not None else None

    def lay_out(self) -> None:
        """Has the scroll bars say how much there is."""
        tiles = self.tiles
        ranges = tiles.scroll_range if tiles is not None else (0, 0)
        page = tiles.page if tiles is not None else self.viewport().size()
        for bar, most, shown in zip(
            (self.horizontalScrollBar(), self.verticalScrollBar()),
            ranges,
            (page.width(), page.height()),
            strict=True,
        ):
            bar.setRange(0, most)
            bar.setPageStep(max(shown, 1))

    def scroll_by(self, right: float, down: float) -> None:
        """Scrolls so many widget pixels further."""
        for bar, step in (
            (self.horizontalScrollBar(), right),
            (self.verticalScrollBar(), down),
        ):
            bar.setValue(round(bar.value() + step))

    @property
    def scrolled(self) -> tuple[int, int]:
        """How far it is scrolled, (right, down)."""
        return self.horizontalScrollBar().value(), self.verticalScrollBar().value()

    # Qt's events

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        palette = self.palette()
        area = QRectF(self.viewport().rect())
        painter.fillRect(area, palette.color(QPalette.ColorRole.Base))
        painter.setFont(self.font())
        if self.tiles is None or any(self._message):
            paint_message(painter, area, *self._message, palette, on_ground=False)
        else:
            self.paint_tiles(painter, palette)
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.lay_out()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self.lay_out()
            self.viewport().update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._press = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        held = event.buttons() & Qt.MouseButton.LeftButton
        if not self._draggable or not held or self._press is None:
            self.on_pointed(self.tile_at(event.position()))
            return
        way = (event.position() - self._press).manhattanLength()
        if way >= QApplication.startDragDistance():
            tile, self._press = self.tile_at(self._press), None
            if tile is not None:
                self.on_dragged(tile)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._press = self._press is not None, None
        tile = self.tile_at(event.position())
        if pressed and tile is not None and event.button() == Qt.MouseButton.LeftButton:
            self.on_chosen(tile)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self.on_pointed(None)
        return bool(super().viewportEvent(event))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        tiles, focused = self.tiles, self.focused_tile
        if tiles is None or event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().keyPressEvent(event)
        elif key in CHOOSING:
            if focused is not None:
                self.on_chosen(focused)
        elif (tile := self.next_tile(key)) is not None:
            self.on_focused(tile)
            self.scroll_by(*tiles.to_reveal(tile))
            self.viewport().update()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()
