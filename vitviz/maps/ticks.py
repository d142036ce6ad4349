"""Round numbers for colour bars and axes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vitviz.maps.scaling import Scaling, in_effect, place, scale_ends

MANY_DECIMALS = 4
"""Labels that would need more decimals than this share a power of ten instead."""

NOTHING = 1e-4
"""Part of the greatest value, up to which a value is labelled 0 on a root scale: a hundredth
of its length.
"""

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Ticks:
    """Marks along a scale.

    Args:
        values: Ascending, in the scale's units; the first and the last are its ends.
        labels: Of each; on a linear scale all with as many decimals.
        exponent: The power of ten that every label is to be multiplied with; 0: none.
        places: Of each along the scale, 0..1.
    """

    values: tuple[float, ...]
    labels: tuple[str, ...]
    exponent: int = 0
    places: tuple[float, ...] = ()

    @property
    def factor(self) -> str:
        """The power of ten as it stands behind a unit: "× 10⁻⁵", or nothing."""
        return f"× 10{str(self.exponent).translate(_SUPERSCRIPTS)}" if self.exponent else ""


def ticks(lo: float, hi: float, n: int = 5, scaling: Scaling = "linear") -> Ticks:
    """The ends of a scale and the round values in between.

    The steps are 1, 2 or 5 times a power of ten. Round values nearer to an end than 0.6 of a step
    are left out, so that labels keep clear of each other. Other than on a linear scale, the values
    are such numbers themselves, the powers of ten before the others.

    Args:
        lo: Lower end, finite.
        hi: Upper end, finite; a scale without length has one tick.
        n: About how many ticks are wanted, at least 2.
        scaling: Of the scale. A logarithmic one begins at its floor, which is labelled "≤".
    """
    scaling = in_effect(hi, scaling)
    if not hi > lo:
        exponent, decimals = _form(lo, lo, abs(lo) / 10)
        return Ticks((lo,), (_label(lo, exponent, decimals),), exponent, (0.5,))
    if scaling != "linear":
        return _scaled_ticks(lo, hi, n, scaling)
    step = _round_step((hi - lo) / max(n - 1, 1))
    first, last = math.ceil(lo / step + 0.6), math.floor(hi / step - 0.6)
    values = (lo, *(k * step for k in range(first, last + 1)), hi)
    exponent, decimals = _form(lo, hi, step)
    labels = tuple(_label(value, exponent, decimals) for value in values)
    return Ticks(values, labels, exponent, tuple((v - lo) / (hi - lo) for v in values))


def _scaled_ticks(lo: float, hi: float, n: int, scaling: Scaling) -> Ticks:
    """Those of a root or logarithmic scale with some length."""
    low, high = scale_ends(lo, hi, scaling)
    values, gap = [low, high], 0.6 / max(n - 1, 1)
    for value in _round_values(max(abs(low), abs(high))):
        if low < value < high:
            at = place(value, lo, hi, scaling)
            if all(abs(at - place(other, lo, hi, scaling)) >= gap for other in values):
                values.append(value)
    values.sort()
    greatest = max(map(abs, values))
    told = [value if abs(value) > NOTHING * greatest else 0.0 for value in values]
    least = min(abs(value) for value in told if value)
    many = least < 10.0**-MANY_DECIMALS or greatest >= 1e6
    exponent = math.floor(math.log10(greatest) + 1e-9) if many else 0
    labels = [_short(value, exponent) for value in told]
    if low > lo:
        labels[0] = f"≤ {labels[0]}"
    places = tuple(place(value, lo, hi, scaling) for value in values)
    return Ticks(tuple(values), tuple(labels), exponent, places)


def _round_values(greatest: float) -> list[float]:
    """Zero and 1, 5 and 2 times the powers of ten up to some value, in order of preference."""
    top = math.floor(math.log10(greatest))
    powers = [10.0**k for k in range(top, top - 5, -1)]
    return [0.0, *(sign * k * power for k in (1, 5, 2) for power in powers for sign in (1, -1))]


def _short(value: float, exponent: int) -> str:
    """Three significant digits, without the zeros at the end."""
    mantissa = value / 10.0**exponent
    if mantissa == 0:
        return "0"
    decimals = max(2 - math.floor(math.log10(abs(mantissa)) + 1e-9), 0)
    text = f"{mantissa:.{decimals}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def _round_step(rough: float) -> float:
    """The number of 1, 2, 5 times a power of ten whose logarithm is nearest."""
    power = 10.0 ** math.floor(math.log10(rough))
    return min((k * power for k in (1, 2, 5, 10)), key=lambda step: abs(math.log(step / rough)))


def _form(lo: float, hi: float, step: float) -> tuple[int, int]:
    """The common power of ten, and the decimals that steps and both ends need to be told right."""
    greatest = max(abs(lo), abs(hi))
    if greatest == 0 or step == 0:
        return 0, 0
    decimals = -math.floor(math.log10(step) + 1e-9)
    if any(abs(round(end, decimals) - end) > step / 20 for end in (lo, hi)):
        decimals += 1
    large = math.floor(math.log10(greatest) + 1e-9)
    small = decimals > MANY_DECIMALS and greatest < 10.0 ** (2 - MANY_DECIMALS)
    exponent = large if small or large >= 6 else 0
    return exponent, max(decimals + exponent, 0)


def _label(value: float, exponent: int, decimals: int) -> str:
    text = f"{value / 10.0**exponent:.{decimals}f}"
    return "0" if float(text) == 0 else text.replace("-", "−")


def number(value: float, digits: int = 3) -> str:
    """A value as people write it: some significant digits, powers of ten only where needed.

    Args:
        value: In any unit; not finite is written as a dash.
        digits: Significant digits.
    """
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    exponent = int(f"{value:.{digits - 1}e}".split("e")[1])
    if -MANY_DECIMALS <= exponent < 6:
        return f"{value:.{max(digits - 1 - exponent, 0)}f}".replace("-", "−")
    mantissa = f"{value / 10.0**exponent:.{digits - 1}f}".replace("-", "−")
    return f"{mantissa} {Ticks((), (), exponent).factor}"
