"""What a Vision Transformer says of its parts (``vitviz.models.anatomy``)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vitviz.models.anatomy import Filters, Places
from vitviz.models.vit.config import Pool, ViTConfig
from vitviz.shapes import Float

READ: dict[Pool, str] = {
    "cls": "CLS", "mean": "the mean of all patches", "cls+mean": "CLS and the mean of all patches",
    "map": "what attention pooling collects",
}  # fmt: skip
"""What a head reads, for people."""


def filters(proj: nn.Conv2d, config: ViTConfig) -> Filters | None:
    """Of the patch embedding; None where pixels are normalised first, patch by patch, or where it
    reads what convolutions make of them.

    Args:
        proj: Its convolution.
        config: Of the network.
    """
    if config.patch_norms or config.stem is not None:
        return None
    after = ("normalised",) if config.token_norm else ()
    return Filters(proj.weight, proj.bias, config.patch, after=after)


def places(positions: Float[Tensor, "positioned width"] | None, config: ViTConfig) -> Places:
    """How it knows where its tokens lie.

    Args:
        positions: Its position embedding on the grid of this input; None: it has none.
        config: Of the network.
    """
    added, first = None, config.positioned_prefix
    if positions is not None:
        without = len(config.prefix) - first
        added = torch.cat([F.pad(positions[:first], (0, 0, 0, without)), positions[first:]])
    rotary = ("rotary positions, which turn q and k",) if config.rope else ()
    relative = ("relative positions, which are added to q·k",) if config.relative_positions else ()
    return Places(added, (*rotary, *relative))
