"""Which tokens of a layer lie in which windows, and numbers brought from one order to the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from vitviz.shapes import Float, Int


@dataclass(frozen=True, eq=False)
class Windows:
    """The windows that the tokens of a layer are in, each token in one.

    A *position* is a slot of a window, counted through all windows.

    Args:
        members: The token in each slot; -1 is padding.
    """

    members: Int[Tensor, "windows slots"]

    def __post_init__(self) -> None:
        there = self.members[self.members >= 0]
        if not torch.equal(there.sort().values, torch.arange(len(there), device=there.device)):
            raise ValueError("windows do not hold every token once")

    @property
    def slots(self) -> int:
        """Of each window."""
        return self.members.shape[1]

    @property
    def positions(self) -> int:
        """Slots of all windows, padding included."""
        return self.members.numel()

    @cached_property
    def places(self) -> Int[Tensor, " tokens"]:
        """The position of each token."""
        flat = self.members.flatten()
        places = torch.empty(int((flat >= 0).sum()), dtype=torch.long, device=flat.device)
        places[flat[flat >= 0]] = torch.arange(len(flat), device=flat.device)[flat >= 0]
        return places

    @property
    def tokens(self) -> int:
        """How many there are, without padding."""
        return len(self.places)

    @cached_property
    def pairs(self) -> int:
        """How many pairs of tokens share a window, those of a token with itself included."""
        return int(((self.members >= 0).sum(1) ** 2).sum())

    @property
    def nbytes(self) -> int:
        """Of both orders, in bytes."""
        return self.members.nbytes + self.places.nbytes

    def into(self, values: Float[Tensor, "rows tokens"]) -> Float[Tensor, "rows positions"]:
        """Numbers of tokens in the order of the windows; of padding, 0."""
        found = values.new_zeros(len(values), self.positions)
        found[:, self.places] = values
        return found

    def out_of(self, values: Float[Tensor, "rows positions"]) -> Float[Tensor, "rows tokens"]:
        """Numbers in the order of the windows as those of tokens; padding is left out."""
        return values[:, self.places]

    def of_rows(self, rows: slice) -> tuple[Int[Tensor, " block"], Int[Tensor, " block"]]:
        """The window and the slot of some tokens."""
        places = self.places[rows]
        return places // self.slots, places % self.slots

    def pieces(self, tokens: range | None, at_once: int) -> Iterator[slice]:
        """Cuts all windows, or those that hold some tokens, into pieces of at most ``at_once``."""
        first, last = 0, len(self.members)
        if tokens is not None:
            windows, _ = self.of_rows(slice(tokens.start, tokens.stop))
            first, last = (int(windows.min()), int(windows.max()) + 1) if len(windows) else (0, 0)
        for start in range(first, last, at_once):
            yield slice(start, min(start + at_once, last))

    def scattered(
        self,
        values: Float[Tensor, "block heads slots"],
        windows: Int[Tensor, " block"],
        out: Float[Tensor, "heads block tokens"],
    ) -> Float[Tensor, "heads block tokens"]:
        """Rows over the slots of one window each, as rows over all tokens, 0 beside the window.

        Args:
            values: Of each row.
            windows: In whose window each row is.
            out: Is filled.
        """
        members = self.members[windows]  # block slots
        out.zero_()
        row, slot = (members >= 0).nonzero(as_tuple=True)
        out[:, row, members[row, slot]] = values[row, :, slot].mT
        return out

    def without_padding(
        self, values: Float[Tensor, "heads windows slots keys"], windows: slice
    ) -> Float[Tensor, "heads windows slots keys"]:
        """Pairs of slots with 0 wherever one of them is padding; in place."""
        padding = self.members[windows] < 0
        if padding.any():
            values.masked_fill_(padding[:, None] | padding[:, :, None], 0.0)
        return values
