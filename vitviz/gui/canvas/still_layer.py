"""What lies over a map and does not change with it: the grid, its numbers, what was not seen."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPalette, QPixmap

from vitviz.engine.cache import Cache
from vitviz.gui.canvas import marks
from vitviz.gui.canvas.pictures import Screen, on_widget
from vitviz.gui.canvas.viewport import Viewport
from vitviz.gui.canvas.window_lines import WindowLines
from vitviz.imaging.geometry import Box, Geometry


@dataclass(frozen=True)
class Still:
    """What the layer shows.

    Args:
        geometry: Of the photo and its patches.
        viewport: Where the photo lies on the widget.
        screen: The widget's pixels.
        grid: Draw the patch grid and its numbers.
        windows: The windows of the layer; None: none are drawn.
    """

    geometry: Geometry
    viewport: Viewport
    screen: Screen
    grid: bool
    windows: WindowLines | None = None

    @property
    def area(self) -> QRectF:
        """The whole widget."""
        return QRectF(0, 0, self.screen.size.width(), self.screen.size.height())

    @property
    def photo(self) -> QRectF:
        """Where the photo lies on the widget."""
        height, width = self.geometry.photo_size
        return on_widget(self.viewport, Box(0, 0, width, height))

    def grid_on_screen(self) -> marks.GridOnScreen:
        """The patches' edges on the widget, between device pixels."""
        geometry, snapped = self.geometry, self.screen.snapped
        rows, cols = geometry.grid
        boxes = [geometry.patch_box(0, col) for col in range(cols)]
        lefts = [on_widget(self.viewport, box).left() for box in boxes]
        boxes = [geometry.patch_box(row, 0) for row in range(rows)]
        tops = [on_widget(self.viewport, box).top() for box in boxes]
        end = on_widget(self.viewport, geometry.window)
        return marks.GridOnScreen(
            [snapped(x) for x in (*lefts, end.right())],
            [snapped(y) for y in (*tops, end.bottom())],
            on_widget(self.viewport, geometry.seen) & self.area,
            self.photo,
        )

    def draw_windows(self, painter: QPainter, windows: WindowLines, palette: QPalette) -> None:
        """Lines where windows meet, and a frame around the window that is asked about."""
        seen, snapped = on_widget(self.viewport, windows.seen), self.screen.snapped
        lines = []
        for x in windows.xs:
            at = snapped(on_widget(self.viewport, Box(x, 0, x, 0)).left())
            lines.append(QRectF(at - 1, seen.top(), 2, seen.height()))
        for y in windows.ys:
            at = snapped(on_widget(self.viewport, Box(0, y, 0, y)).top())
            lines.append(QRectF(seen.left(), at - 1, seen.width(), 2))
        for line in lines:
            painter.fillRect(line.adjusted(-1, -1, 1, 1), QColor(0, 0, 0, 110))
        for line in lines:
            painter.fillRect(line, QColor(255, 255, 255, 190))
        if windows.own is not None:
            box = on_widget(self.viewport, windows.own)
            marks.query_outline(painter, box, palette.color(QPalette.ColorRole.Highlight))


class StillLayer:
    """The layer, drawn again only where something in it changed.

    Args:
        widgets: How many share it: those that show the same show one picture.
    """

    def __init__(self, widgets: int = 1) -> None:
        self._pixmaps: Cache[Hashable, QPixmap] = Cache(widgets)

    def draw(
        self,
        painter: QPainter,
        still: Still,
        font: QFont,
        palette: QPalette,
        marked: tuple[int, int] | None,
    ) -> None:
        """Draws it.

        Args:
            painter: Of the widget.
            still: What is shown.
            font: Of the numbers.
            palette: For the numbers.
            marked: The patch whose row and column are stressed.
        """
        size = still.screen.size.width(), still.screen.size.height()
        key = (still.geometry, still.viewport, size, still.screen.ratio, still.grid, still.windows,
               font.key(), palette.cacheKey())  # fmt: skip
        pixmap = self._pixmaps.get(key, lambda: self._drawn(still, font, palette))
        painter.drawPixmap(0, 0, pixmap)
        if still.grid and marked is not None:
            painter.setFont(font)
            marks.marked_headers(painter, still.grid_on_screen(), still.area, palette, marked)

    @staticmethod
    def _drawn(still: Still, font: QFont, palette: QPalette) -> QPixmap:
        pixmap = QPixmap(still.screen.device_size)
        pixmap.setDevicePixelRatio(still.screen.ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setClipRect(still.area)
        marks.unseen(painter, still.photo, on_widget(still.viewport, still.geometry.seen))
        if still.grid:
            grid = still.grid_on_screen()
            painter.setFont(font)
            marks.grid_lines(painter, grid)
            marks.grid_headers(painter, grid, still.area, palette)
        if still.windows is not None:
            still.draw_windows(painter, still.windows, palette)
        painter.end()
        return pixmap
