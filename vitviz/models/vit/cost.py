"""What a Vision Transformer takes, known before it runs."""

from __future__ import annotations

from vitviz.models.cost import FLOAT_BYTES, MOST_KEPT_STATES, WORKSPACE_BYTES, Cost
from vitviz.models.vit.config import ViTConfig


def cost(config: ViTConfig, input_size: tuple[int, int]) -> Cost:
    """The cost of tracing one photo.

    Args:
        config: The network.
        input_size: Height and width of the input that it will be given, in pixels.
    """
    patches = (input_size[0] // config.patch) * (input_size[1] // config.patch)
    tokens = len(config.prefix) + patches
    return Cost(
        tokens, _flops(config, tokens, patches), _peak_bytes(config, tokens),
        _backward_bytes(config, tokens), _keeps_states(config, tokens),
    )  # fmt: skip


def _keeps_states(config: ViTConfig, tokens: int) -> bool:
    return FLOAT_BYTES * tokens * (config.depth + 1) * config.width <= MOST_KEPT_STATES


def _backward_bytes(config: ViTConfig, tokens: int) -> int:
    """Every layer's v and the gradient of its heads' outputs (their input before that, which is
    less), and one block's graph and gradients.
    """
    width, hidden = config.width, config.mlp_width
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
    kept += (config.depth + 1) * width if _keeps_states(config, tokens) else 0
    attention = 7 * width  # z, its norm, q, k, v, the mix, its projection
    mlp = 3 * width + hidden * (4 if config.gated_mlp else 2)
    return FLOAT_BYTES * tokens * (kept + max(attention, mlp)) + WORKSPACE_BYTES
