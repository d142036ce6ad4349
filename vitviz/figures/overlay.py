"""A map over a photo: from values to colours, and from patches to photo pixels.

What is interpolated are the values, never the colours: in between two patches stands a colour
that the colour bar has. Transparency is a function of the value alone (``alpha``), so the colour
bar can show it too.

Positions on a map are in patches: 0 is the outer edge of the first patch, 0.5 its centre.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32, UInt8
from PIL import Image

from vitviz.figures.colour import DIVERGING, table
from vitviz.figures.scaling import Scaling, in_effect, scale_ends, scaled
from vitviz.figures.style import Range, Style
from vitviz.imaging.geometry import Geometry
from vitviz.tracing.layout import TokenLayout

UNSEEN_COLOUR = 26
"""Grey level that the part of a photo which the model never saw is blended towards."""

UNSEEN_SHARE = 0.62
"""How much of that grey there is in it."""

REACH = 2
"""How many patches away a cubic interpolation still takes a value from."""

BAND_PIXELS = 1 << 20
"""Photo pixels composed at a time: bounds the memory beside the result to about 30 MB."""


MULTIPLIED_AT_ONCE = 1 << 18
"""Multiplications that OpenBLAS does on the thread that asks. For more it wakes others, which wait
for their turn at full speed: the processor's time doubles, and nothing is won on products as thin
as these."""


@runtime_checkable
class Mapped(Protocol):
    """What ``value_range`` needs of a heat map (``vitviz.methods.base.HeatMap``)."""

    @property
    def values(self) -> Float32[np.ndarray, "rows cols"]: ...


@runtime_checkable
class Explained(Protocol):
    """What ``value_range`` needs of an explanation (``vitviz.methods.base.Explanation``)."""

    @property
    def values(self) -> Float32[np.ndarray, "layers heads tokens"]: ...

    @property
    def layout(self) -> TokenLayout: ...


def _extremes(values: Float32[np.ndarray, "..."]) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def value_range(
    style_range: Range, heat_map: Mapped, explanation: Explained | None = None
) -> tuple[float, float]:
    """The values that the two ends of the colour map stand for, in the map's natural units.

    Args:
        style_range: What ``Style.range`` says.
        heat_map: The map shown.
        explanation: Where it is from; "shared" takes the extremes of the patches of all its
            layers and heads (no fusion of heads leaves them). Without it "shared" is "each".
    """
    if isinstance(style_range, tuple):
        return style_range
    if style_range == "shared" and explanation is not None:
        return _extremes(explanation.values[..., len(explanation.layout.prefix) :])
    least, greatest = _extremes(heat_map.values)
    if style_range == "zero":
        return 0.0, max(greatest, 0.0)
    return least, greatest


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


def weights(
    positions: Float[np.ndarray, " places"], count: int
) -> Float32[np.ndarray, "places {count}"]:
    """How much of every patch along one axis there is at each position; rows sum to one.

    Cubic interpolation through the patches' centres, the first and the last patch repeated
    beyond the edges.

    Args:
        positions: In patches from the outer edge of the first.
        count: Number of patches along the axis.

    Source: Keys, "Cubic convolution interpolation for digital image processing" (1981), eq. 15
    (a = -1/2), which is the spline of Catmull and Rom (1974).
    """
    centred = positions.astype(np.float64) - 0.5
    first = np.floor(centred).astype(np.intp)
    t = centred - first
    by_neighbour = {
        -1: ((2 - t) * t - 1) * t / 2,
        0: ((3 * t - 5) * t * t + 2) / 2,
        1: ((4 - 3 * t) * t + 1) * t / 2,
        2: (t - 1) * t * t / 2,
    }
    matrix = np.zeros((len(positions), count))
    place = np.arange(len(positions))
    for offset, weight in by_neighbour.items():
        np.add.at(matrix, (place, np.clip(first + offset, 0, count - 1)), weight)
    return matrix.astype(np.float32)


def steps(
    values: Float32[np.ndarray, "rows cols"],
    lo: float,
    hi: float,
    row_positions: Float[np.ndarray, " height"],
    col_positions: Float[np.ndarray, " width"],
    smooth: bool,
    scaling: Scaling = "linear",
    at_once: int | None = None,
) -> UInt8[np.ndarray, "height width"]:
    """The steps of the colour map, 0..255, at the crossings of some rows and columns.

    What is interpolated is what the colours are proportional to: the values, or their roots or
    logarithms. Smooth maps are clipped to the map's own least and greatest value, which the cubic
    would otherwise leave between patches. Values beyond ``lo`` and ``hi`` take the colours of the
    ends; where both are equal, everything takes the lowest. Values that are not finite lend
    nothing to their neighbours (see ``_filled``) and are for ``missing`` to take away.

    Args:
        values: In natural units.
        lo: The value at step 0.
        hi: The value at step 255.
        row_positions: In patches from the top edge of the map, each inside it.
        col_positions: In patches from the left edge of the map, each inside it.
        smooth: Interpolate between the centres of patches.
        scaling: From values to places along the colours.
        at_once: Multiplications done in one product, ``MULTIPLIED_AT_ONCE`` for little processor
            time; None is all, for the least time on the clock.
    """
    place = _places(values, lo, hi, scaling)
    if not smooth:
        small = np.clip(place, 0, 255).astype(np.uint8)
        rows, cols = (
            np.clip(np.floor(positions).astype(np.intp), 0, count - 1)
            for positions, count in zip((row_positions, col_positions), values.shape, strict=True)
        )
        flat: UInt8[np.ndarray, "height width"] = small[:, cols][rows]
        return flat
    by_row = weights(row_positions, values.shape[0])
    by_col = weights(col_positions, values.shape[1])
    dense = _product(by_row @ place.astype(np.float32), by_col.T, at_once)
    low, high = (float(np.clip(end, 0, 255)) for end in (place.min(), place.max()))
    np.clip(dense, low, high, out=dense)
    interpolated: UInt8[np.ndarray, "height width"] = dense.astype(np.uint8)
    return interpolated


def _product(
    left: Float32[np.ndarray, "height cols"],
    right: Float32[np.ndarray, "cols width"],
    at_once: int | None,
) -> Float32[np.ndarray, "height width"]:
    """``left @ right``, some rows at a time."""
    if at_once is None:
        whole: Float32[np.ndarray, "height width"] = left @ right
        return whole
    height, width = len(left), right.shape[1]
    result = np.empty((height, width), np.float32)
    right = np.ascontiguousarray(
        right
    )  # thin products of a transposed view take five times as long
    some = max(1, at_once // max(right.size, 1))
    for top in range(0, height, some):
        np.matmul(left[top : top + some], right, out=result[top : top + some])
    return result


def _places(
    values: Float32[np.ndarray, "rows cols"], lo: float, hi: float, scaling: Scaling
) -> Float[np.ndarray, "rows cols"]:
    """Steps of the colour map, not rounded, plus a half: halves added before the interpolation
    (weights sum to one) round the result to the nearest.
    """
    at = _filled(values)
    if scaling != "linear":
        scaling, (lo, hi) = in_effect(hi, scaling), scale_ends(lo, hi, scaling)
        at, (lo, hi) = scaled(at, lo, scaling), scaled(np.array([lo, hi]), lo, scaling).tolist()
    per_unit = 255 / (hi - lo) if hi > lo else 0.0
    places: Float[np.ndarray, "rows cols"] = np.clip((at - lo) * per_unit + 0.5, -4e4, 4e4)
    return places


def _filled(values: Float32[np.ndarray, "rows cols"]) -> Float[np.ndarray, "rows cols"]:
    """Where a value is not finite, the mean of the finite ones around it, for as many patches as
    the interpolation reaches; farther away, the least value.
    """
    at = values.astype(np.float64)
    gone = ~np.isfinite(at)
    if not gone.any():
        return at
    least = _extremes(values)[0]
    at[gone] = 0.0
    for _ in range(REACH):
        known = np.pad(~gone, 1).astype(np.float64)
        total, count = _around(np.pad(at, 1)), _around(known)
        new = gone & (count > 0)
        at[new] = total[new] / count[new]
        gone = gone & ~new
    at[gone] = least
    return at


def _around(padded: Float[np.ndarray, "..."]) -> Float[np.ndarray, "rows cols"]:
    """The sum of the eight neighbours of each place, and itself; the rim is left out."""
    height, width = padded.shape[0] - 2, padded.shape[1] - 2
    total: Float[np.ndarray, "rows cols"] = np.zeros((height, width))
    for down in range(3):
        for right in range(3):
            total += padded[down : down + height, right : right + width]
    return total


def missing(
    values: Float32[np.ndarray, "rows cols"],
    row_positions: Float[np.ndarray, " height"],
    col_positions: Float[np.ndarray, " width"],
) -> UInt8[np.ndarray, "height width"]:
    """1 on patches whose value is not finite, else 0; see ``steps`` for the positions."""
    gone = (~np.isfinite(values)).astype(np.float32)
    return steps(gone, 0.0, 255.0, row_positions, col_positions, smooth=False)


def map_rgba(
    values: Float32[np.ndarray, "rows cols"],
    lo: float,
    hi: float,
    style: Style,
    pixels_per_patch: int,
) -> UInt8[np.ndarray, "height width 4"]:
    """A map alone, as red, green, blue and alpha (not premultiplied).

    Args:
        values: In natural units; where they are not finite, the image is transparent.
        lo: The value at the lower end of the colour map.
        hi: The value at its upper end.
        style: Colours, opacity, fade, scaling and interpolation; the range is ``lo`` and ``hi``.
        pixels_per_patch: Side of a patch in the image.
    """
    rows, cols = values.shape
    row_positions = (np.arange(rows * pixels_per_patch) + 0.5) / pixels_per_patch
    col_positions = (np.arange(cols * pixels_per_patch) + 0.5) / pixels_per_patch
    rgba: UInt8[np.ndarray, "height width 4"] = colours(style)[
        steps(values, lo, hi, row_positions, col_positions, style.smooth, style.scaling)
    ]
    if not np.isfinite(values).all():
        rgba[missing(values, row_positions, col_positions) == 1] = 0
    return rgba


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
        Row positions and column positions in patches; outside 0..rows and 0..cols the model saw
        nothing.
    """
    vertical, horizontal = geometry.scale
    top, left = geometry.window_origin
    return (ys / vertical - top) / geometry.patch, (xs / horizontal - left) / geometry.patch


def inside(places: Float[np.ndarray, " places"], count: int) -> slice:
    """The part of ascending positions that lies on a map with ``count`` patches on this axis."""
    first, last = np.searchsorted(places, [0.0, float(count)])
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
    seen_rows, seen_cols = inside(rows, values.shape[0]), inside(cols, values.shape[1])
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
