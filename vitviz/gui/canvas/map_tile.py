"""Small maps over small photos: for the filmstrip, and for the matrix of layers and heads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QLineF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPalette

from vitviz.gui.canvas import marks
from vitviz.gui.canvas.pictures import map_image, photo_image
from vitviz.imaging.geometry import Box, Geometry
from vitviz.maps.heat_map import HeatMap
from vitviz.maps.outliers import strokes
from vitviz.maps.overlay import inside, lines_over, positions
from vitviz.maps.style import Style
from vitviz.shapes import UInt8

ROUND = 3.0
"""Radius of a tile's corners, in widget pixels."""

THIN = 1.0
"""Of the line around what holds most of a map, in widget pixels."""

FRAME_GAP = 2.0
"""Between a tile and the frame around it."""


class MapTile:
    """A photo at the size of a tile, onto which any map of it can be laid.

    Args:
        thumbnail: The photo, small; sRGB.
        geometry: Of any of the maps: it tells the photo's size.
        size: Of the tile, in widget pixels. Where its shape is not the photo's, the tile shows
            the photo's middle.
        ratio: Device pixels per widget pixel.
    """

    def __init__(
        self,
        thumbnail: UInt8[np.ndarray, "height width 3"],
        geometry: Geometry,
        size: QSize,
        ratio: float = 1.0,
    ) -> None:
        self._geometry = geometry
        self._ratio = ratio
        width = max(round(size.width() * ratio), 1)
        height = max(round(size.height() * ratio), 1)
        photo_height, photo_width = geometry.photo_size
        scale = max(width / photo_width, height / photo_height)
        left = (photo_width - width / scale) / 2
        top = (photo_height - height / scale) / 2
        self._xs = left + (np.arange(width) + 0.5) / scale
        self._ys = top + (np.arange(height) + 0.5) / scale
        part = QRectF(left, top, width / scale, height / scale)
        self._photo = self._scaled(thumbnail, part, QSize(width, height))

    def _scaled(
        self, thumbnail: UInt8[np.ndarray, "height width 3"], part: QRectF, size: QSize
    ) -> QImage:
        """The part of the photo (in photo pixels) at the tile's size."""
        down = thumbnail.shape[0] / self._geometry.photo_size[0]
        across = thumbnail.shape[1] / self._geometry.photo_size[1]
        source = QRectF(
            part.left() * across, part.top() * down, part.width() * across, part.height() * down
        )
        small = photo_image(thumbnail).copy(source.toAlignedRect())
        small = small.scaled(
            size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        return small.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)

    def image(self, heat_map: HeatMap | None, style: Style, ends: tuple[float, float]) -> QImage:
        """The tile with a map, corners rounded.

        Args:
            heat_map: None: the photo alone.
            style: How the map looks; the grid is never drawn.
            ends: The values that the ends of the colour map stand for.
        """
        result = QImage(self._photo.size(), QImage.Format.Format_ARGB32_Premultiplied)
        result.fill(Qt.GlobalColor.transparent)
        painter = QPainter(result)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        path = QPainterPath()
        path.addRoundedRect(QRectF(result.rect()), ROUND * self._ratio, ROUND * self._ratio)
        painter.setClipPath(path)
        painter.drawImage(0, 0, self._photo)
        if heat_map is not None:
            self._lay(painter, heat_map, style, ends)
        painter.end()
        result.setDevicePixelRatio(self._ratio)
        return result

    def _lay(
        self, painter: QPainter, heat_map: HeatMap, style: Style, ends: tuple[float, float]
    ) -> None:
        geometry = heat_map.geometry
        rows, cols = positions(geometry, self._xs, self._ys)
        down, across = (inside(*two) for two in zip((rows, cols), geometry.extent, strict=True))
        if down.start >= down.stop or across.start >= across.stop:
            return
        image = map_image(heat_map.values, ends, style, rows[down], cols[across])
        painter.drawImage(across.start, down.start, image)
        photo = QRectF(painter.viewport())
        seen = QRectF(across.start, down.start, across.stop - across.start, down.stop - down.start)
        marks.dim(painter, photo, seen)
        lines = self._on_tile(lines_over(heat_map, geometry, style))
        marks.lines(painter, lines, THIN * self._ratio)
        if marked := self._on_tile(strokes(heat_map.outliers, geometry)):
            diagonals = [QLineF(line.topLeft(), line.bottomRight()) for line in marked]
            marks.strokes(painter, diagonals, THIN * self._ratio)

    def _on_tile(self, lines: Sequence[Box]) -> list[QRectF]:
        """Lines on the photo, in the tile's pixels."""
        scale = 1 / (self._xs[1] - self._xs[0]) if len(self._xs) > 1 else 1.0
        left, top = self._xs[0] - 0.5 / scale, self._ys[0] - 0.5 / scale
        return [
            QRectF((line.left - left) * scale, (line.top - top) * scale,
                   line.width * scale, line.height * scale)
            for line in lines
        ]  # fmt: skip


def tile_image(
    thumbnail: UInt8[np.ndarray, "height width 3"],
    heat_map: HeatMap | None,
    geometry: Geometry,
    style: Style,
    lo: float,
    hi: float,
    size: QSize,
    ratio: float = 1.0,
) -> QImage:
    """One tile; for many of one photo, keep a ``MapTile``.

    Args:
        thumbnail: The photo, small; sRGB.
        heat_map: None: the photo alone.
        geometry: Of the map.
        style: How the map looks.
        lo: The value at the lower end of the colour map.
        hi: The value at its upper end.
        size: Of the tile, in widget pixels.
        ratio: Device pixels per widget pixel; the image carries it.
    """
    return MapTile(thumbnail, geometry, size, ratio).image(heat_map, style, (lo, hi))


def paint_tile(
    painter: QPainter,
    box: QRectF,
    image: QImage | None,
    palette: QPalette,
    *,
    selected: bool = False,
    focused: bool = False,
) -> None:
    """Draws a tile, a quiet ground where there is no image yet, and its frames.

    Args:
        painter: Of the widget.
        box: Where the tile goes.
        image: Of ``MapTile.image``.
        palette: Mid, Highlight and Text.
        selected: A frame in the accent around it.
        focused: A thin frame in the text's colour around that.
    """
    if image is None:
        ground = marks.translucent(palette.color(QPalette.ColorRole.Mid), 120)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(box, ROUND, ROUND)
        painter.restore()
    else:
        painter.drawImage(box.topLeft(), image)
    if selected:
        _around(painter, box, FRAME_GAP + 2, palette.color(QPalette.ColorRole.Highlight), 2)
    if focused:
        gap = FRAME_GAP + (4 if selected else 2)
        _around(painter, box, gap, palette.color(QPalette.ColorRole.Text), 1.5)


def _around(painter: QPainter, box: QRectF, distance: float, colour: QColor, width: float) -> None:
    outer = box.adjusted(-distance, -distance, distance, distance)
    marks.frame(painter, outer, colour, width, ROUND + distance / 2)
