"""A Vision Transformer written out with what LibraGrad holds held by hand, in one graph, float64.

Independent of ``vitviz.tracing.repair``: whole attention matrices, every formula written out, no
function is intercepted.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from vitviz.models.vit.network import VisionTransformer

GATES: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": lambda x: (1 + torch.erf(x / math.sqrt(2))) / 2,
    "gelu_tanh": lambda x: (1 + torch.tanh(0.7978845608028654 * (x + 0.044715 * x**3))) / 2,
    "quick_gelu": lambda x: 1 / (1 + torch.exp(-1.702 * x)),
    "silu": lambda x: 1 / (1 + torch.exp(-x)),
}


def held_relevance(
    network: VisionTransformer, image: Tensor, target: int, contrast: int | None = None
) -> list[Tensor]:
    """<z_l[i], dy/dz_l[i]> of what each block is given, and of what the last one puts out."""
    states = [network.embed(image).detach().requires_grad_()]
    with torch.enable_grad():
        for block in network.blocks:
            states.append(_block(network, block, states[-1]))
        logits = _head(network, states[-1])
        y = logits[target] - (0 if contrast is None else logits[contrast])
        gradients = torch.autograd.grad(y, states)
    pairs = zip(states, gradients, strict=True)
    return [(z * gradient)[0].sum(-1).detach() for z, gradient in pairs]


def _block(network: VisionTransformer, block, z: Tensor) -> Tensor:
    heads, gated = network.config.heads, network.config.gated_mlp
    first, second = (getattr(getattr(block, ls), "gamma", 1.0) for ls in ("ls1", "ls2"))
    q, k, v = (
        part.unflatten(-1, (heads, -1)).transpose(1, 2)
        for part in block.attn.qkv(_norm(block.norm1, z)).chunk(3, -1)
    )
    attention = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1).detach()
    z = z + first * block.attn.proj((attention @ v).transpose(1, 2).flatten(2))
    hidden = block.mlp.fc1(_norm(block.norm2, z))
    gate = GATES[network.config.activation]
    if gated:
        left, right = hidden.chunk(2, -1)
        left = left * gate(left).detach()
        hidden = (left.detach() * right + left * right.detach()) / 2
    else:
        hidden = hidden * gate(hidden).detach()
    return z + second * block.mlp.fc2(hidden)


def _norm(norm, z: Tensor) -> Tensor:
    if isinstance(norm, torch.nn.Identity):
        return z
    centred = z - z.mean(-1, keepdim=True)
    deviation = (centred.square().mean(-1, keepdim=True) + norm.eps).sqrt().detach()
    return centred / deviation * norm.weight + norm.bias


def _head(network: VisionTransformer, z: Tensor) -> Tensor:
    config, z = network.config, _norm(network.norm, z)
    cls, mean = z[:, 0], z[:, len(config.prefix) :].mean(1)
    pooled = {"cls": cls, "mean": mean, "cls+mean": torch.cat([cls, mean], -1)}[config.pool]
    logits = network.head(_norm(network.fc_norm, pooled))
    if network.head_dist is not None:
        logits = (logits + network.head_dist(z[:, config.prefix.index("dist")])) / 2
    return logits[0]
