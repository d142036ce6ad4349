"""What a map is compared with on one photo: chance, the middle, the edges, and leave-one-out.

None of it depends on the map, so all maps of one photo and class share it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vitviz.imaging.geometry import Geometry
from vitviz.probing.leave_out import MOST_GROUPS, Ask, block_side, blocks, drops
from vitviz.progress import Progress, part, silent
from vitviz.shapes import Float64, Int, UInt8
from vitviz.trust.baselines import centre, edges
from vitviz.trust.curves import Curve, curve
from vitviz.trust.orders import STEPS, order_of, random_orders, removed_along, step_counts

ORDERS = 100
"""Orders drawn at random: 50, and their reverses."""

BAND = (0.05, 0.95)
"""Chance is what lies between these quantiles of them."""


@dataclass(frozen=True, eq=False)
class References:
    """What maps of one photo are compared with. All answers are probabilities of one class.

    Args:
        whole: The answer to the whole photo.
        counts: How many patches are gone at each step of every curve.
        random: Along each random order, with its first and with its last patches gone.
        leave_one_out: How much the answer falls without each patch: without the block of
            ``block`` x ``block`` patches that it is in.
        block: Side of such a block.
        best: Along leave-one-out's own order.
        centre: Along the order of a Gaussian in the middle.
        edges: Along the order of the photo's edges.
        seed: Of the random orders, and of the order of equal values.
        forwards: How often the network was asked.
    """

    whole: float
    counts: Int[np.ndarray, " steps"]
    random: Float64[np.ndarray, "orders 2 steps"]
    leave_one_out: Float64[np.ndarray, "rows cols"]
    block: int
    best: Curve
    centre: Curve
    edges: Curve
    seed: int
    forwards: int

    @property
    def random_gains(self) -> Float64[np.ndarray, " orders"]:
        """The gain of each random order."""
        means = self.random.mean(2)
        gains: Float64[np.ndarray, " orders"] = means[:, 1] - means[:, 0]
        return gains

    @property
    def band(self) -> tuple[float, float]:
        """Gains that chance reaches: the 5 and the 95 % quantile of the random orders."""
        low, high = np.quantile(self.random_gains, BAND)
        return float(low), float(high)

    @property
    def curve_band(self) -> Float64[np.ndarray, "2 steps"]:
        """The 5 and the 95 % quantile of the answers at each step along random orders."""
        band: Float64[np.ndarray, "2 steps"] = np.quantile(self.random[:, 0], BAND, axis=0)
        return band

    @property
    def nbytes(self) -> int:
        return self.random.nbytes + self.leave_one_out.nbytes


def references(
    ask: Ask,
    geometry: Geometry,
    pixels: UInt8[np.ndarray, "height width 3"],
    *,
    steps: int = STEPS,
    orders: int = ORDERS,
    seed: int = 0,
    progress: Progress = silent,
) -> References:
    """Asks the network what a map of its photo is to be compared with.

    Args:
        ask: The probability of the class.
        geometry: Whose patches are removed; at least two.
        pixels: What the model was given.
        steps: Of each curve.
        orders: Drawn at random; an even number.
        seed: Which orders.
        progress: Told before each forward; may raise ``Cancelled``.
    """
    rows, cols = geometry.grid
    patches = rows * cols
    counts = step_counts(patches, steps)
    side = block_side(geometry.grid, min(MOST_GROUPS, patches))
    groups = blocks(geometry.grid, side)
    whole = float(ask(np.zeros((1, patches), bool), silent)[0])
    worth = drops(ask, groups, part(progress, 0.0, 0.1))[groups]
    known = worth, centre(geometry.grid).ravel(), edges(pixels, geometry).ravel()
    best, middle, edge = (
        curve(
            ask, order_of(values, np.random.default_rng(seed)), counts,
            part(progress, 0.1 + number * 0.03, 0.13 + number * 0.03),
        )
        for number, values in enumerate(known)
    )  # fmt: skip
    chance = _along_random_orders(ask, patches, counts, orders, seed, part(progress, 0.19, 1.0))
    worth.flags.writeable = chance.flags.writeable = False
    forwards = 2 + groups.max() + 1 + (6 + orders) * len(counts)
    return References(
        whole, counts, chance, worth.reshape(rows, cols), side, best, middle, edge, seed,
        int(forwards),
    )  # fmt: skip


def _along_random_orders(
    ask: Ask, patches: int, counts: Int[np.ndarray, " steps"], orders: int, seed: int,
    progress: Progress,
) -> Float64[np.ndarray, "orders 2 steps"]:  # fmt: skip
    drawn = random_orders(patches, orders, np.random.default_rng(seed))
    # The last patches of an order are the first of its reverse, which stands beside it.
    sets = np.concatenate([removed_along(order, counts) for order in drawn])
    first = ask(sets, progress).reshape(orders, len(counts))
    last = first.reshape(-1, 2, len(counts))[:, ::-1].reshape(orders, len(counts))
    both: Float64[np.ndarray, "orders 2 steps"] = np.stack([first, last], axis=1)
    return both
