"""Samples of any depth to 8 bits, without clipping and with a word about what was done.

Pillow turns 16-bit, 32-bit and float greys into 8 bits by clipping, which makes them white.
"""

from __future__ import annotations

import numpy as np

from vitviz.shapes import Shaped, UInt8

_NATURAL_SCALES = {"f": (1.0, 255.0, 65535.0), "u": (255.0, 65535.0), "i": (255.0, 65535.0)}
_ROWS = 256


def to_eight_bits(
    samples: Shaped[np.ndarray, "height width *channels"],
) -> tuple[UInt8[np.ndarray, "height width *channels"], str]:
    """Samples as 0..255, and a note about the scaling.

    Non-negative samples whose greatest lies in the upper half of a scale that people use (0..1 for
    floats; 0..255; 0..65535; the whole range of an unsigned type) are taken on that scale, so that
    a photo keeps its exposure. Anything else (12-bit data in 16-bit files, heights, distances) is
    spread from its least to its greatest value. All channels share one scale. NaN and -inf become
    0, +inf becomes 255.

    Args:
        samples: Boolean, integer or floating; not complex.

    Returns:
        The samples, and a note such as "16-bit scaled from 12..4011"; no note for samples that
        have 8 bits or 1 already.
    """
    if samples.dtype == np.uint8:
        return samples, ""
    if samples.dtype == np.bool_:
        return samples.astype(np.uint8) * np.uint8(255), ""
    least, greatest, numbers = _finite_range(samples)
    low, high = _scale(samples.dtype, least, greatest)
    if samples.dtype == np.uint16:
        result = _spread(np.arange(1 << 16, dtype=np.uint16), low, high)[samples]
    else:
        result = _spread_in_blocks(samples, low, high)
    note = f"{_kind(samples.dtype, high)} scaled from {low:.10g}..{high:.10g}"
    missing = samples.size - numbers
    return result, note + (f", {missing} values that are not numbers" if missing else "")


def _finite_range(samples: np.ndarray) -> tuple[float, float, int]:
    """Least and greatest finite value, and how many values are finite."""
    if samples.dtype.kind != "f":
        return float(samples.min()), float(samples.max()), samples.size
    finite = np.isfinite(samples)
    numbers = int(finite.sum())
    if not numbers:
        return 0.0, 0.0, 0
    least = samples.min(where=finite, initial=np.inf)
    greatest = samples.max(where=finite, initial=-np.inf)
    return float(least), float(greatest), numbers


def _scale(dtype: np.dtype[np.generic], least: float, greatest: float) -> tuple[float, float]:
    """What becomes 0 and what becomes 255."""
    scales = _NATURAL_SCALES[dtype.kind]
    if dtype.kind == "u":
        scales = (*scales, 2.0 ** (8 * dtype.itemsize) - 1)
    if least >= 0:
        for scale in scales:
            if scale / 2 <= greatest <= scale:
                return 0.0, scale
    if least == greatest:
        # One value everywhere has no range of its own.
        return 0.0, max(scales)
    return least, greatest


def _kind(dtype: np.dtype[np.generic], high: float) -> str:
    if dtype.kind == "f":
        return "float"
    # Pillow holds some 16-bit greys in 32 bits.
    return "16-bit" if high == 65535 else f"{dtype.itemsize * 8}-bit"


def _spread_in_blocks(samples: np.ndarray, low: float, high: float) -> np.ndarray:
    """Some rows at a time, since eight bytes for each sample of a large photo may not fit."""
    result = np.empty(samples.shape, np.uint8)
    for start in range(0, len(samples), _ROWS):
        result[start : start + _ROWS] = _spread(samples[start : start + _ROWS], low, high)
    return result


def _spread(samples: np.ndarray, low: float, high: float) -> np.ndarray:
    # Halved first: high - low can be too large for a float, (high - low) / 2 cannot.
    with np.errstate(all="ignore"):
        unit = (samples.astype(np.float64) / 2 - low / 2) / (high / 2 - low / 2)
    unit = np.nan_to_num(unit, nan=0.0, posinf=1.0, neginf=0.0)
    return np.rint(np.clip(unit, 0.0, 1.0) * 255).astype(np.uint8)
