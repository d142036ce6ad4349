"""What parts of a photo are worth, in a network of which it is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vitviz.probing.leave_out import block_side, blocks, drops
from vitviz.progress import Progress


def test_blocks_of_a_grid_that_they_do_not_divide() -> None:
    assert blocks((3, 5), 2).reshape(3, 5).tolist() == [
        [0, 0, 1, 1, 2], [0, 0, 1, 1, 2], [3, 3, 4, 4, 5]
    ]  # fmt: skip
    assert blocks((3, 5), 1).tolist() == list(range(15))


@pytest.mark.parametrize("grid", [(1, 1), (3, 5), (14, 14), (37, 20), (1, 500), (64, 64)])
@pytest.mark.parametrize("most", [1, 10, 64])
def test_blocks_are_as_small_as_may_be(grid: tuple[int, int], most: int) -> None:
    def count(side: int) -> int:
        return math.ceil(grid[0] / side) * math.ceil(grid[1] / side)

    side = block_side(grid, most)
    assert count(side) <= most
    assert side == 1 or count(side - 1) > most
    assert blocks(grid, side).max() + 1 == count(side)


def test_drops_of_a_sum_are_its_terms() -> None:
    worth = np.random.default_rng(2).normal(size=15)

    def ask(removed: np.ndarray, progress: Progress) -> np.ndarray:
        return (~removed) @ worth

    np.testing.assert_allclose(drops(ask, np.arange(15)), worth)
    by_block = drops(ask, blocks((3, 5), 2)).tolist()
    plain = worth.reshape(3, 5)
    expected = [plain[r : r + 2, c : c + 2].sum() for r in (0, 2) for c in (0, 2, 4)]
    np.testing.assert_allclose(by_block, expected)
    with pytest.raises(ValueError, match="every patch"):
        drops(ask, np.zeros(15, int))
