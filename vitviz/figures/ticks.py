"""Round numbers for colour bars and axes."""

from __future__ import annotations

import math
from dataclasses import dataclass

MANY_DECIMALS = 4
"""Labels that would need more decimals than this share a power of ten instead."""

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Ticks:
    """Marks along a scale.

    Args:
        values: Ascending, in the scale's units; the first and the last are its ends.
        labels: Of each, all with as many decimals.
        exponent: The power of ten that every label is to be multiplied with; 0: none.
    """

    values: tuple[float, ...]
    labels: tuple[str, ...]
    exponent: int = 0

    @property
    def factor(self) -> str:
        """The power of ten as it stands behind a unit: "× 10⁻⁵", or nothing."""
        return f"× 10{str(self.exponent).translate(_SUPERSCRIPTS)}" if self.exponent else ""


def ticks(lo: float, hi: float, n: int = 5) -> Ticks:
    """The ends of a scale and the round values in between.

    The steps are 1, 2 or 5 times a power of ten. Round values nearer to an end than 0.6 of a step
    are left out, so that labels keep clear of each other.

    Args:
        lo: Lower end, finite.
        hi: Upper end, finite; a scale without length has one tick.
        n: About how many ticks are wanted, at least 2.
    """
    if not hi > lo:
        exponent, decimals = _form(lo, lo, abs(lo) / 10)
        return Ticks((lo,), (_label(lo, exponent, decimals),), exponent)
    step = _round_step((hi - lo) / max(n - 1, 1))
    first, last = math.ceil(lo / step + 0.6), math.floor(hi / step - 0.6)
    values = (lo, *(k * step for k in range(first, last + 1)), hi)
    exponent, decimals = _form(lo, hi, step)
    return Ticks(values, tuple(_label(value, exponent, decimals) for value in values), exponent)


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
