"""How many numbers a Vision Transformer has learned, known before they are read."""

from __future__ import annotations

from vitviz.models.vit.config import ViTConfig

STEM_WIDTH = 64
"""Channels of a stem's first convolution; its stages put out 4, 8, 16 and 32 times as many."""


def parameters(config: ViTConfig) -> int:
    """Of the whole network."""
    width, (rows, cols) = config.width, config.grid
    tokens = len(config.prefix)
    if config.embedded_positions:
        tokens += config.positioned_prefix + rows * cols
    norms = _norm(config) * (config.final_norm + config.norm_before + config.token_norm)
    frequencies = config.depth * width if config.rope and config.rope.learned else 0
    return (
        _embedding(config) + tokens * width + config.depth * _block(config) + norms + frequencies
        + _head(config)
    )  # fmt: skip


def stem_channels(config: ViTConfig) -> int:
    """Channels of what patches are made of: colours, or a stem's features."""
    if config.stem is None:
        return 3
    return STEM_WIDTH * 2 ** (len(config.stem) + 1) if config.stem else STEM_WIDTH


def _embedding(config: ViTConfig) -> int:
    width, side = config.width, config.patch // config.stem_stride
    numbers = stem_channels(config) * side**2
    embedding = (numbers + config.patch_bias) * width
    return embedding + config.patch_norms * 2 * (numbers + width) + _stem(config)


def _stem(config: ViTConfig) -> int:
    """Convolutions without bias, each with a norm of two numbers a channel."""
    if config.stem is None:
        return 0
    first = STEM_WIDTH * (3 * 7 * 7 + 2)
    before, total = STEM_WIDTH, first
    for stage, blocks in enumerate(config.stem):
        out = STEM_WIDTH * 2 ** (stage + 2)
        inner = out // 4
        for block in range(blocks):
            total += inner * before + 9 * inner * inner + out * inner + 2 * (2 * inner + out)
            total += 0 if block else out * before + 2 * out  # the way around the first block
            before = out
    return total


def _block(config: ViTConfig) -> int:
    width, hidden, inner = config.width, config.mlp_width, config.inner_width
    attention = (width + config.qkv_bias) * 3 * inner + (inner + 1) * width
    attention += 2 * 2 * config.head_dim * config.qk_norm + 2 * width * config.attention_norm
    mlp = (width + 1) * hidden * (2 if config.gated_mlp else 1) + (hidden + 1) * width
    mlp += 2 * hidden * config.mlp_norm
    norms = _norm(config) * (1 if config.order == "parallel" else 2)
    scales = 2 * width if config.layer_scale else 0
    return attention + mlp + norms + scales + _relative(config)


def _norm(config: ViTConfig) -> int:
    return config.width * (1 if config.norm == "rms" else 2)


def _relative(config: ViTConfig) -> int:
    if config.relative_positions == "mlp":
        return (2 + 1) * config.relative_width + (config.relative_width + 1) * config.heads
    if config.relative_positions == "table":
        return config.relative_entries * config.heads
    return 0


def _head(config: ViTConfig) -> int:
    width, heads = config.width, 2 if config.has_dist_head else 1
    read = config.pre_logits or config.features
    head = heads * config.classes * (read + 1) + config.projection * config.features
    head += config.pre_logits * (config.features + 1)
    if config.pool != "map":
        return head
    query = width + (width + 1) * 4 * width + 2 * width
    return head + query + (width + 1) * config.mlp_width + (config.mlp_width + 1) * width
