"""Which grid a position embedding is of: its length is a number of patches, not rows and columns.

Positions that were trained, or are made of sines, are alike for patches above each other. Where
that tells the grid, nothing is assumed; else the likeliest is taken, and said.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch.nn.functional as F
from torch import Tensor

from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.said import Assumption, Notes, Said

ALIKE = 0.05
"""How much more alike than for any other grid, as a cosine, patches above each other must be.

DeiT-Tiny has 0.93 on its own grid and 0.75 on the next one, DINOv2-S 0.92; random ones 0.02.
"""

MOST_OBLONG = 8
"""Times as many columns as rows, or rows as columns, that are thought of."""

CARD_HINT = (
    "Say it with --set-model grid=ROWSxCOLUMNS, or in a model card (NAME.json) beside the file."
)


class Reading(NamedTuple):
    """One way to read a position embedding.

    Args:
        positioned: How many prefix tokens have a position.
        grid: Rows and columns.
    """

    positioned: int
    grid: tuple[int, int]

    def __str__(self) -> str:
        rows, cols = self.grid
        return f"{rows} x {cols}" + (f" with {self.positioned} more" if self.positioned else "")


def read_grid(
    positions: Tensor, prefix: int, registers: int, scaled: bool, patch: int, said: Said
) -> tuple[Reading, Notes]:
    """How many prefix tokens have a position, and the grid.

    Args:
        positions: 1 x positions x width.
        prefix: Tokens before the patches, registers among them.
        registers: How many of them are these.
        scaled: Whether there is LayerScale: DeiT III has it, and no position for CLS.
        patch: Side of a patch.
        said: By a config or the user: "input_size" or "grid", "positioned_prefix".

    Raises:
        CheckpointError: There is no such grid.
    """
    count = positions.shape[1]
    given = _said(count, prefix, patch, said)
    if given is not None:
        return given, ()
    ways = _ways(count, prefix, registers)
    if not ways:
        raise CheckpointError(
            f"{count} positions, with {prefix} prefix tokens, are of no grid that a photo has, and "
            " the weights do not tell its height and width.",
            CARD_HINT,
        )
    told = _told(positions, ways)
    if told is not None:
        return told, ()
    best = min(ways, key=lambda way: _unlikely(way, prefix - registers, registers or scaled))
    others = [str(way) for way in ways if way != best][:2]
    rows, cols = best.grid
    without = "" if best.positioned or not prefix else ", none of them for the prefix,"
    text = f"A grid of {rows} x {cols} patches{without} is assumed: the weights tell their number."
    if others:
        text += f" {' and '.join(others)} would fit as well."
    return best, (Assumption("input_size", text),)


def _said(count: int, prefix: int, patch: int, said: Said) -> Reading | None:
    """What is said of it, which must be as many positions as there are."""
    grid: Any = said.network.get("grid")
    size: Any = said.network.get("input_size")
    if grid is None and size is None:
        return None
    rows, cols = grid or (size[0] // patch, size[1] // patch)
    positioned = count - rows * cols
    if 0 <= positioned <= prefix:
        return Reading(positioned, (rows, cols))
    if said.kind in ("timm", "transformers", "open_clip") and grid is None:
        return None  # a config whose size is that of its photos
    raise CheckpointError(
        f"A grid of {rows} x {cols} patches is said, and the weights have {count} positions, with "
        f"{prefix} prefix tokens.",
        "Correct what was said, or leave it out.",
    )


def _ways(count: int, prefix: int, registers: int) -> list[Reading]:
    return [
        Reading(positioned, (rows, (count - positioned) // rows))
        for positioned in dict.fromkeys((prefix - registers, 0, prefix))
        if count > positioned
        for rows in _divisors(count - positioned)
    ]


def _divisors(patches: int) -> Iterator[int]:
    """Rows of the grids of so many patches that are not far from square."""
    least = max(1, math.ceil(math.sqrt(patches / MOST_OBLONG)))
    for rows in range(least, math.isqrt(patches * MOST_OBLONG) + 1):
        if patches % rows == 0:
            yield rows


def _unlikely(way: Reading, usual: int, others_have_none: bool | int) -> tuple[float, ...]:
    """The least is the likeliest: square with the usual prefix, then square without where that is
    known to be, then the least oblong, lying rather than standing.
    """
    rows, cols = way.grid
    square = rows == cols
    if square and way.positioned == usual:
        return 0, 0.0, 0
    if square and way.positioned > usual:  # registers have positions, too
        return 1, 0.0, 1
    if square and not way.positioned and others_have_none:
        return 1, 0.0, 0
    oblong = max(rows, cols) / min(rows, cols)
    return 2 + (way.positioned != usual) * (3 if not others_have_none else 1), oblong, rows > cols


def _told(positions: Tensor, ways: list[Reading]) -> Reading | None:
    """The one way in which patches above each other are alike; None where no way stands out."""
    if positions.is_meta or not positions.is_floating_point():
        return None
    alike: dict[Reading, float] = {}
    for way in ways:
        rows, cols = way.grid
        if rows < 2 or cols < 2:
            continue
        patches = positions[0, way.positioned :].float()
        image = (patches - patches.mean(0)).reshape(rows, cols, -1)
        alike[way] = float(F.cosine_similarity(image[1:], image[:-1], dim=-1).mean())
    if not alike:
        return None
    first, *rest = sorted(alike, key=alike.__getitem__, reverse=True)
    # A mean of cosines of random numbers is about so far from 0.
    chance = 1 / math.sqrt(positions.shape[-1] * max(positions.shape[1] - first.grid[1], 1))
    least = max(ALIKE, 5 * chance)
    stands_out = not rest or alike[first] > alike[rest[0]] + least
    return first if alike[first] > 2 * least and stands_out else None
