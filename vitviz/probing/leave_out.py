"""What each part of the photo is worth: how much the answer falls without it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from vitviz.progress import Progress, silent
from vitviz.shapes import Bool, Float64, Int

Ask = Callable[[Bool[np.ndarray, "sets patches"], Progress], Float64[np.ndarray, " sets"]]
"""What a network says without each set of patches: a probability, a logit."""

MOST_GROUPS = 64
"""Parts that are left out one after another where nobody asks for finer ones."""


def blocks(grid: tuple[int, int], side: int) -> Int[np.ndarray, " patches"]:
    """Which square block each patch is in, row by row from 0; those at the far edges may be cut.

    Args:
        grid: Rows and columns of patches.
        side: Of a block, in patches.
    """
    rows, cols = np.divmod(np.arange(grid[0] * grid[1]), grid[1])
    across = -(-grid[1] // side)
    found: Int[np.ndarray, " patches"] = (rows // side) * across + cols // side
    return found


def block_side(grid: tuple[int, int], most: int = MOST_GROUPS) -> int:
    """The smallest side of blocks of which there are at most ``most``."""
    side = max(1, math.isqrt(grid[0] * grid[1] // max(most, 1)))
    while math.ceil(grid[0] / side) * math.ceil(grid[1] / side) > most:
        side += 1
    return side


def drops(
    ask: Ask, groups: Int[np.ndarray, " patches"], progress: Progress = silent
) -> Float64[np.ndarray, " groups"]:
    """How much the answer falls without each group of patches: ``f(all) - f(all but the group)``.

    Args:
        ask: What f is.
        groups: Which group each patch is in, from 0, each with a patch at least.
        progress: Told before each forward; may raise ``Cancelled``.

    Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014,
    arXiv 1311.2901, section 4.2.
    """
    sets = np.concatenate([
        np.zeros((1, len(groups)), bool), groups == np.arange(groups.max() + 1)[:, None]
    ])  # fmt: skip
    if sets[1:].all(1).any():
        raise ValueError("one group holds every patch")
    answers = ask(sets, progress)
    fallen: Float64[np.ndarray, " groups"] = answers[0] - answers[1:]
    return fallen
