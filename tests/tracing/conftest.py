"""A small random network, and what its attention is, the plain way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from vitviz.imaging.geometry import Geometry
from vitviz.models.vit.config import ViTConfig
from vitviz.models.vit.network import VisionTransformer

CONFIG = ViTConfig(
    patch=4, width=24, depth=3, heads=3, mlp_width=40, input_size=(12, 20), classes=7,
    prefix=("cls", "dist", "reg1"), positioned_prefix=2,
)  # fmt: skip


@dataclass(frozen=True)
class Example:
    """A network, a photo for it, and its attention as one dense float64 array."""

    network: VisionTransformer
    image: np.ndarray
    geometry: Geometry
    dense: np.ndarray  # layers heads tokens tokens


@pytest.fixture(scope="package")
def example() -> Example:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = VisionTransformer(CONFIG).eval()
        with torch.no_grad():
            for block in network.blocks:
                block.attn.qkv.weight.mul_(5)  # so that attention is far from uniform
    image = np.random.default_rng(5).normal(size=(3, 12, 28)).astype(np.float32)
    image.flags.writeable = False
    geometry = Geometry((24, 56), (12, 28), (0, 0), (12, 28), 4)  # grid 3 x 7: not the trained one
    return Example(network, image, geometry, dense_attention(network, image))


def dense_attention(network: VisionTransformer, image: np.ndarray) -> np.ndarray:
    """Softmax of q k^T / sqrt(head_dim) from what the qkv layers put out."""
    outputs: list[np.ndarray] = []

    def keep(module: torch.nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        outputs.append(output.double().numpy()[0])

    hooks = [block.attn.qkv.register_forward_hook(keep) for block in network.blocks]
    with torch.no_grad():
        network(torch.tensor(image[None]))
    for hook in hooks:
        hook.remove()
    config, layers = network.config, []
    for output in outputs:
        q, k = (output[:, i * config.width : (i + 1) * config.width] for i in (0, 1))
        heads = []
        for h in range(config.heads):
            own = slice(h * config.head_dim, (h + 1) * config.head_dim)
            logits = q[:, own] @ k[:, own].T / np.sqrt(config.head_dim)
            weights = np.exp(logits - logits.max(axis=1, keepdims=True))
            heads.append(weights / weights.sum(axis=1, keepdims=True))
        layers.append(heads)
    return np.array(layers)
