"""The text tower, written out from the papers.

Sources: Radford et al., "Learning Transferable Visual Models From Natural Language Supervision",
ICML 2021, arXiv 2103.00020, section 2.4 (a transformer with masked self-attention, read at [EOS],
layer normalised and projected); Zhai et al., "Sigmoid Loss for Language Image Pre-Training", ICCV
2023, arXiv 2303.15343 (all tokens see all, read at the last place); its code for both,
google-research/big_vision ``models/proj/image_text/text_transformer.py``. Parameters are called as
those of ``vit/network.py``.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vitviz.models.mlp import MLP
from vitviz.models.text.config import TextConfig
from vitviz.shapes import Float, Int


class TextAttention(nn.Module):
    """Multi-head self-attention; masked, so that each token sees those before it and itself."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.heads, self.causal = config.heads, config.causal
        self.qkv = nn.Linear(config.width, 3 * config.width)
        self.proj = nn.Linear(config.width, config.width)

    def forward(self, x: Float[Tensor, "texts tokens dim"]) -> Float[Tensor, "texts tokens dim"]:
        q, k, v = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        out: Tensor = self.proj(mixed.transpose(1, 2).flatten(2))
        return out


class TextBlock(nn.Module):
    """Attention and an MLP, each on what is normalised, each added."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.width, eps=config.norm_eps)
        self.attn = TextAttention(config)
        self.norm2 = nn.LayerNorm(config.width, eps=config.norm_eps)
        self.mlp = MLP(config.width, config.mlp_width, config.activation)

    def forward(self, z: Float[Tensor, "texts tokens dim"]) -> Float[Tensor, "texts tokens dim"]:
        z = z + self.attn(self.norm1(z))
        out: Tensor = z + self.mlp(self.norm2(z))
        return out


class TextTransformer(nn.Module):
    """Tokens to one vector a text, not yet of length 1."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        width = config.width
        self.tokens = nn.Embedding(config.vocabulary, width)
        self.pos_embed = nn.Parameter(torch.empty(config.context, width))
        self.blocks = nn.ModuleList(TextBlock(config) for _ in range(config.depth))
        self.norm = nn.LayerNorm(width, eps=config.norm_eps)
        self.proj = nn.Linear(width, config.projection, bias=config.projection_bias)

    def forward(
        self, ids: Int[Tensor, "texts tokens"], read: Int[Tensor, " texts"]
    ) -> Float[Tensor, "texts numbers"]:
        """The vectors of texts.

        Args:
            ids: Of their tokens, from the first place on.
            read: Where each is read: the place of its end mark (CLIP), or the last (SigLIP).
        """
        # A table of 256,000 tokens may stay in half precision: only a few rows of it are used.
        z = self.tokens(ids).to(self.pos_embed.dtype) + self.pos_embed[: ids.shape[1]]
        for block in self.blocks:
            z = block(z)
        last = z[torch.arange(len(z), device=z.device), read]
        out: Tensor = self.proj(self.norm(last))
        return out
