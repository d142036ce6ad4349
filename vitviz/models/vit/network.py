"""The Vision Transformer, written out from the paper.

Source: Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at
Scale", ICLR 2021, arXiv 2010.11929. Equation numbers below are the paper's.

What the family added is a field of ``ViTConfig`` and one line here: a distillation token (DeiT,
arXiv 2012.12877), registers (arXiv 2309.16588), LayerScale (arXiv 2103.17239), SwiGLU (arXiv
2002.05202), pooling without CLS, other activations and epsilons. Parameters carry the names that
timm and DeiT use.

Axes: batch; channels height width of the input; rows cols of the grid; patches = rows * cols;
tokens = prefix + patches, each dim numbers wide; heads, each head_dim wide.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vitviz.models.cost import Cost
from vitviz.models.network import Attend, Network, softmax_attention
from vitviz.models.outline import Outline
from vitviz.models.vit.config import SIZES, Activation, Pool, ViTConfig, vit_config
from vitviz.models.vit.cost import cost
from vitviz.models.vit.outline import outline
from vitviz.shapes import Float

__all__ = [
    "ACTIVATIONS",
    "MLP",
    "SIZES",
    "Activation",
    "Attend",
    "Attention",
    "Block",
    "GatedMLP",
    "LayerScale",
    "PatchEmbedding",
    "Pool",
    "ViTConfig",
    "VisionTransformer",
    "vit_config",
]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x),
    "silu": F.silu,
}


class PatchEmbedding(nn.Module):
    """Cuts the input into patches and projects each to a token: E in equation 1.

    A convolution whose stride is its kernel: the same as unfolding and one linear layer.
    """

    def __init__(self, patch: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, kernel_size=patch, stride=patch)

    def forward(
        self, image: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch patches dim"]:
        patches: Tensor = self.proj(image)  # batch dim rows cols
        return patches.flatten(2).transpose(1, 2)


class Attention(nn.Module):
    """Multi-head self-attention: MSA in equation 2, appendix A."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], attend: Attend
    ) -> Float[Tensor, "batch tokens dim"]:
        qkv = self.qkv(x).unflatten(2, (3, self.heads, -1))  # batch tokens 3 heads head_dim
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        mixed = attend(q, k, v)  # batch heads tokens head_dim
        out: Tensor = self.proj(mixed.transpose(1, 2).flatten(2))
        return out


class MLP(nn.Module):
    """Two linear layers with an activation between them: MLP in equation 3."""

    def __init__(self, width: int, hidden: int, activation: Activation) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)
        self.activation = ACTIVATIONS[activation]

    def forward(self, x: Float[Tensor, "batch tokens dim"]) -> Float[Tensor, "batch tokens dim"]:
        out: Tensor = self.fc2(self.activation(self.fc1(x)))
        return out


class GatedMLP(nn.Module):
    """SwiGLU: one half of the hidden layer gates the other (DINOv2's giant, arXiv 2002.05202)."""

    def __init__(self, width: int, hidden: int, activation: Activation) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 2 * hidden)
        self.fc2 = nn.Linear(hidden, width)
        self.activation = ACTIVATIONS[activation]

    def forward(self, x: Float[Tensor, "batch tokens dim"]) -> Float[Tensor, "batch tokens dim"]:
        gate, value = self.fc1(x).chunk(2, dim=-1)
        out: Tensor = self.fc2(self.activation(gate) * value)
        return out


class LayerScale(nn.Module):
    """A learned factor per channel on a residual branch (CaiT, arXiv 2103.17239)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((width,), 1e-5))

    def forward(self, x: Float[Tensor, "batch tokens dim"]) -> Float[Tensor, "batch tokens dim"]:
        return x * self.gamma


class Block(nn.Module):
    """A pre-norm encoder block: equations 2 and 3."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        mlp = GatedMLP if config.gated_mlp else MLP
        self.norm1 = nn.LayerNorm(config.width, eps=config.norm_eps)
        self.attn = Attention(config.width, config.heads)
        self.ls1 = LayerScale(config.width) if config.layer_scale else nn.Identity()
        self.norm2 = nn.LayerNorm(config.width, eps=config.norm_eps)
        self.mlp = mlp(config.width, config.mlp_width, config.activation)
        self.ls2 = LayerScale(config.width) if config.layer_scale else nn.Identity()

    def forward(
        self,
        z: Float[Tensor, "batch tokens dim"],
        attend: Attend = softmax_attention,
    ) -> Float[Tensor, "batch tokens dim"]:
        z = z + self.ls1(self.attn(self.norm1(z), attend))  # equation 2
        out: Tensor = z + self.ls2(self.mlp(self.norm2(z)))  # equation 3
        return out


class VisionTransformer(Network):
    """The whole network: equations 1 to 4, and a linear head.

    ``forward`` embeds, goes through ``blocks`` and classifies, as any ``Network``.
    """

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        width = config.width
        self.config = config
        self.patch_embed = PatchEmbedding(config.patch, width)
        registers = sum(name.startswith("reg") for name in config.prefix)
        self.cls_token = self._token(1) if "cls" in config.prefix else None
        self.dist_token = self._token(1) if "dist" in config.prefix else None
        self.reg_token = self._token(registers) if registers else None
        rows, cols = config.grid
        self.pos_embed = self._token(config.positioned_prefix + rows * cols)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        last_norm = nn.LayerNorm(width, eps=config.norm_eps)
        self.norm = nn.Identity() if config.norm_after_pool else last_norm
        self.fc_norm = last_norm if config.norm_after_pool else nn.Identity()
        self.head = self._head()
        self.head_dist = self._head() if self.dist_token is not None else None

    def _token(self, count: int) -> nn.Parameter:
        # Source: DeiT and timm start tokens and positions at a truncated normal distribution of
        # std 0.02. (On the meta device torch.randn would import sympy, for three quarters of a
        # second, and a program folder has none.)
        start = torch.empty(1, count, self.config.width)
        return nn.Parameter(nn.init.trunc_normal_(start, std=0.02))

    def _head(self) -> nn.Module:
        config = self.config
        return nn.Linear(config.features, config.classes) if config.classes else nn.Identity()

    def outline(self, input_size: tuple[int, int]) -> Outline:
        return outline(self.config, input_size)

    def cost(self, input_size: tuple[int, int]) -> Cost:
        return cost(self.config, input_size)

    def positions(self, grid: tuple[int, int]) -> Float[Tensor, "1 positioned dim"]:
        """The position embedding for a grid of any shape.

        Off the trained grid the patches' part is resized as an image, bicubic with antialiasing
        (Source: timm ``resample_abs_pos_embed``; the paper's section 3.2 only says "2D
        interpolation"). The prefix tokens' part never changes.
        """
        if grid == self.config.grid:
            return self.pos_embed
        prefix = self.pos_embed[:, : self.config.positioned_prefix]
        patches = self.pos_embed[:, self.config.positioned_prefix :]
        rows, cols = self.config.grid
        image = patches.reshape(1, rows, cols, -1).permute(0, 3, 1, 2)  # 1 dim rows cols
        # On the CPU: Metal has no antialiased bicubic, and it is one small image.
        image = F.interpolate(image.cpu(), size=grid, mode="bicubic", antialias=True)
        return torch.cat([prefix, image.flatten(2).transpose(1, 2).to(prefix.device)], dim=1)

    def embed(
        self, image: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch tokens dim"]:
        """Equation 1: prefix tokens and projected patches, with their positions.

        Raises:
            ValueError: Height or width is not a multiple of the patch; the convolution would
                leave the rest out without a word.
        """
        patch, (height, width) = self.config.patch, image.shape[2:]
        if height % patch or width % patch:
            raise ValueError(f"input {height} x {width} is not a multiple of patch {patch}")
        grid = height // patch, width // patch
        positions, positioned = self.positions(grid), self.config.positioned_prefix
        patches: Tensor = self.patch_embed(image) + positions[:, positioned:]
        learned = (self.cls_token, self.dist_token, self.reg_token)
        tokens: list[Tensor] = [token for token in learned if token is not None]
        if not tokens:
            return patches
        prefix = torch.cat(tokens, dim=1)
        # Registers, and CLS in DeiT III, have no position of their own.
        prefix = prefix + F.pad(positions[:, :positioned], (0, 0, 0, prefix.shape[1] - positioned))
        return torch.cat([prefix.expand(len(image), -1, -1), patches], dim=1)

    def classify(self, z: Float[Tensor, "batch tokens dim"]) -> Float[Tensor, "batch classes"]:
        """Equation 4 and the head; the pooled features where there is no head."""
        z = self.norm(z)
        cls, patches = z[:, 0], z[:, len(self.config.prefix) :]
        if self.config.pool == "cls":
            pooled = cls
        elif self.config.pool == "mean":
            pooled = patches.mean(dim=1)
        else:
            pooled = torch.cat([cls, patches.mean(dim=1)], dim=-1)
        logits: Tensor = self.head(self.fc_norm(pooled))
        if self.head_dist is not None:  # DeiT: the mean of both heads
            logits = (logits + self.head_dist(z[:, self.config.prefix.index("dist")])) / 2
        return logits
