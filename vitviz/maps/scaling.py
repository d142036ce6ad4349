"""From values to places along the colours: linear, square root or logarithm."""

from __future__ import annotations

from typing import Literal

import numpy as np

from vitviz.shapes import Float, Float32

Scaling = Literal["linear", "root", "log"]

SCALING_TITLES: dict[Scaling, str] = {
    "linear": "Linear", "root": "Square root", "log": "Logarithm",
}  # fmt: skip

LOG_SPAN = 1e3
"""A logarithmic scale reaches this far down from its greatest value, unless the least is nearer."""


def scale_ends(lo: float, hi: float, scaling: Scaling) -> tuple[float, float]:
    """The values at the two ends of the colours: with a logarithm the lower one is a floor.

    Args:
        lo: Least value of the range.
        hi: Greatest value of the range.
        scaling: Along the colours.
    """
    return (max(lo, hi / LOG_SPAN), hi) if in_effect(hi, scaling) == "log" else (lo, hi)


def in_effect(hi: float, scaling: Scaling) -> Scaling:
    """The scaling that a range up to ``hi`` can have: without positive values no logarithm,
    so its colours are linear.
    """
    return "linear" if scaling == "log" and not hi > 0 else scaling


def scaled(
    values: Float32[np.ndarray, "*axes"] | Float[np.ndarray, "*axes"], floor: float,
    scaling: Scaling,
) -> Float[np.ndarray, "*axes"]:  # fmt: skip
    """What the colours are proportional to.

    ``v``; ``sign(v) * sqrt(|v|)``; or ``log(max(v, floor))``.

    Args:
        values: In natural units, finite.
        floor: Of the logarithm, above 0.
        scaling: Which of these.
    """
    wide = values.astype(np.float64)
    if scaling == "root":
        root: Float[np.ndarray, "*axes"] = np.sign(wide) * np.sqrt(np.abs(wide))
        return root
    if scaling == "log":
        logarithm: Float[np.ndarray, "*axes"] = np.log(np.maximum(wide, floor))
        return logarithm
    return wide


def place(value: float, lo: float, hi: float, scaling: Scaling) -> float:
    """Where a value lies along the colours: 0 at the lower end, 1 at the upper; beyond these, for
    values beyond the range. In the middle, where the range has no length.
    """
    scaling, (low, high) = in_effect(hi, scaling), scale_ends(lo, hi, scaling)
    at, first, last = scaled(np.array([value, low, high]), low, scaling).tolist()
    return float((at - first) / (last - first)) if last > first else 0.5


def scale_name(hi: float, scaling: Scaling) -> str:
    """What a colour bar up to ``hi`` says of it: "root scale", "log scale", or nothing."""
    names: dict[Scaling, str] = {"linear": "", "root": "root scale", "log": "log scale"}
    return names[in_effect(hi, scaling)]
