"""What a Swin Transformer takes, known before it runs."""

from __future__ import annotations

from vitviz.models.cost import FLOAT_BYTES, MOST_KEPT_STATES, WORKSPACE_BYTES, Cost
from vitviz.models.swin.config import SwinConfig


def cost(config: SwinConfig, input_size: tuple[int, int]) -> Cost:
    """The cost of tracing one photo.

    Args:
        config: The network.
        input_size: Height and width of the input that it will be given, in pixels.
    """
    stages = range(config.stages)
    tokens = [_tokens(config, stage, input_size) for stage in stages]
    states = sum(config.depths[i] * tokens[i] * config.width_of(i) for i in stages)
    keeps = FLOAT_BYTES * (states + tokens[0] * config.width) <= MOST_KEPT_STATES
    slots = [_slots(config, stage, input_size) for stage in stages]
    kept = sum(
        config.depths[i] * slots[i] * 2 * (config.width_of(i) + config.heads[i]) for i in stages
    )
    block = max(_block(config, i, tokens[i], slots[i]) for i in stages)
    graph = max(2 * _block(config, i, tokens[i], slots[i]) for i in stages)
    gradients = sum(config.depths[i] * slots[i] * 2 * config.width_of(i) for i in stages)
    return Cost(
        tokens[0],
        _flops(config, tokens, slots),
        FLOAT_BYTES * (kept + (states if keeps else 0) + block) + WORKSPACE_BYTES,
        FLOAT_BYTES * (gradients + graph) + WORKSPACE_BYTES,
        keeps,
    )


def _tokens(config: SwinConfig, stage: int, input_size: tuple[int, int]) -> int:
    rows, cols = config.grid_of(stage, input_size)
    return rows * cols


def _slots(config: SwinConfig, stage: int, input_size: tuple[int, int]) -> int:
    """Tokens of a stage with what pads them to whole windows."""
    window = config.windows[stage]
    rows, cols = (-(-side // window) * window for side in config.grid_of(stage, input_size))
    return rows * cols


def _block(config: SwinConfig, stage: int, tokens: int, slots: int) -> int:
    """Numbers of one block at its fullest: in attention with its bias, or in the MLP."""
    width, pairs = config.width_of(stage), slots * config.windows[stage] ** 2
    attention = tokens * 2 * width + slots * 7 * width + pairs * (config.heads[stage] + 1)
    return max(attention, tokens * (3 * width + 2 * config.hidden_of(stage)))


def _flops(config: SwinConfig, tokens: list[int], slots: list[int]) -> int:
    total = tokens[0] * 3 * config.patch**2 * config.width
    for stage, depth in enumerate(config.depths):
        width = config.width_of(stage)
        window = config.windows[stage] ** 2
        attention = slots[stage] * width * (4 * width + 2 * window)
        mlp = tokens[stage] * width * config.hidden_of(stage) * 2
        merging = tokens[stage] * 2 * width * width if stage else 0
        total += depth * (attention + mlp) + merging
    return 2 * (total + config.width_of(config.stages - 1) * config.classes)
