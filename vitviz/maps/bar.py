"""What a colour bar says; figures, plates and the window only draw it."""

from __future__ import annotations

from dataclasses import dataclass

from vitviz.maps.heat_map import Quantity
from vitviz.maps.scaling import Scaling, scale_name
from vitviz.maps.style import Style
from vitviz.maps.ticks import Ticks, number, ticks

NEARLY: dict[Scaling, float] = {"linear": 5e-3, "root": 1e-4, "log": 0.0}
"""Part of the greatest value, below which the least one is told as 0 where there is little room:
it cannot be seen from it along the bar.
"""


@dataclass(frozen=True)
class ColourBar:
    """What colours stand for.

    Args:
        low: The value at the lower end, in natural units.
        high: The value at the upper end.
        unit: What the values are: "attention".
        style: Colours, opacity, fade and scaling.
        note: What else there is to say, in the lines of a narrow column: ("shared by", "a, b, d").
    """

    low: float
    high: float
    unit: str
    style: Style
    note: tuple[str, ...] = ()

    @property
    def ends(self) -> tuple[float, float]:
        """The values at both ends."""
        return self.low, self.high

    def ticks(self, most: int) -> Ticks:
        """About so many marks along it."""
        return ticks(self.low, self.high, most, self.style.scaling)

    def end_labels(self, exponent: int) -> tuple[str, str]:
        """The two ends by themselves, short, in units of a power of ten."""
        marks = self.ticks(2)
        floor = "≤ " if marks.labels[0].startswith("≤") else ""
        low, high = marks.values[0], marks.values[-1]
        if abs(low) < NEARLY[self.style.scaling] * abs(high):
            low = 0.0
        unit = 10.0**exponent
        return floor + number(low / unit, 2), number(high / unit, 2)

    def title(self, factor: str = "") -> str:
        """ "attention × 10⁻³, root scale, shared by a, b".

        Args:
            factor: The power of ten that the numbers at the bar share (``Ticks.factor``).
        """
        return ", ".join(
            filter(None, (f"{self.unit} {factor}".strip(), self._scaling, " ".join(self.note)))
        )

    def title_lines(self, factor: str = "") -> list[str]:
        """The same for a narrow column: unit, power of ten, scaling and note below each other."""
        return [line for line in (self.unit, factor, self._scaling, *self.note) if line]

    @property
    def description(self) -> str:
        """All of it in words: "attention × 10⁻³, from 0 to 4.2"."""
        marks = self.ticks(2)
        return f"{self.title(marks.factor)}, from {marks.labels[0]} to {marks.labels[-1]}"

    @property
    def _scaling(self) -> str:
        return scale_name(self.high, self.style.scaling)


def bar_of(
    ends: tuple[float, float], quantity: Quantity, style: Style, note: tuple[str, ...] = ()
) -> ColourBar | None:
    """The colour bar of a map; None of one that is colours, for which no bar stands.

    Args:
        ends: The values at its ends.
        quantity: What the map's numbers are.
        style: How the map is drawn.
        note: As of ``ColourBar``.
    """
    return None if quantity.kind == "colours" else ColourBar(*ends, quantity.unit, style, note)
