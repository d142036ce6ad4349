"""Maps that come from a number of each pixel: shown per patch, or pixel by pixel."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from vitviz.maps.heat_map import LayerMaps
from vitviz.methods.base import Parameter
from vitviz.methods.parts.whole import layer_of_patches, sums_of_patches
from vitviz.models.tokens import TokenLayout
from vitviz.shapes import Float32

if TYPE_CHECKING:
    from vitviz.tracing.trace import Trace

PER = Parameter(
    "per", "Per", "patch", "A number for each patch, or for each pixel of the model's input.",
    choices=("patch", "pixel"),
)  # fmt: skip


def maps_of_pixels(
    trace: Trace, pixels: Float32[np.ndarray, "height width"], per: str, *, mean: bool = False
) -> dict[int, LayerMaps]:
    """The map, under the layer on whose patches it is shown.

    Args:
        trace: Of the network.
        pixels: A number of each pixel of the input.
        per: "patch" or "pixel": then the map's grid is the input's, and its patches are pixels.
        mean: Of a patch's pixels; else their sum.
    """
    layer = layer_of_patches(trace.outline)
    if per == "pixel":
        values = pixels.astype(np.float32).reshape(1, -1)
        values.flags.writeable = False
        return {
            layer: LayerMaps(
                values, TokenLayout((), pixels.shape), replace(trace.geometry, patch=1)
            )
        }
    geometry = trace.geometry_of(layer)
    sums = sums_of_patches(pixels, geometry)
    if mean:
        sums = sums / sums_of_patches(np.ones_like(pixels), geometry)
    prefix = np.zeros(len(trace.outline.prefix), np.float32)
    return {layer: trace.maps(layer, np.concatenate([prefix, sums.ravel()])[None])}
