"""The model's input, cut into its patches and numbered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPalette,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from vitviz.gui.canvas import marks
from vitviz.gui.canvas.pictures import photo_image
from vitviz.gui.views.patches.layout import PatchLayout
from vitviz.gui.widgets.tiles import TileArea
from vitviz.imaging.geometry import Geometry
from vitviz.models.tokens import TokenLayout
from vitviz.shapes import UInt8
from vitviz.wording.names import token_name

ZOOM = 1.25

ZOOMS = {Qt.Key.Key_Plus: ZOOM, Qt.Key.Key_Equal: ZOOM, Qt.Key.Key_Minus: 1 / ZOOM}


@dataclass(frozen=True, eq=False)
class Sheet:
    """What is cut up.

    Args:
        pixels: The model's input, normalisation undone; sRGB.
        geometry: Of the input.
        layout: Of its tokens.
    """

    pixels: UInt8[np.ndarray, "height width 3"]
    geometry: Geometry
    layout: TokenLayout


class PatchSheet(TileArea[int]):
    """Every token as a tile: the prefix tokens by name, then the patches as the model gets them.

    Signals:
        clicked(object): The patch (row, col) that was clicked or chosen with Enter; None for a
            prefix token.
        token_clicked(int): The token that was.
        pointed(object): The token under the pointer or the keyboard's frame, or None.
    """

    clicked = Signal(object)
    token_clicked = Signal(int)
    pointed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Patches of the photo", 24, parent=parent)
        self._sheet: Sheet | None = None
        self._image = QImage()
        self._query: tuple[int, ...] = ()
        self._cursor: int | None = None
        self._zoom = 1.0

    # What is shown

    def show_sheet(self, sheet: Sheet | None, query: tuple[int, ...]) -> None:
        """Shows a model's input.

        Args:
            sheet: None: the message.
            query: The tokens that are asked about; they are outlined.
        """
        new = sheet is None or self._sheet is None or sheet.pixels is not self._sheet.pixels
        self._sheet, self._query = sheet, query
        if new:
            self._image = QImage() if sheet is None else photo_image(sheet.pixels).copy()
            self._set_cursor(None)
            self._zoom = 1.0
        self.lay_out()
        self.viewport().update()

    @property
    def sheet(self) -> Sheet | None:
        """What it shows."""
        return self._sheet

    @property
    def query(self) -> tuple[int, ...]:
        """The outlined tokens."""
        return self._query

    @property
    def cursor_token(self) -> int | None:
        """The token under the pointer, or where the keyboard is."""
        return self._cursor

    # Where the tiles are

    @property
    def layout_of_tiles(self) -> PatchLayout | None:
        """Where the tiles are; None while there are none."""
        if self._sheet is None:
            return None
        metrics = QFontMetricsF(self.font())
        tokens = self._sheet.layout
        names = [
            metrics.horizontalAdvance(self._name(token)) for token in range(len(tokens.prefix))
        ]
        return PatchLayout(
            tokens,
            self.viewport().size().toSizeF(),
            QFontMetricsF(marks.small(self.font())).height(),
            max(names, default=0.0) + 20,
            self._zoom,
            self.scrolled,
        )

    @property
    def tiles(self) -> PatchLayout | None:
        """The same."""
        return self.layout_of_tiles

    def _name(self, token: int) -> str:
        assert self._sheet is not None
        return f"{token}  {token_name(self._sheet.layout, token)}"

    def zoom_by(self, factor: float, around: QPointF | None = None) -> None:
        """Larger or smaller tiles, never smaller than all in sight; a point stays where it is."""
        before = self.layout_of_tiles
        if before is None:
            return
        point = around or QRectF(self.viewport().rect()).center()
        self._zoom = min(max(self._zoom * factor, 1.0), before.most_zoom)
        self.lay_out()
        after = self.layout_of_tiles
        assert after is not None
        grown = after.side / before.side
        moved = after.origin + (point - before.origin) * grown - point
        self.scroll_by(moved.x(), moved.y())
        self.viewport().update()

    def fit(self) -> None:
        """All tiles in sight."""
        self._zoom = 1.0
        self.lay_out()
        self.viewport().update()

    # Drawing

    def paint_tiles(self, painter: QPainter, palette: QPalette) -> None:
        layout = self.layout_of_tiles
        if self._sheet is not None and layout is not None:
            self._paint_prefix(painter, layout, palette)
            self._paint_patches(painter, layout, self._sheet.geometry.patch)
            self._paint_frames(painter, layout, palette)

    def _paint_prefix(self, painter: QPainter, layout: PatchLayout, palette: QPalette) -> None:
        for token in range(len(layout.tokens.prefix)):
            box = layout.box(token)
            window = palette.color(QPalette.ColorRole.Window)
            marks.panel(painter, box, window, palette.color(QPalette.ColorRole.Mid))
            painter.setPen(palette.color(QPalette.ColorRole.Text))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._name(token))

    def _paint_patches(self, painter: QPainter, layout: PatchLayout, patch: int) -> None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, layout.side < 96)
        painter.setFont(marks.small(self.font()))
        painter.setPen(marks.quiet(self.palette()))
        for row, col in layout.in_sight():
            box = layout.patch_box(row, col)
            source = QRectF(col * patch, row * patch, patch, patch)
            painter.drawImage(box, self._image, source)
            if layout.numbered:
                below = QRectF(box.left() - 4, box.bottom() + 1, box.width() + 8, layout.line)
                number = str(layout.tokens.index(row, col))
                painter.drawText(below, Qt.AlignmentFlag.AlignCenter, number)

    def _paint_frames(self, painter: QPainter, layout: PatchLayout, palette: QPalette) -> None:
        accent = palette.color(QPalette.ColorRole.Highlight)
        for token in self._query:
            marks.frame(painter, layout.box(token).adjusted(-3, -3, 3, 3), accent, 2, 3)
        if self._cursor is not None:
            marks.outline(painter, layout.box(self._cursor).adjusted(0, 0, -1, -1))

    # Qt's events

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.tile_at(event.position()) is None:
            self.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom_by(ZOOM ** (event.angleDelta().y() / 120), event.position())
            event.accept()
        else:
            super().wheelEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._sheet is not None and event.key() in ZOOMS:
            self.zoom_by(ZOOMS[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    # What the user does

    @property
    def focused_tile(self) -> int | None:
        return self._cursor

    def next_tile(self, key: Qt.Key) -> int | None:
        assert self._sheet is not None
        layout = self._sheet.layout
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -layout.grid[1],
            Qt.Key.Key_Down: layout.grid[1],
        }
        if key not in steps:
            return None
        first = self._query[0] if self._query else 0
        token = first if self._cursor is None else self._cursor + steps[key]
        return min(max(token, 0), layout.tokens - 1)

    def on_focused(self, tile: int) -> None:
        self._set_cursor(tile)

    def on_pointed(self, tile: int | None) -> None:
        self._set_cursor(tile)

    def on_chosen(self, tile: int) -> None:
        if self._sheet is not None:
            self.token_clicked.emit(tile)
            self.clicked.emit(self._sheet.layout.patch(tile))

    def _set_cursor(self, token: int | None) -> None:
        if token != self._cursor:
            self._cursor = token
            self.pointed.emit(token)
            self.viewport().update()
