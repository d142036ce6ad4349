"""Which token is which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class TokenLayout:
    """The order of a sequence of tokens: the prefix, then the patches row by row.

    Args:
        prefix: Names of the prefix tokens: "cls", "dist", "reg1", ...
        grid: Rows and columns of patches.
    """

    prefix: tuple[str, ...]
    grid: tuple[int, int]

    @property
    def patches(self) -> int:
        return self.grid[0] * self.grid[1]

    @property
    def tokens(self) -> int:
        return len(self.prefix) + self.patches

    @property
    def all_patches(self) -> tuple[int, ...]:
        """The tokens of all patches, in order."""
        return tuple(range(len(self.prefix), self.tokens))

    def index(self, row: int, col: int) -> int:
        """The token of a patch.

        Raises:
            IndexError: The grid has no such patch.
        """
        rows, cols = self.grid
        if not (0 <= row < rows and 0 <= col < cols):
            raise IndexError(f"no patch ({row}, {col}) on a grid of {rows} x {cols}")
        return len(self.prefix) + row * cols + col

    def patch(self, token: int) -> tuple[int, int] | None:
        """Row and column of a token, or None for a prefix token."""
        if not 0 <= token < self.tokens:
            raise IndexError(f"no token {token} among {self.tokens}")
        patch = token - len(self.prefix)
        return divmod(patch, self.grid[1]) if patch >= 0 else None


def runs(tokens: Sequence[int]) -> Iterator[range]:
    """Ascending indices as ranges of those that follow each other: 1, 2, 5 is 1 to 2 and 5."""
    start = 0
    for at in range(1, len(tokens) + 1):
        if at == len(tokens) or tokens[at] != tokens[at - 1] + 1:
            yield range(tokens[start], tokens[at - 1] + 1)
            start = at
