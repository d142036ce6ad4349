"""A map over a photo: what covers each of its pixels, and how much.

What is interpolated are the values (``interpolation``), never the colours: in between two patches
stands a colour that the colour bar has. Transparency is a function of the value alone (``alpha``),
so the colour bar can show it too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw

from vitviz.imaging.geometry import Box, Geometry
from vitviz.maps.colour import DIVERGING, table
from vitviz.maps.heat_map import HeatMap
from vitviz.maps.interpolation import MULTIPLIED_AT_ONCE, missing, steps, weights
from vitviz.maps.mass import lines_around, mass_lines
from vitviz.maps.outliers import strokes
from vitviz.maps.ranges import Look
from vitviz.maps.style import Style
from vitviz.shapes import Float, Float32, UInt8

UNSEEN_COLOUR = 26
"""Grey level that the part of a photo which the model never saw is blended towards."""

UNSEEN_SHARE = 0.62
"""How much of that grey there is in it."""

BAND_PIXELS = 1 << 20
"""Photo pixels composed at a time: bounds the memory beside the result to about 30 MB."""


def alpha(style: Style) -> UInt8[np.ndarray, " 256"]:
    """How much of the map's colour covers the photo, from the least to the greatest value, 0..255.

    With ``t`` the value's place in the range, 0..1: ``opacity * (1 - (1 - t) ** 3)`` with
    ``Style.fade``, else ``opacity`` everywhere. The least value leaves the photo as it is, the
    greatest covers it as much as the opacity says, and the middle is covered nearly as much as
    the greatest: a straight line would wash out the middle on bright photos.

    With a diverging colour map ``t`` is the distance from the two middle steps, which are fully
    transparent, to either end.
    """
    t = np.linspace(0, 1, 256)
    if style.colour_map in DIVERGING:
        t = (np.maximum(np.arange(256) - 128, 127 - np.arange(256))) / 127
    shown = 1 - (1 - t) ** 3 if style.fade else np.ones(256)
    return np.rint(255 * style.opacity * shown).astype(np.uint8)


def colours(style: Style) -> UInt8[np.ndarray, "256 4"]:
    """Red, green, blue and alpha (not premultiplied) from the least to the greatest value."""
    return np.column_stack([table(style.colour_map), alpha(style)])


PHOTO_GREY = 128
"""The grey that stands for the photo under a map that lets it through."""


def over_grey(style: Style) -> UInt8[np.ndarray, "256 3"]:
    """The colours as they look over a photo of neutral grey, from the least to the greatest."""
    rgba = colours(style).astype(np.float64)
    share = rgba[:, 3:] / 255
    mixed = rgba[:, :3] * share + PHOTO_GREY * (1 - share)
    return np.rint(mixed).astype(np.uint8)


def positions(
    geometry: Geometry, xs: Float[np.ndarray, " width"], ys: Float[np.ndarray, " height"]
) -> tuple[Float[np.ndarray, " height"], Float[np.ndarray, " width"]]:
    """Rows and columns of the map under rows and columns of the photo.

    The same formula as ``Geometry.to_input``, for many points at once.

    Args:
        geometry: Of the map.
        xs: Photo pixels from the photo's left edge.
        ys: Photo pixels from its top edge.

    Returns:
        Row positions and column positions in patches; outside of ``Geometry.extent`` the model saw
        nothing.
    """
    (vertical, horizontal), patch = geometry.scale, geometry.patch
    top, left = (
        start + first for start, first in zip(geometry.window_origin, geometry.offset, strict=True)
    )
    return (ys / vertical - top) / patch, (xs / horizontal - left) / patch


def inside(places: Float[np.ndarray, " places"], extent: tuple[float, float]) -> slice:
    """The part of ascending positions from one to another."""
    first, last = np.searchsorted(places, extent)
    return slice(int(first), int(last))


def composite(
    photo_pixels: UInt8[np.ndarray, "height width 3"],
    values: Float32[np.ndarray, "rows cols"],
    geometry: Geometry,
    style: Style,
    lo: float,
    hi: float,
) -> UInt8[np.ndarray, "height width 3"]:
    """The map over the photo, at the photo's full size.

    The centre of every pixel is taken through the geometry, so the map lies where the model's
    patches lie, to a fraction of a pixel. What the model never saw is dimmed: blended towards a
    dark grey (``UNSEEN_COLOUR``, ``UNSEEN_SHARE``). Grid lines are not drawn. Done in bands of
    rows; the same input gives the same bytes.

    Args:
        photo_pixels: The photo that ``geometry`` is of.
        values: In natural units; where they are not finite, the photo shows.
        geometry: Where the patches lie on the photo.
        style: Colours, opacity, fade, scaling and interpolation; the range is ``lo`` and ``hi``.
        lo: The value at the lower end of the colour map.
        hi: The value at its upper end.
    """
    height, width = photo_pixels.shape[:2]
    rows, cols = positions(geometry, np.arange(width) + 0.5, np.arange(height) + 0.5)
    seen_rows, seen_cols = (inside(*two) for two in zip((rows, cols), geometry.extent, strict=True))
    unseen = np.rint(np.arange(256) * (1 - UNSEEN_SHARE) + UNSEEN_COLOUR * UNSEEN_SHARE)
    dimmed = unseen.astype(np.uint8)
    result = np.empty_like(photo_pixels)
    band = max(1, BAND_PIXELS // max(width, 1))
    for top in range(0, height, band):
        part = slice(top, min(top + band, height))
        seen = slice(max(part.start, seen_rows.start), min(part.stop, seen_rows.stop))
        if seen.start >= seen.stop:
            result[part] = _looked_up(dimmed, photo_pixels[part])
            continue
        for outside in (
            (slice(part.start, seen.start), slice(None)),
            (slice(seen.stop, part.stop), slice(None)),
            (seen, slice(0, seen_cols.start)),
            (seen, slice(seen_cols.stop, width)),
        ):
            result[outside] = _looked_up(dimmed, photo_pixels[outside])
        if seen_cols.start < seen_cols.stop:
            place = (rows[seen], cols[seen_cols])
            result[seen, seen_cols] = _blend(
                photo_pixels[seen, seen_cols], values, style, (lo, hi), place
            )
    return result


def at_pixels(
    values: Float32[np.ndarray, "rows cols"], geometry: Geometry, smooth: bool
) -> Float32[np.ndarray, "height width"]:
    """The map's value at the centre of every pixel of the photo; NaN where nothing was seen.

    Smooth values are clipped to the map's least and greatest, as they are where they are drawn.
    """
    height, width = geometry.photo_size
    down, across = positions(geometry, np.arange(width) + 0.5, np.arange(height) + 0.5)
    rows, cols = (inside(*two) for two in zip((down, across), geometry.extent, strict=True))
    result = np.full((height, width), np.nan, np.float32)
    if smooth:
        by_row = weights(down[rows], values.shape[0])
        by_col = weights(across[cols], values.shape[1])
        dense = (by_row @ values) @ by_col.T
        result[rows, cols] = np.clip(dense, values.min(), values.max())
    else:
        row, col = (
            np.clip(np.floor(places).astype(np.intp), 0, count - 1)
            for places, count in zip((down[rows], across[cols]), values.shape, strict=True)
        )
        result[rows, cols] = values[:, col][row]
    return result


def drawn(
    photo_pixels: UInt8[np.ndarray, "height width 3"], heat_map: HeatMap, look: Look
) -> UInt8[np.ndarray, "height width 3"]:
    """A map over its photo, as its quantity is drawn.

    Args:
        photo_pixels: The photo that the map is of, at any size.
        heat_map: The map; "colours" are laid over the photo as they are, as opaque as the style
            says.
        look: How (``maps.ranges.look``).
    """
    height, width = photo_pixels.shape[:2]
    geometry = replace(heat_map.geometry, photo_size=(height, width))
    if heat_map.quantity.kind != "colours":
        picture = composite(photo_pixels, heat_map.values, geometry, *look)
        draw_lines(picture, lines_over(heat_map, geometry, look.style))
        return with_strokes(picture, strokes(heat_map.outliers, geometry))
    style = replace(look.style, opacity=0.0)
    nothing = np.zeros(heat_map.values.shape[:2], np.float32)
    below = composite(photo_pixels, nothing, geometry, style, 0.0, 1.0)
    channels = [
        at_pixels(np.ascontiguousarray(heat_map.values[..., i]), geometry, look.style.smooth)
        for i in range(3)
    ]
    above = np.stack(channels, axis=-1)
    mixed = below + look.style.opacity * (255 * np.clip(above, 0, 1) - below)
    return np.where(np.isfinite(above), np.rint(mixed), below).astype(np.uint8)


def lines_over(heat_map: HeatMap, geometry: Geometry, style: Style) -> tuple[Box, ...]:
    """The lines around patches of a map: of those that hold what the style says, and of each that
    matches best.

    Args:
        heat_map: The map.
        geometry: Where its patches lie on the photo.
        style: How it is drawn.

    Returns:
        As of ``mass_lines``.
    """
    mass = mass_lines(heat_map.values, geometry, style.outlined)
    return (*mass, *frames(heat_map.matches, geometry))


def frames(patches: Sequence[tuple[int, int]], geometry: Geometry) -> tuple[Box, ...]:
    """The lines around each of some patches."""
    lines: list[Box] = []
    for patch in patches:
        alone = np.zeros(geometry.grid, bool)
        alone[patch] = True
        lines += lines_around(alone, geometry)
    return tuple(lines)


LINE = 1 / 400
"""Width of a line on a picture, as a part of its longer side; at least two pixels."""


def draw_lines(picture: UInt8[np.ndarray, "height width 3"], lines: Sequence[Box]) -> None:
    """Draws straight lines into a picture: white between black, to be seen on anything.

    Args:
        picture: Changed.
        lines: Upright or level, in its pixels.
    """
    half = max(1, round(max(picture.shape[:2]) * LINE / 2))
    for colour, reach in ((0, half + max(1, half // 2)), (255, half)):
        for left, top, right, bottom in lines:
            x, y = max(round(left) - reach, 0), max(round(top) - reach, 0)
            picture[y : round(bottom) + reach, x : round(right) + reach] = colour


AMBER = (255, 190, 40)
"""Of what marks outlier patches, which no colour map of one hue and no white line is taken for."""


def with_strokes(
    picture: UInt8[np.ndarray, "height width 3"], lines: Sequence[Box]
) -> UInt8[np.ndarray, "height width 3"]:
    """A picture with the lines that mark outlier patches; itself where there are none.

    Args:
        picture: Not changed.
        lines: In its pixels, each from left and top to right and bottom.
    """
    if not lines:
        return picture
    image = Image.fromarray(picture)
    pen, width = ImageDraw.Draw(image), max(1, round(max(picture.shape[:2]) * LINE / 2))
    for colour, more in (((0, 0, 0), 2), (AMBER, 0)):
        for line in lines:
            pen.line(tuple(line), fill=colour, width=width + more)
    return np.array(image)


def _looked_up(
    by_level: UInt8[np.ndarray, " 256"], pixels: UInt8[np.ndarray, "height width *channels"]
) -> UInt8[np.ndarray, "height width *channels"]:
    """``by_level[pixels]``, by Pillow, which does not make each index eight bytes first."""
    if not pixels.size:
        return pixels
    bands = pixels.shape[2] if pixels.ndim == 3 else 1
    return np.array(Image.fromarray(pixels).point(by_level.tolist() * bands))


def _blend(
    photo_pixels: UInt8[np.ndarray, "height width 3"],
    values: Float32[np.ndarray, "rows cols"],
    style: Style,
    ends: tuple[float, float],
    place: tuple[Float[np.ndarray, " height"], Float[np.ndarray, " width"]],
) -> UInt8[np.ndarray, "height width 3"]:
    """Photo pixels with the map over them; ``place``: their rows and columns on the map.

    Pillow's ``paste``, which is (p (255 - a) + c a) / 255 rounded to the nearest, exactly.
    """
    step = steps(values, *ends, *place, style.smooth, style.scaling, MULTIPLIED_AT_ONCE)
    opaque = _looked_up(alpha(style), step)
    if not np.isfinite(values).all():
        opaque[missing(values, *place) == 1] = 0
    colour = Image.fromarray(step)
    colour.putpalette(table(style.colour_map).tobytes())
    mixed = Image.fromarray(photo_pixels)
    mixed.paste(colour.convert("RGB"), (0, 0), Image.fromarray(opaque))
    return np.asarray(mixed)
