"""A Vision Transformer from outside."""

from __future__ import annotations

import functools
import math

from vitviz.models.outline import Ability, LayerOutline, Outline
from vitviz.models.vit.config import ViTConfig
from vitviz.models.vit.parameters import parameters

GIVES: frozenset[Ability] = frozenset(
    {"attention", "values", "states", "gradients", "rerun", "drop", "path", "sequence", "neurons"}
)

CLASSES: frozenset[Ability] = frozenset({"classes"})


@functools.lru_cache(maxsize=64)  # asked for at every refresh of the window
def outline(config: ViTConfig, input_size: tuple[int, int]) -> Outline:
    """The outline of a network at an input of this height and width."""
    grid = input_size[0] // config.patch, input_size[1] // config.patch
    layers = tuple(
        LayerOutline(
            f"block {layer + 1}",
            grid,
            config.patch,
            config.heads,
            width=config.width,
            receptive=math.inf,
        )
        for layer in range(config.depth)
    )
    gives: frozenset[Ability] = GIVES | CLASSES if config.classes else GIVES
    if config.attention_norm or config.order == "norm last":
        gives -= {"values"}  # what a head adds goes through a norm: it is no part of a sum
    if config.text:
        gives |= {"text"}
    # There is no way from and to a token that lies nowhere, and earlier layers' have none added.
    if config.relative_positions or config.cls_layers > 1:
        gives -= {"neurons"}
    sizes = ("width", config.width), ("MLP", config.mlp_width), ("patch", config.patch)
    return Outline(
        layers,
        config.prefix,
        config.classes,
        parameters(config),
        gives,
        sizes,
        config.pool,
        ("cls", "dist") if config.classes and config.has_dist_head else (),
        config.cls_layers,
    )
