"""Explanations and maps of given numbers."""

from __future__ import annotations

import numpy as np

from vitviz.imaging.geometry import Geometry
from vitviz.maps.heat_map import Explanation, Head, HeatMap, Quantity, Span, uniform
from vitviz.models.tokens import TokenLayout

PATCH = 4


def plain_geometry(grid: tuple[int, int]) -> Geometry:
    """A photo as large as the input, in patches of ``PATCH`` pixels."""
    size = grid[0] * PATCH, grid[1] * PATCH
    return Geometry(size, size, (0, 0), size, PATCH)


def explanation_of(
    values: np.ndarray,
    layers: tuple[int, ...],
    head: Head | None,
    layout: TokenLayout,
    unit: str,
    *,
    shares: bool = True,
    target: int | None = None,
    span: Span = "layer",
    geometry: Geometry | None = None,
) -> Explanation:
    """Layers of one layout; values: layers heads tokens."""
    geometry = geometry or plain_geometry(layout.grid)
    maps = uniform(values.astype(np.float32), layers, layout, geometry)
    quantity = Quantity(unit, "share" if shares else "amount")
    return Explanation(maps, head, quantity, span, target)


def map_of(
    values: np.ndarray,
    unit: str = "attention",
    prefix_share: tuple[tuple[str, float], ...] = (),
    layer: int = 0,
    head: Head = "mean",
    geometry: Geometry | None = None,
) -> HeatMap:
    """One map; values: rows cols."""
    rows, cols = values.shape[:2]
    quantity = Quantity(unit, "share" if prefix_share else "amount")
    there = geometry or plain_geometry((rows, cols))
    return HeatMap(values, there, quantity, layer, head, prefix_share)
