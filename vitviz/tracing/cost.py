"""What a forward pass will cost, known before it starts."""

from __future__ import annotations

from dataclasses import dataclass

from vitviz.models.vit.config import ViTConfig

FLOAT_BYTES = 4
WORKSPACE_BYTES = 64 << 20
"""What torch and its libraries take besides tensors. Measured: 20 to 50 MB on the CPU."""


MOST_KEPT_INPUTS = 64 << 20
"""Bytes; up to these a trace keeps what its blocks were given, which saves the gradients of a class
a forward: with ViT-B/16 up to 512 pixels."""


@dataclass(frozen=True)
class Cost:
    """What a forward pass takes.

    Args:
        tokens: Length of the sequence, prefix included.
        flops: Floating-point operations, a multiplication and an addition being two.
        peak_bytes: Memory at its peak, beyond the network itself, what is kept of it included.
    """

    tokens: int
    flops: int
    peak_bytes: int


def cost(config: ViTConfig, grid: tuple[int, int]) -> Cost:
    """The cost of tracing one photo.

    Args:
        config: The network.
        grid: Rows and columns of patches that it will be given.
    """
    patches = grid[0] * grid[1]
    tokens = len(config.prefix) + patches
    return Cost(tokens, _flops(config, tokens, patches), _peak_bytes(config, tokens))


def keeps_inputs(config: ViTConfig, tokens: int) -> bool:
    """Whether a trace of so many tokens keeps what its blocks were given."""
    return FLOAT_BYTES * tokens * (config.depth + 1) * config.width <= MOST_KEPT_INPUTS


def backward_bytes(config: ViTConfig, grid: tuple[int, int]) -> int:
    """Memory that the gradients of one logit take at their peak, beyond the trace.

    Every layer's v and the gradient of its heads' outputs (their input before that, which is
    less), and one block's graph and gradients.

    Args:
        config: The network.
        grid: Rows and columns of patches that it is given.
    """
    width, hidden = config.width, config.mlp_width
    tokens = len(config.prefix) + grid[0] * grid[1]
    kept = config.depth * 2 * width
    attention = 8 * width  # its input's norm, q, k, v, the mix twice, its projection, their sum
    mlp = 2 * width + hidden * (5 if config.gated_mlp else 2)
    back = max(8 * width, 2 * hidden)  # q, k, v, the mix, twice; or both sides of the activation
    return FLOAT_BYTES * tokens * (kept + attention + mlp + back) + WORKSPACE_BYTES


def _flops(config: ViTConfig, tokens: int, patches: int) -> int:
    width, hidden = config.width, config.mlp_width
    embedding = patches * 3 * config.patch**2 * width
    projections = tokens * width * 4 * width
    attention = 2 * tokens * tokens * width
    mlp = tokens * width * hidden * (3 if config.gated_mlp else 2)
    head = config.width * config.classes
    return 2 * (embedding + config.depth * (projections + attention + mlp) + head)


def _peak_bytes(config: ViTConfig, tokens: int) -> int:
    """Every layer's q and k, perhaps its input, and one block at its fullest: in attention, or in
    the MLP.
    """
    width, hidden = config.width, config.mlp_width
    kept = config.depth * (2 * width + config.heads)
    kept += (config.depth + 1) * width if keeps_inputs(config, tokens) else 0
    attention = 7 * width  # z, its norm, q, k, v, the mix, its projection
    mlp = 3 * width + hidden * (4 if config.gated_mlp else 2)
    return FLOAT_BYTES * tokens * (kept + max(attention, mlp)) + WORKSPACE_BYTES
