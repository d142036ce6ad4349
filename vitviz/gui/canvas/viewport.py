"""Where a photo lies on a widget: pan and zoom as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

MOST_SCALE = 64.0
"""Widget pixels per photo pixel beyond which zooming in stops."""

LEAST_OF_FIT = 0.5
"""Fraction of the fitting scale below which zooming out stops."""


class Area(NamedTuple):
    """A rectangle on the widget, in widget pixels."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Viewport:
    """The way from photo pixels to widget pixels.

    Args:
        scale: Widget pixels per photo pixel.
        left: Of the photo on the widget.
        top: Of the photo on the widget.
    """

    scale: float = 1.0
    left: float = 0.0
    top: float = 0.0

    def to_widget(self, x: float, y: float) -> tuple[float, float]:
        return self.left + x * self.scale, self.top + y * self.scale

    def to_photo(self, x: float, y: float) -> tuple[float, float]:
        return (x - self.left) / self.scale, (y - self.top) / self.scale

    def moved(self, dx: float, dy: float) -> Viewport:
        """The same scale, the photo moved by some widget pixels."""
        return Viewport(self.scale, self.left + dx, self.top + dy)

    def scaled(self, scale: float, x: float, y: float) -> Viewport:
        """Another scale, with the photo point under a widget point staying where it is."""
        growth = scale / self.scale
        return Viewport(scale, x + (self.left - x) * growth, y + (self.top - y) * growth)

    def kept_in(self, photo_size: tuple[int, int], area: Area) -> Viewport:
        """Moved back as far as needed for the photo to stay in sight.

        Along each axis, a photo that fits stays inside the area, and a larger one covers the
        area's centre.

        Args:
            photo_size: Height and width.
            area: Of the widget.
        """
        height, width = photo_size
        return Viewport(
            self.scale,
            _kept(self.left, width * self.scale, area.left, area.width),
            _kept(self.top, height * self.scale, area.top, area.height),
        )


def _kept(start: float, length: float, area_start: float, area_length: float) -> float:
    if length <= area_length:
        low, high = area_start, area_start + area_length - length
    else:
        middle = area_start + area_length / 2
        low, high = middle - length, middle
    return min(max(start, low), high)


def fitted(photo_size: tuple[int, int], area: Area) -> Viewport:
    """The whole photo, as large as the area allows, in its centre.

    Args:
        photo_size: Height and width.
        area: Of the widget.
    """
    height, width = photo_size
    scale = max(min(area.width / width, area.height / height), 1e-6)
    return Viewport(
        scale,
        area.left + (area.width - width * scale) / 2,
        area.top + (area.height - height * scale) / 2,
    )


@dataclass(frozen=True)
class VisiblePart:
    """What of a photo is in sight, in terms that hold for another photo on another widget.

    Args:
        zoom: In fitting scales: 1 for the whole photo.
        x: Of the photo in the middle of the area, 0..1 from its left edge; beyond, beside it.
        y: The same from its top edge.
    """

    zoom: float
    x: float
    y: float


def visible_part(viewport: Viewport, photo_size: tuple[int, int], area: Area) -> VisiblePart:
    """What a viewport shows.

    Args:
        viewport: Where the photo lies.
        photo_size: Height and width.
        area: That a fitted photo would fill.
    """
    height, width = photo_size
    x, y = viewport.to_photo(area.left + area.width / 2, area.top + area.height / 2)
    return VisiblePart(viewport.scale / fitted(photo_size, area).scale, x / width, y / height)


def showing(wanted: VisiblePart, photo_size: tuple[int, int], area: Area) -> Viewport:
    """The viewport that shows it; what ``visible_part`` takes back.

    Args:
        wanted: What is to be in sight.
        photo_size: Height and width.
        area: That a fitted photo would fill.
    """
    height, width = photo_size
    fit = fitted(photo_size, area).scale
    scale = bounded(wanted.zoom * fit, fit)
    return Viewport(
        scale,
        area.left + area.width / 2 - wanted.x * width * scale,
        area.top + area.height / 2 - wanted.y * height * scale,
    )


def bounded(scale: float, fit: float) -> float:
    """A scale kept between the least and the greatest allowed.

    Args:
        scale: Widget pixels per photo pixel.
        fit: The scale at which the whole photo is in sight.
    """
    return min(max(scale, min(fit, 1.0) * LEAST_OF_FIT), max(MOST_SCALE, fit))
