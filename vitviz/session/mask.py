"""Which patches of a photo are hidden from a masked autoencoder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np

from vitviz.reading import Within
from vitviz.shapes import Bool

MOST_PATCHES = 1 << 20

Side = Annotated[int, Within(0, 1 << 14)]


@dataclass(frozen=True)
class MaskChoice:
    """The user's choice: by chance, or painted.

    Args:
        share: Part of all patches that is hidden, 0..1.
        seed: Which those are; the same each time.
        painted: Indices of hidden patches, row by row, that were painted; what chance says no
            longer counts.
        grid: Rows and columns of the patches that were painted; on another grid chance decides
            again. (0, 0): nothing was painted.
    """

    share: Annotated[float, Within(0, 1)] = 0.75
    seed: Annotated[int, Within(0, (1 << 31) - 1)] = 0
    painted: Annotated[tuple[Annotated[int, Within(0, MOST_PATCHES)], ...],
                       Within(0, MOST_PATCHES)] = ()  # fmt: skip
    grid: tuple[Side, Side] = (0, 0)

    def is_painted(self, grid: tuple[int, int]) -> bool:
        """Whether what was painted counts on a grid."""
        return self.grid == grid


def hidden_patches(choice: MaskChoice, grid: tuple[int, int]) -> Bool[np.ndarray, "rows cols"]:
    """Which patches of a grid are hidden.

    Of n patches ``floor(n (1 - share))`` stay, as in the authors' ``random_masking``, but at least
    one.
    """
    count = grid[0] * grid[1]
    hidden = np.ones(count, bool)
    if choice.is_painted(grid):
        hidden[:] = False
        hidden[[index for index in choice.painted if index < count]] = True
    else:
        # What floats make of 196 * (1 - 0.75) must not lose a patch.
        kept = max(1, int(count * (1 - choice.share) + 1e-6))
        hidden[np.random.default_rng(choice.seed).permutation(count)[:kept]] = False
    return hidden.reshape(grid)


def painted(
    choice: MaskChoice, grid: tuple[int, int], patches: frozenset[int], hide: bool
) -> MaskChoice:
    """The choice with some patches hidden, or seen again.

    Args:
        choice: Before.
        grid: Of the patches.
        patches: Indices, row by row.
        hide: False: they are seen.
    """
    before = frozenset(np.flatnonzero(hidden_patches(choice, grid)).tolist())
    now = before | patches if hide else before - patches
    return replace(choice, painted=tuple(sorted(now)), grid=grid)
