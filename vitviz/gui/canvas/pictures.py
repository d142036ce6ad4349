"""The two pictures the canvas is made of: the photo as it is in sight, and the map over it."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPixmap

from vitviz.engine.cache import Cache
from vitviz.gui.canvas.pyramid import Pyramid
from vitviz.gui.canvas.viewport import Viewport
from vitviz.imaging.geometry import Box, Geometry
from vitviz.maps.interpolation import missing, steps, weights
from vitviz.maps.overlay import colours, inside, positions
from vitviz.maps.style import Style
from vitviz.shapes import Float, UInt8

BLOCKS_FROM = 8.0
"""Screen pixels per photo pixel from which the photo's pixels are drawn as squares."""

COARSE_FROM = 2.0
"""Device pixel ratio from which smooth maps are computed once per widget pixel only."""


@dataclass(frozen=True)
class Screen:
    """The pixels a widget is drawn on.

    Args:
        size: Of the widget, in widget pixels.
        ratio: Device pixels per widget pixel.
    """

    size: QSize
    ratio: float

    @property
    def device_size(self) -> QSize:
        return QSize(
            math.ceil(self.size.width() * self.ratio), math.ceil(self.size.height() * self.ratio)
        )

    def snapped(self, value: float) -> float:
        """The nearest border between two device pixels."""
        return round(value * self.ratio) / self.ratio


def on_widget(viewport: Viewport, box: Box) -> QRectF:
    """Where a box of the photo lies on the widget."""
    left, top = viewport.to_widget(box.left, box.top)
    return QRectF(left, top, box.width * viewport.scale, box.height * viewport.scale)


def photo_image(pixels: UInt8[np.ndarray, "height width 3"]) -> QImage:
    """A picture that shares the pixels' memory: keep both together, and change neither."""
    height, width = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels)
    if rows is not pixels:
        return QImage(rows.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
    return QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)


class PhotoLayer:
    """The photo scaled to the screen, and kept: repainting is copying.

    Args:
        pyramid: Of the photo.
        widgets: How many share it: those that show the same part at the same size show one
            picture.
    """

    def __init__(self, pyramid: Pyramid, widgets: int = 1) -> None:
        self._pyramid = pyramid
        self._images: dict[int, QImage] = {}
        self._pixmaps: Cache[Hashable, QPixmap] = Cache(widgets)

    def pixmap(self, viewport: Viewport, screen: Screen, background: QColor) -> QPixmap:
        """What is in sight of the photo, on the background; as large as the screen."""
        size = screen.size.width(), screen.size.height()
        key = (viewport, size, screen.ratio, background.rgb())
        return self._pixmaps.get(key, lambda: self._drawn(viewport, screen, background))

    def _drawn(self, viewport: Viewport, screen: Screen, background: QColor) -> QPixmap:
        pixmap = QPixmap(screen.device_size)
        pixmap.setDevicePixelRatio(screen.ratio)
        pixmap.fill(background)
        number = self._pyramid.level(viewport.scale * screen.ratio)
        source, target, photo = self._in_sight(number, viewport, screen)
        if source.isEmpty():
            return pixmap
        painter = QPainter(pixmap)
        painter.setClipRect(photo)
        smooth = viewport.scale * screen.ratio < BLOCKS_FROM
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.drawImage(target, self._image(number), source)
        painter.end()
        return pixmap

    def _in_sight(
        self, number: int, viewport: Viewport, screen: Screen
    ) -> tuple[QRectF, QRectF, QRectF]:
        """Whole pixels of a level, where they lie on the widget, and where the photo does."""
        height, width = self._pyramid.levels[0].shape[:2]
        level_height, level_width = self._pyramid.levels[number].shape[:2]
        scale = viewport.scale * 2**number
        left = max(math.floor(-viewport.left / scale) - 1, 0)
        top = max(math.floor(-viewport.top / scale) - 1, 0)
        right = min(math.ceil((screen.size.width() - viewport.left) / scale) + 1, level_width)
        bottom = min(math.ceil((screen.size.height() - viewport.top) / scale) + 1, level_height)
        source = QRectF(left, top, right - left, bottom - top)
        target = QRectF(
            viewport.left + left * scale,
            viewport.top + top * scale,
            source.width() * scale,
            source.height() * scale,
        )
        photo = QRectF(viewport.left, viewport.top, width * viewport.scale, height * viewport.scale)
        return source, target, photo

    def _image(self, number: int) -> QImage:
        if number not in self._images:
            self._images[number] = photo_image(self._pyramid.levels[number])
        return self._images[number]


@dataclass(frozen=True, eq=False)
class MapLayer:
    """The part of a map in sight, in the screen's own pixels.

    Args:
        image: Colours with transparency.
        corner: Where its top-left corner lies on the widget.
    """

    image: QImage
    corner: QPointF

    def draw(self, painter: QPainter) -> None:
        painter.drawImage(self.corner, self.image)


def map_layer(
    values: np.ndarray,
    ends: tuple[float, float],
    geometry: Geometry,
    style: Style,
    viewport: Viewport,
    screen: Screen,
) -> MapLayer | None:
    """The map over the photo in sight, or None where there is nothing of it in sight.

    The centre of every screen pixel is taken through the viewport and the geometry, as
    ``vitviz.maps.overlay.composite`` does for the photo's pixels, and takes its colour from
    the same table.

    Args:
        values: One number a patch, natural units; where not finite, the photo shows.
        ends: Values at the lower and the upper end of the colour map.
        geometry: Where the patches lie on the photo.
        style: Colours, opacity, fade and interpolation.
        viewport: Where the photo lies on the widget.
        screen: The widget's pixels.
    """
    size = screen.device_size
    ratio = screen.ratio
    if style.smooth and ratio >= COARSE_FROM:
        size, ratio = screen.size, 1.0
    xs, ys = (
        ((np.arange(count) + 0.5) / ratio - start) / viewport.scale
        for count, start in ((size.width(), viewport.left), (size.height(), viewport.top))
    )
    rows, cols = positions(geometry, xs, ys)
    (height, width), (vertical, horizontal) = geometry.photo_size, geometry.extent
    down = _common(inside(rows, vertical), inside(ys, (0.0, height)))
    across = _common(inside(cols, horizontal), inside(xs, (0.0, width)))
    if down.start >= down.stop or across.start >= across.stop:
        return None
    image = map_image(values, ends, style, rows[down], cols[across])
    image.setDevicePixelRatio(ratio)
    return MapLayer(image, QPointF(across.start / ratio, down.start / ratio))


def _common(one: slice, other: slice) -> slice:
    return slice(max(one.start, other.start), min(one.stop, other.stop))


@lru_cache(maxsize=16)
def colour_words(style: Style) -> list[int]:
    """The style's colours as Qt packs them: 0xAARRGGBB."""
    red, green, blue, opaque = colours(style).astype(np.int64).T
    words: list[int] = (opaque << 24 | red << 16 | green << 8 | blue).tolist()
    return words


def map_image(
    values: np.ndarray,
    ends: tuple[float, float],
    style: Style,
    rows: Float[np.ndarray, " height"],
    cols: Float[np.ndarray, " width"],
) -> QImage:
    """The colours of a map at the crossings of some rows and columns (positions in patches);
    those that are its values, where it has three numbers a patch.
    """
    if values.ndim == 3:
        return _colours_image(values, style, rows, cols)
    step = steps(values, *ends, rows, cols, style.smooth, style.scaling)
    height, width = step.shape
    if np.isfinite(values).all():
        image = QImage(step.data, width, height, width, QImage.Format.Format_Indexed8)
        image.setColorTable(colour_words(style))
    else:
        rgba = colours(style)[step]
        rgba[missing(values, rows, cols) == 1] = 0
        image = QImage(rgba.data, width, height, 4 * width, QImage.Format.Format_RGBA8888)
    # The conversion makes a copy, so numpy's memory may go.
    return image.convertToFormat(
        QImage.Format.Format_ARGB32_Premultiplied, Qt.ImageConversionFlag.AutoColor
    )


def _colours_image(
    values: np.ndarray,
    style: Style,
    rows: Float[np.ndarray, " height"],
    cols: Float[np.ndarray, " width"],
) -> QImage:
    """Colours laid on as they are, as opaque as the style says."""
    if style.smooth:
        down, across = weights(rows, values.shape[0]), weights(cols, values.shape[1])
        dense = np.einsum("hr,rcx,wc->hwx", down, values, across)
    else:
        dense = values[rows.astype(np.intp)][:, cols.astype(np.intp)]
    height, width = dense.shape[:2]
    rgba = np.full((height, width, 4), round(255 * style.opacity), np.uint8)
    rgba[..., :3] = np.rint(255 * np.clip(dense, 0, 1))
    image = QImage(rgba.data, width, height, 4 * width, QImage.Format.Format_RGBA8888)
    return image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
