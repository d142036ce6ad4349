"""A Swin Transformer from outside."""

from __future__ import annotations

import functools

from vitviz.models.outline import Ability, LayerOutline, Outline
from vitviz.models.swin.config import SwinConfig, window_cuts

GIVES: frozenset[Ability] = frozenset(
    {"attention", "values", "states", "gradients", "rerun", "path"}
)

CLASSES: frozenset[Ability] = frozenset({"classes"})


@functools.lru_cache(maxsize=64)  # asked for at every refresh of the window
def outline(config: SwinConfig, input_size: tuple[int, int]) -> Outline:
    """The outline of a network at an input of this height and width."""
    layers = tuple(_layer(config, stage, block, input_size) for stage, block in config.blocks())
    gives: frozenset[Ability] = GIVES | CLASSES if config.classes else GIVES
    if config.version == 2:
        gives -= {"values"}  # what a head adds goes through a norm: it is no part of a sum
    windows = sorted(set(config.windows))
    sizes = (
        ("width", config.width), ("patch", config.patch), ("stages", config.stages),
        ("window", windows[-1]),
    )  # fmt: skip
    return Outline(layers, (), config.classes, config.parameters, gives, sizes, "mean")


def _layer(config: SwinConfig, stage: int, block: int, input_size: tuple[int, int]) -> LayerOutline:
    grid = config.grid_of(stage, input_size)
    window, shift = config.windows[stage], config.shift_of(stage, block, grid)
    cuts = [
        window_cuts(side, window, by, shift_first=config.shift_first)
        for side, by in zip(grid, shift, strict=True)
    ]
    return LayerOutline(
        f"stage {stage + 1}, block {block + 1}", grid, config.patch << stage, config.heads[stage],
        (window, window), config.width_of(stage), shift, (cuts[0], cuts[1]),
    )  # fmt: skip
