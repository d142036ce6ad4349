"""Orders in which patches are removed, and what is left after so many steps."""

from __future__ import annotations

import numpy as np

from vitviz.shapes import Bool, Float, Int

STEPS = 6
"""How often a curve asks the network on its way, unless somebody asks for more."""


def order_of(
    values: Float[np.ndarray, " patches"], rng: np.random.Generator
) -> Int[np.ndarray, " patches"]:
    """Patches from the greatest value down; equal ones in a random order, since reading order would
    favour the top of the photo.
    """
    shuffled = rng.permutation(len(values))
    order: Int[np.ndarray, " patches"]
    order = shuffled[np.argsort(-values[shuffled], kind="stable")]
    return order


def random_orders(
    patches: int, count: int, rng: np.random.Generator
) -> Int[np.ndarray, "count patches"]:
    """Orders drawn at random, each with its reverse after it: an even number of them.

    The reverse of an order drawn at random is one, too, and a curve along the one from its end is a
    curve along the other: two orders for the forwards of one.
    """
    if count % 2:
        raise ValueError(f"{count} orders are not pairs")
    found = np.empty((count, patches), np.int64)
    found[::2] = rng.permuted(np.tile(np.arange(patches), (count // 2, 1)), axis=1)
    found[1::2] = found[::2, ::-1]
    return found


def step_counts(patches: int, steps: int = STEPS) -> Int[np.ndarray, " steps"]:
    """How many patches are gone at each step: the middles of equal parts, at least one, never all;
    fewer steps where there are fewer patches.
    """
    middles = (np.arange(steps) + 0.5) / steps
    counts = np.unique(np.clip(np.rint(middles * patches).astype(int), 1, patches - 1))
    found: Int[np.ndarray, " steps"] = counts[counts >= 1]
    return found


def removed_along(
    order: Int[np.ndarray, " patches"], counts: Int[np.ndarray, " steps"]
) -> Bool[np.ndarray, "steps patches"]:
    """Which patches are gone after each step along an order."""
    rank = np.empty(len(order), int)
    rank[order] = np.arange(len(order))
    found: Bool[np.ndarray, "steps patches"] = rank[None] < counts[:, None]
    return found
