"""Class-specific methods the plain way: whole attention matrices, and autograd through all of it.

Independent of the package's own gradients and flows: float64, no row blocks, no checkpoints.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vitviz.models.network import Bias
from vitviz.models.vit.network import VisionTransformer


@dataclass(frozen=True)
class Plain:
    """Attention, and the gradient of one logit with respect to it: layers heads tokens tokens."""

    attention: np.ndarray
    gradients: np.ndarray


def plain(
    network: VisionTransformer, image: Tensor, target: int, contrast: int | None = None
) -> Plain:
    """One forward with every attention matrix in the graph, one backward to all of them."""
    seen: list[Tensor] = []

    def attend(q: Tensor, k: Tensor, v: Tensor, bias: Bias | None = None) -> Tensor:
        logits = q @ k.mT * q.shape[-1] ** -0.5
        weights = (logits + (0 if bias is None else bias(slice(0, q.shape[2])))).softmax(-1)
        weights.requires_grad_()
        seen.append(weights)
        return weights @ v

    with torch.enable_grad():
        z = network.embed(image)
        for step in network.steps((image.shape[2], image.shape[3])):
            z = step(z, attend)
        logits = network.classify(z)[0]
        y = logits[target] - (0 if contrast is None else logits[contrast])
        found = torch.autograd.grad(y, seen)
    stacked = [torch.stack(tensors)[:, 0].detach().numpy() for tensors in (seen, list(found))]
    return Plain(*stacked)


def fused(matrices: np.ndarray, head: str | int) -> np.ndarray:
    """Layers heads tokens tokens to layers tokens tokens."""
    if isinstance(head, int):
        return matrices[:, head]
    return np.asarray(getattr(matrices, head)(axis=1))


def relevance(seen: Plain, head: str | int = "mean", start: int = 0) -> np.ndarray:
    """R after each layer, as equations 5 and 6 are written: ends tokens tokens."""
    cams = fused(np.maximum(seen.attention * seen.gradients, 0), head)
    relevance, ends = np.eye(cams.shape[-1]), []
    for cam in cams[start:]:
        relevance = relevance + cam @ relevance
        ends.append(relevance)
    return np.array(ends)


def gradient_rollout(
    seen: Plain, head: str | int = "mean", discard: float = 0.0, residual: float = 0.5,
    start: int = 0,
) -> np.ndarray:  # fmt: skip
    """R after each layer: ends tokens tokens."""
    weighted = np.maximum(fused(seen.attention * seen.gradients, head), 0)
    identity = np.eye(weighted.shape[-1])
    product, ends = identity, []
    for layer in weighted[start:].copy():
        count = math.floor(discard * layer.size)
        layer.reshape(-1)[np.argsort(layer, axis=None, kind="stable")[:count]] = 0
        mixed = (1 - residual) * layer + residual * identity
        empty = mixed.sum(axis=1) == 0
        mixed[empty] = identity[empty]
        product = mixed / mixed.sum(axis=1, keepdims=True) @ product
        ends.append(product)
    return np.array(ends)


def attention_grad_cam(seen: Plain, query: int, prefix: int) -> np.ndarray:
    """Layers tokens."""
    rows = []
    for attention, gradients in zip(seen.attention, seen.gradients, strict=True):
        weights = [gradients[h, query, prefix:].mean() for h in range(len(attention))]
        cam = sum(w * attention[h, query] for h, w in enumerate(weights)) / len(weights)
        rows.append(np.maximum(cam, 0))
    return np.array(rows)
