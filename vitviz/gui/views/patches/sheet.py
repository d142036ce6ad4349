"""The model's input, cut into its patches and numbered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from vitviz.gui.canvas import marks
from vitviz.gui.canvas.patch_note import paint_message
from vitviz.gui.canvas.pictures import photo_image
from vitviz.gui.views.patches.layout import PatchLayout
from vitviz.imaging.geometry import Geometry
from vitviz.models.tokens import TokenLayout
from vitviz.shapes import UInt8

ZOOM = 1.25


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


class PatchSheet(QAbstractScrollArea):
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
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Patches of the photo")
        self.viewport().setMouseTracking(True)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._sheet: Sheet | None = None
        self._image = QImage()
        self._query: int | None = None
        self._cursor: int | None = None
        self._zoom = 1.0
        self._message = ("", "")

    # What is shown

    def show_sheet(self, sheet: Sheet | None, query: int | None) -> None:
        """Shows a model's input.

        Args:
            sheet: None: the message.
            query: The token that is asked about; it is outlined.
        """
        new = sheet is None or self._sheet is None or sheet.pixels is not self._sheet.pixels
        self._sheet, self._query = sheet, query
        if new:
            self._image = QImage() if sheet is None else photo_image(sheet.pixels).copy()
            self._set_cursor(None)
            self._zoom = 1.0
        self._lay_out()
        self.viewport().update()

    def set_message(self, title: str, text: str) -> None:
        """Text in the middle; two empty strings take it away."""
        self._message = (title, text)
        self.viewport().update()

    @property
    def sheet(self) -> Sheet | None:
        """What it shows."""
        return self._sheet

    @property
    def query(self) -> int | None:
        """The outlined token."""
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
            (self.horizontalScrollBar().value(), self.verticalScrollBar().value()),
        )

    def _name(self, token: int) -> str:
        assert self._sheet is not None
        return f"{token}  {self._sheet.layout.name(token)}"

    def _token_at(self, point: QPointF) -> int | None:
        layout = self.layout_of_tiles
        return layout.at(point) if layout is not None else None

    def _lay_out(self) -> None:
        layout = self.layout_of_tiles
        ranges = layout.scroll_range if layout is not None else (0, 0)
        size = self.viewport().size()
        for bar, most, page in zip(
            (self.horizontalScrollBar(), self.verticalScrollBar()),
            ranges,
            (size.width(), size.height()),
            strict=True,
        ):
            bar.setRange(0, most)
            bar.setPageStep(max(page, 1))
            bar.setSingleStep(24)

    def _scroll(self, way: tuple[float, float]) -> None:
        for bar, step in zip(
            (self.horizontalScrollBar(), self.verticalScrollBar()), way, strict=True
        ):
            bar.setValue(round(bar.value() + step))

    def zoom_by(self, factor: float, around: QPointF | None = None) -> None:
        """Larger or smaller tiles, never smaller than all in sight; a point stays where it is."""
        before = self.layout_of_tiles
        if before is None:
            return
        point = around or QRectF(self.viewport().rect()).center()
        self._zoom = min(max(self._zoom * factor, 1.0), before.most_zoom)
        self._lay_out()
        after = self.layout_of_tiles
        assert after is not None
        grown = after.side / before.side
        moved = after.origin + (point - before.origin) * grown - point
        self._scroll((moved.x(), moved.y()))
        self.viewport().update()

    def fit(self) -> None:
        """All tiles in sight."""
        self._zoom = 1.0
        self._lay_out()
        self.viewport().update()

    # Drawing

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        palette = self.palette()
        area = QRectF(self.viewport().rect())
        painter.fillRect(area, palette.color(QPalette.ColorRole.Base))
        painter.setFont(self.font())
        layout = self.layout_of_tiles
        if self._sheet is None or layout is None or any(self._message):
            paint_message(painter, area, *self._message, palette, on_ground=False)
        else:
            self._paint_prefix(painter, layout, palette)
            self._paint_patches(painter, layout, self._sheet.geometry.patch)
            self._paint_frames(painter, layout, palette)
        painter.end()

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
        if self._query is not None:
            accent = palette.color(QPalette.ColorRole.Highlight)
            marks.frame(painter, layout.box(self._query).adjusted(-3, -3, 3, 3), accent, 2, 3)
        if self._cursor is not None:
            marks.outline(painter, layout.box(self._cursor).adjusted(0, 0, -1, -1))

    # Qt's events

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self._lay_out()
            self.viewport().update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._set_cursor(self._token_at(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        token = self._token_at(event.position())
        if token is not None and event.button() == Qt.MouseButton.LeftButton:
            self._choose(token)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._token_at(event.position()) is None:
            self.fit()

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self._set_cursor(None)
        return bool(super().viewportEvent(event))

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom_by(ZOOM ** (event.angleDelta().y() / 120), event.position())
            event.accept()
        else:
            super().wheelEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._sheet is None:
            super().keyPressEvent(event)
        elif event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_by(ZOOM)
        elif event.key() == Qt.Key.Key_Minus:
            self.zoom_by(1 / ZOOM)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._choose(self._cursor)
        elif not self._step(Qt.Key(event.key())):
            super().keyPressEvent(event)

    def _step(self, key: Qt.Key) -> bool:
        """Moves the keyboard's frame; False for other keys."""
        assert self._sheet is not None
        layout = self._sheet.layout
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -layout.grid[1],
            Qt.Key.Key_Down: layout.grid[1],
        }
        if key not in steps:
            return False
        token = self._query or 0 if self._cursor is None else self._cursor + steps[key]
        self._set_cursor(min(max(token, 0), layout.tokens - 1))
        self._reveal()
        return True

    def _reveal(self) -> None:
        layout = self.layout_of_tiles
        if layout is not None and self._cursor is not None:
            self._scroll(layout.to_reveal(self._cursor))

    def _choose(self, token: int | None) -> None:
        if token is not None and self._sheet is not None:
            self.token_clicked.emit(token)
            self.clicked.emit(self._sheet.layout.patch(token))

    def _set_cursor(self, token: int | None) -> None:
        if token != self._cursor:
            self._cursor = token
            self.pointed.emit(token)
            self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()
