"""Pooling by attention: a learned query collects from all tokens what the head reads.

Source: Zhai et al., "Scaling Vision Transformers", arXiv 2106.04560, section 3 (MAP); SigLIP and
SigLIP 2 have it. Names of the parameters as timm's ``AttentionPoolLatent``.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vitviz.models.mlp import MLP
from vitviz.models.vit.config import ViTConfig
from vitviz.shapes import Float


class AttentionPool(nn.Module):
    """One query, keys and values of every token, and an MLP on what it collects."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        width = config.width
        self.heads = config.map_heads or config.heads
        # Source: DeiT and timm start tokens at a truncated normal distribution of std 0.02.
        self.latent = nn.Parameter(nn.init.trunc_normal_(torch.empty(1, 1, width), std=0.02))
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * width)
        self.proj = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width, eps=config.norm_eps)
        self.mlp = MLP(width, config.mlp_width, config.activation)

    def forward(self, z: Float[Tensor, "batch tokens dim"]) -> Float[Tensor, "batch dim"]:
        q = self.q(self.latent).expand(len(z), -1, -1).unflatten(2, (self.heads, -1))
        kv = self.kv(z).unflatten(2, (2, self.heads, -1))  # batch tokens 2 heads head_dim
        k, v = kv.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q.transpose(1, 2), k, v)
        pooled: Tensor = self.proj(mixed.transpose(1, 2).flatten(2))  # batch 1 dim
        out: Tensor = (pooled + self.mlp(self.norm(pooled)))[:, 0]
        return out
