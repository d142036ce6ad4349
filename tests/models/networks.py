"""Small random networks, and a Vision Transformer written a second time, slowly."""

from __future__ import annotations

from dataclasses import replace
from math import erf, sqrt

import numpy as np
import torch
from torch import Tensor

from vitviz.models.checkpoints.said import Said
from vitviz.models.vit.config import Rope
from vitviz.models.vit.network import VisionTransformer, ViTConfig

SMALL = ViTConfig(
    patch=4, width=24, depth=2, heads=3, mlp_width=40, input_size=(12, 20), classes=7,
    prefix=("cls", "reg1", "reg2"), positioned_prefix=1,
)  # fmt: skip
"""Three rows, five columns, three prefix tokens."""

VARIANTS: dict[str, ViTConfig] = {
    "registers": SMALL,
    "distilled": replace(SMALL, prefix=("cls", "dist"), positioned_prefix=2),
    "registers with positions": replace(SMALL, positioned_prefix=3),
    "DeiT III": replace(SMALL, prefix=("cls",), positioned_prefix=0, layer_scale=True),
    "gated": replace(SMALL, gated_mlp=True, activation="silu", layer_scale=True),
    "mean of patches": replace(SMALL, pool="mean", norm_after_pool=True),
    "mean, no CLS": replace(SMALL, pool="mean", prefix=(), positioned_prefix=0),
    "CLS and mean": replace(SMALL, pool="cls+mean"),
    "all the prefix": replace(SMALL, prefix=("cls", "dist", "reg1"), positioned_prefix=2),
    "tanh": replace(SMALL, activation="gelu_tanh", norm_eps=1e-5),
    "quick": replace(SMALL, activation="quick_gelu"),
}


RELATIVES: dict[str, ViTConfig] = {
    "CLIP": replace(SMALL, norm_before=True, patch_bias=False, classes=0, projection=9,
                    activation="quick_gelu", position_resizing="cubic"),
    "SigLIP": replace(SMALL, prefix=(), positioned_prefix=0, pool="map", classes=0, map_heads=2,
                      activation="gelu_tanh"),
    "DINOv3": replace(SMALL, heads=2, embedded_positions=False, positioned_prefix=0, classes=0,
                      layer_scale=True, rope=Rope(100.0, "turn", pairs="halves")),
    "EVA-02": replace(SMALL, heads=2, rope=Rope(1000.0, reference=(4, 4), offset=1.0),
                      gated_mlp=True, activation="silu", attention_norm=True, mlp_norm=True),
    "mixed RoPE": replace(SMALL, heads=2, rope=Rope(axes="xy", learned=True), layer_scale=True),
    "BEiT": replace(SMALL, embedded_positions=False, positioned_prefix=0, layer_scale=True,
                    relative_positions="table", pool="mean", norm_after_pool=True),
    "relpos": replace(SMALL, prefix=("cls", "reg1"), embedded_positions=False, positioned_prefix=0,
                      relative_positions="mlp", relative_width=5, qkv_bias=False),
    "AIMv2": replace(SMALL, norm="rms", token_norm=True, gated_mlp=True, activation="silu",
                     qkv_bias=False, pool="mean", classes=0),
    "post-norm": replace(SMALL, order="norm last", qkv_bias=False, qk_norm=True),
    "parallel": replace(SMALL, order="parallel", layer_scale=True, final_norm=False, classes=0),
}  # fmt: skip
"""Others of the family, of which no plain ViT's names tell everything."""


def random_network(config: ViTConfig, seed: int = 0) -> VisionTransformer:
    """Every parameter random and of a size that matters, biases and scales included."""
    generator = torch.Generator().manual_seed(seed)
    network = VisionTransformer(config).eval().requires_grad_(False)
    for name, parameter in network.named_parameters():
        noise = 0.3 * torch.randn(parameter.shape, generator=generator)
        parameter.copy_(noise + (1 if ".weight" in name and parameter.ndim == 1 else 0))
    return network


def random_input(height: int, width: int, batch: int = 2, seed: int = 1) -> Tensor:
    return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(seed))


def said_of(config: ViTConfig) -> Said:
    """All of a network's configuration, as a card says it."""
    return Said("card", network=vars(config))


def square(config: ViTConfig) -> ViTConfig:
    """The same network on a grid that weights alone can tell: three rows, three columns."""
    return replace(config, input_size=(3 * config.patch, 3 * config.patch))


def naive_logits(
    config: ViTConfig, weights: dict[str, Tensor], image: Tensor, kept: list[int] | None = None
) -> np.ndarray:
    """The network once more: NumPy, float64, loops over patches and heads, one image; ``kept``:
    those tokens that are there, all where it is None.
    """
    w = {name: tensor.numpy().astype(np.float64) for name, tensor in weights.items()}
    z = _tokens(config, w, image.numpy().astype(np.float64))
    z = z if kept is None else z[kept]
    for i in range(config.depth):
        b = {name.removeprefix(f"blocks.{i}."): value for name, value in w.items()}
        z = z + b.get("ls1.gamma", 1.0) * _attention(config, b, _norm(config, b, "norm1", z))
        z = z + b.get("ls2.gamma", 1.0) * _mlp(config, b, _norm(config, b, "norm2", z))
    return _classify(config, w, z)


def _tokens(config: ViTConfig, w: dict[str, np.ndarray], image: np.ndarray) -> np.ndarray:
    tokens = []
    learned = {"cls": w.get("cls_token"), "dist": w.get("dist_token")}
    for i, name in enumerate(config.prefix):
        token = learned[name][0, 0] if name in learned else w["reg_token"][0, int(name[3:]) - 1]
        tokens.append(token + (w["pos_embed"][0, i] if i < config.positioned_prefix else 0))
    rows, cols = config.grid
    p = config.patch
    for row in range(rows):
        for col in range(cols):
            cut = image[:, row * p : (row + 1) * p, col * p : (col + 1) * p]
            kernel = w["patch_embed.proj.weight"]
            token = (kernel * cut).sum(axis=(1, 2, 3)) + w["patch_embed.proj.bias"]
            place = config.positioned_prefix + row * cols + col
            tokens.append(token + w["pos_embed"][0, place])
    return np.stack(tokens)


def _norm(config: ViTConfig, b: dict[str, np.ndarray], name: str, z: np.ndarray) -> np.ndarray:
    spread = np.sqrt(z.var(axis=-1, keepdims=True) + config.norm_eps)
    return (z - z.mean(axis=-1, keepdims=True)) / spread * b[f"{name}.weight"] + b[f"{name}.bias"]


def _attention(config: ViTConfig, b: dict[str, np.ndarray], z: np.ndarray) -> np.ndarray:
    q, k, v = np.split(z @ b["attn.qkv.weight"].T + b["attn.qkv.bias"], 3, axis=1)
    mixed = np.zeros_like(z)
    for head in range(config.heads):
        own = slice(head * config.head_dim, (head + 1) * config.head_dim)
        weights = np.exp(q[:, own] @ k[:, own].T / sqrt(config.head_dim))
        mixed[:, own] = weights / weights.sum(axis=1, keepdims=True) @ v[:, own]
    return mixed @ b["attn.proj.weight"].T + b["attn.proj.bias"]


def _activation(name: str, x: np.ndarray) -> np.ndarray:
    sigmoid = 1 / (1 + np.exp(-(1.702 if name == "quick_gelu" else 1) * x))
    if name in ("quick_gelu", "silu"):
        return x * sigmoid
    if name == "gelu_tanh":
        return x / 2 * (1 + np.tanh(sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    return x / 2 * (1 + np.vectorize(erf)(x / sqrt(2)))


def _mlp(config: ViTConfig, b: dict[str, np.ndarray], z: np.ndarray) -> np.ndarray:
    hidden = z @ b["mlp.fc1.weight"].T + b["mlp.fc1.bias"]
    if config.gated_mlp:
        gate, value = np.split(hidden, 2, axis=1)
        hidden = _activation(config.activation, gate) * value
    else:
        hidden = _activation(config.activation, hidden)
    return hidden @ b["mlp.fc2.weight"].T + b["mlp.fc2.bias"]


def _classify(config: ViTConfig, w: dict[str, np.ndarray], z: np.ndarray) -> np.ndarray:
    if not config.norm_after_pool:
        z = _norm(config, w, "norm", z)
    mean = z[len(config.prefix) :].mean(axis=0)
    pooled = {"cls": z[0], "mean": mean, "cls+mean": np.concatenate([z[0], mean])}[config.pool]
    if config.norm_after_pool:
        pooled = _norm(config, w, "fc_norm", pooled)
    logits = w["head.weight"] @ pooled + w["head.bias"]
    if "dist" not in config.prefix:
        return logits
    return (logits + w["head_dist.weight"] @ z[1] + w["head_dist.bias"]) / 2
