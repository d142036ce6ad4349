"""One map judged: is it better than chance, and how far does it get."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from vitviz.errors import VitvizError
from vitviz.maps.agreement import spearman
from vitviz.maps.heat_map import HeatMap
from vitviz.probing.leave_out import Ask
from vitviz.progress import Progress, part, silent
from vitviz.shapes import Float
from vitviz.trust.curves import Curve, curve
from vitviz.trust.orders import order_of
from vitviz.trust.references import References
from vitviz.trust.saco import saco

Verdict = Literal["better", "chance", "worse"]
"""Above, within or below the band of random orders."""


@dataclass(frozen=True, eq=False)
class Judgement:
    """What was found about one map on one photo.

    Args:
        curve: Along the map's order.
        saco: SaCo, -1..1; None where the map gives every group the same.
        rank: Spearman's correlation with leave-one-out, -1..1; None where it is not defined.
        beaten: Random orders whose gain is smaller than the map's.
        references: What it was compared with.
        forwards: How often the network was asked for this map alone.
    """

    curve: Curve
    saco: float | None
    rank: float | None
    beaten: int
    references: References
    forwards: int

    @property
    def gain(self) -> float:
        """The area between its curves, -1..1."""
        return self.curve.gain

    @property
    def orders(self) -> int:
        """With how many random orders it was compared."""
        return len(self.references.random)

    @property
    def verdict(self) -> Verdict:
        """Whether it is better than chance."""
        low, high = self.references.band
        return "better" if self.gain > high else "worse" if self.gain < low else "chance"

    @property
    def normalised_gain(self) -> float | None:
        """Its gain as a part of leave-one-out's, chance being 0: above 1 it does better; None where
        leave-one-out itself is no better than chance.
        """
        best = self.references.best.gain
        return self.gain / best if best > self.references.band[1] else None


def require_judgeable(heat_map: HeatMap) -> None:
    """Refuses maps that put patches in no order.

    Raises:
        VitvizError: It is of colours, the same everywhere, or holds what is no number, as where
            outlier patches are left out.
    """
    values = heat_map.values
    if heat_map.outliers is not None and heat_map.outliers.choice == "exclude":
        raise VitvizError(
            "Trust is told of whole maps, and outlier patches are left out of this one.",
            "Show outlier patches to have it judged.",
        )
    if heat_map.quantity.kind == "colours":
        raise VitvizError(
            "This map shows colours, which put no patch before another.",
            "Choose a method that shows amounts.",
        )
    if not np.isfinite(values).all():
        raise VitvizError(
            "This map holds values that are no numbers.", "Choose another layer or method."
        )
    if values.size < 2 or np.ptp(values) == 0:
        raise VitvizError(
            "This map is the same everywhere, so it marks nothing.",
            "Choose another layer, head or method.",
        )


def judge(
    ask: Ask,
    values: Float[np.ndarray, "rows cols"],
    references: References,
    progress: Progress = silent,
) -> Judgement:
    """Judges a map.

    Args:
        ask: The probability of the class that the references are about, on the map's grid.
        values: The map, greater where it marks more; see ``require_judgeable``.
        references: Of the same photo, class and grid.
        progress: Told before each forward; may raise ``Cancelled``.
    """
    if values.shape != references.leave_one_out.shape:
        raise ValueError(f"a map of {values.shape} and references of another grid")
    flat = values.ravel().astype(np.float64)
    order = order_of(flat, np.random.default_rng(references.seed))
    coefficient = saco(ask, flat, order, part(progress, 0.0, 0.45))
    along = curve(ask, order, references.counts, part(progress, 0.45, 1.0))
    forwards = 2 * len(references.counts) + 1 + min(10, len(flat))
    return Judgement(
        along, coefficient, _rank(values, references),
        int((references.random_gains < along.gain).sum()), references, forwards,
    )  # fmt: skip


def _rank(values: Float[np.ndarray, "rows cols"], references: References) -> float | None:
    """Over the blocks that were left out, a map's block being the sum over its patches."""
    side = references.block
    starts = [np.arange(0, size, side) for size in values.shape]
    sums = np.add.reduceat(np.add.reduceat(values, starts[0], axis=0), starts[1], axis=1)
    worth = references.leave_one_out[::side, ::side]
    return spearman(sums.ravel().astype(np.float64), worth.ravel())
