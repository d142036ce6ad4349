"""Where the windows of a layer lie on the photo; knows no Qt."""

from __future__ import annotations

from dataclasses import dataclass

from vitviz.imaging.geometry import Box, Geometry
from vitviz.models.outline import Outline


@dataclass(frozen=True)
class WindowLines:
    """Windows on the photo, in its pixels.

    Args:
        xs: Where windows meet side by side.
        ys: Where they meet one above the other.
        seen: What of the photo the model saw.
        own: The window of the patch that is asked about; None where several are, or none.
    """

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    seen: Box
    own: Box | None = None


def window_lines(
    outline: Outline, layer: int, geometry: Geometry, at: tuple[float, float] | None = None
) -> WindowLines | None:
    """The windows of a layer; None where all its patches look at all.

    Args:
        outline: Of the network, at this input.
        layer: From 0.
        geometry: Of the first layer.
        at: The point that is asked about, x and y in photo pixels.
    """
    of = outline.layers[layer]
    if of.window is None:
        return None
    here, (rows, cols) = outline.geometry(layer, geometry), of.cuts
    ys = tuple(here.patch_box(row, 0).top for row in rows)
    xs = tuple(here.patch_box(0, col).left for col in cols)
    seen = here.seen
    own = None
    if at is not None:
        left, right = _between(at[0], xs, seen.left, seen.right)
        top, bottom = _between(at[1], ys, seen.top, seen.bottom)
        own = Box(left, top, right, bottom)
    return WindowLines(xs, ys, seen, own)


def _between(at: float, cuts: tuple[float, ...], first: float, last: float) -> tuple[float, float]:
    edges = (first, *cuts, last)
    before = max(edge for edge in edges if edge <= at or edge == first)
    after = min(edge for edge in edges if edge > at or edge == last)
    return before, after
