"""Numbers as colours, the same in all pieces: blue below zero, red above, white is zero."""

from __future__ import annotations

import numpy as np

from vitviz.maps.colour import table
from vitviz.shapes import Float32, UInt8


def signed_pixels(
    values: Float32[np.ndarray, "rows cols"], most: float | None = None
) -> UInt8[np.ndarray, "rows cols 3"]:
    """A pixel a number.

    Args:
        values: Any; what is not finite is as zero.
        most: The number of the darkest red; None: the greatest there is, either side of zero.
    """
    finite = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    greatest = float(np.abs(finite).max(initial=0.0)) if most is None else most
    places = np.rint(127.5 + 127.5 * np.clip(finite / (greatest or 1.0), -1, 1)).astype(np.uint8)
    return np.ascontiguousarray(table("coolwarm")[places])
