"""What a Vision Transformer takes, known before it runs."""

from __future__ import annotations

from vitviz.models.cost import BIAS_BYTES, FLOAT_BYTES, MOST_KEPT_STATES, WORKSPACE_BYTES, Cost
from vitviz.models.vit.config import ViTConfig
from vitviz.models.vit.parameters import STEM_WIDTH, stem_channels


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
    turns = _turns(config) + (4 * width if config.rope else 0)
    numbers = kept + turns + attention + mlp + back
    return FLOAT_BYTES * tokens * numbers + _bias_bytes(config) + WORKSPACE_BYTES


def _flops(config: ViTConfig, tokens: int, patches: int) -> int:
    width, hidden = config.width, config.mlp_width
    side = config.patch // config.stem_stride
    embedding = patches * stem_channels(config) * side**2 * width + _stem_flops(config, patches)
    projections = tokens * width * 4 * width
    attention = 2 * tokens * tokens * width
    mlp = tokens * width * hidden * (3 if config.gated_mlp else 2)
    blocks = config.depth * (projections + attention + mlp + _relative_flops(config, patches))
    return 2 * (embedding + blocks + _head_flops(config, tokens))


def _stem_flops(config: ViTConfig, patches: int) -> int:
    """Multiplications of a stem's convolutions: each number of a filter, at each place it lies."""
    if config.stem is None:
        return 0
    pixels = patches * config.patch**2
    total, before = pixels // 4 * STEM_WIDTH * 3 * 49, STEM_WIDTH
    for stage, blocks in enumerate(config.stem):
        places, out = pixels // 16 // 4**stage, STEM_WIDTH * 2 ** (stage + 2)
        first = places * (4 if stage else 1)  # where the first block's first convolution lies
        total += first * before * out // 4 + places * out * (before + out // 4 + 9 * out // 16)
        total += (blocks - 1) * places * (2 * out * out // 4 + 9 * out * out // 16)
        before = out
    return total


def _relative_flops(config: ViTConfig, patches: int) -> int:
    """Of the MLP of relative positions: about four times as many ways as patches."""
    return 4 * patches * config.relative_width * (2 + config.heads)


def _head_flops(config: ViTConfig, tokens: int) -> int:
    width, heads = config.width, 2 if config.has_dist_head else 1
    head = config.features * (heads * config.classes + config.projection)
    if config.pool != "map":
        return head
    query = 2 * width * width + 2 * width * config.mlp_width  # q, projection, MLP of one token
    return head + query + tokens * (2 * width * width + 2 * width)


def _peak_bytes(config: ViTConfig, tokens: int) -> int:
    """Every layer's q and k, perhaps its input, and one block at its fullest: in attention, or in
    the MLP.
    """
    width, hidden = config.width, config.mlp_width
    kept = config.depth * (2 * width + config.heads)
    kept += (config.depth + 1) * width if _keeps_states(config, tokens) else 0
    kept += _turns(config)
    attention = 7 * width  # z, its norm, q, k, v, the mix, its projection
    attention += 2 * width if config.rope else 0  # q and k, turned
    mlp = 3 * width + hidden * (4 if config.gated_mlp else 2)
    return (
        FLOAT_BYTES * tokens * (kept + max(attention, mlp)) + _bias_bytes(config) + WORKSPACE_BYTES
    )


def _turns(config: ViTConfig) -> int:
    """Numbers a token of the sines and cosines of rotary positions, and of their angles."""
    if config.rope is None:
        return 0
    return 3 * (config.depth * config.width if config.rope.learned else config.head_dim)


def _bias_bytes(config: ViTConfig) -> int:
    """Of what is added to some rows of attention, and of where it is read."""
    return 3 * BIAS_BYTES if config.relative_positions else 0
