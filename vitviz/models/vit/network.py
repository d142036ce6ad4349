"""The Vision Transformer, written out from the paper.

Source: Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at
Scale", ICLR 2021, arXiv 2010.11929. Equation numbers below are the paper's.

What the family added is a field of ``ViTConfig`` and one line here, or a part with a file of its
own: a distillation token (DeiT, arXiv 2012.12877), registers (arXiv 2309.16588), LayerScale (arXiv
2103.17239), MLPs (``mlp``), rotary and relative positions (``rope``, ``relative_positions``),
pooling by attention (``pooling``), and LayerNorms in other places. Parameters carry the names that
timm and DeiT use.

Axes: batch; channels height width of the input; rows cols of the grid; patches = rows * cols;
tokens = prefix + patches, each dim numbers wide; heads, each head_dim wide.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TypedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vitviz.errors import VitvizError
from vitviz.models.anatomy import Filters, Places, Reader
from vitviz.models.branches import adds
from vitviz.models.config import Activation
from vitviz.models.cost import Cost
from vitviz.models.features import features
from vitviz.models.mlp import ACTIVATIONS, MLP, GatedMLP
from vitviz.models.network import Attend, Network, Step, softmax_attention
from vitviz.models.outline import Outline
from vitviz.models.vit import anatomy
from vitviz.models.vit.config import SIZES, Pool, ViTConfig, vit_config
from vitviz.models.vit.cost import cost
from vitviz.models.vit.outline import outline
from vitviz.models.vit.parameters import stem_channels
from vitviz.models.vit.pooling import AttentionPool
from vitviz.models.vit.relative_positions import (
    RelativeBias,
    RelativeMLP,
    RelativeTable,
    token_places,
)
from vitviz.models.vit.rope import RotaryPositions, Rotation
from vitviz.models.vit.stem import Stem
from vitviz.shapes import Float, Int

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


def _normalisation(config: ViTConfig) -> nn.Module:
    """Of a token: LayerNorm, or its relative without a mean and a bias (arXiv 1910.07467)."""
    kind = nn.RMSNorm if config.norm == "rms" else nn.LayerNorm
    return kind(config.width, eps=config.norm_eps)


class PatchEmbedding(nn.Module):
    """Cuts the input into patches and projects each to a token: E in equation 1.

    A convolution whose stride is its kernel: the same as unfolding and one linear layer.
    """

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        width, eps = config.width, config.norm_eps
        self.backbone = nn.Identity() if config.stem is None else Stem(config)
        patch = config.patch // config.stem_stride
        channels = stem_channels(config)
        self.proj = nn.Conv2d(channels, width, patch, stride=patch, bias=config.patch_bias)
        self.norm_pixels = nn.LayerNorm(3 * patch**2, eps=eps) if config.patch_norms else None
        normed = config.patch_norms or config.token_norm
        self.norm = _normalisation(config) if normed else nn.Identity()

    def forward(
        self, image: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch patches dim"]:
        if self.norm_pixels is None:
            features = self.backbone(image)
            patches: Tensor = self.proj(features).flatten(2).transpose(1, 2)
        else:  # as one linear layer, which it is
            weight = self.proj.weight
            pixels = F.unfold(image, weight.shape[2:], stride=weight.shape[2:]).transpose(1, 2)
            patches = F.linear(self.norm_pixels(pixels), weight.flatten(1), self.proj.bias)
        out: Tensor = self.norm(patches)
        return out


class Attention(nn.Module):
    """Multi-head self-attention: MSA in equation 2, appendix A.

    Where positions are rotary or relative, they come in here, with every call: the same block is
    used on grids of any shape.
    """

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        width, inner, head_dim = config.width, config.inner_width, config.head_dim
        eps = config.norm_eps
        self.heads = config.heads
        self.turns = config.rope is not None
        self.qkv = nn.Linear(width, 3 * inner, bias=config.qkv_bias)
        self.q_norm = nn.LayerNorm(head_dim, eps=eps) if config.qk_norm else nn.Identity()
        self.k_norm = nn.LayerNorm(head_dim, eps=eps) if config.qk_norm else nn.Identity()
        self.rel_pos = _relative(config)
        self.norm = nn.LayerNorm(inner, eps=eps) if config.attention_norm else nn.Identity()
        self.proj = nn.Linear(inner, width)

    def forward(
        self,
        x: Float[Tensor, "batch tokens dim"],
        attend: Attend,
        turn: Rotation | None = None,
        bias: RelativeBias | None = None,
    ) -> Float[Tensor, "batch tokens dim"]:
        if (turn is None) == self.turns or (bias is None) != (self.rel_pos is None):
            raise ValueError("this block has to know where its tokens lie: see Network.steps")
        qkv = self.qkv(x).unflatten(2, (3, self.heads, -1))  # batch tokens 3 heads head_dim
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        q, k = self.q_norm(q), self.k_norm(k)
        if turn is not None:
            q, k = turn(q), turn(k)
        mixed = attend(q, k, v) if bias is None else attend(q, k, v, bias)
        out: Tensor = self.proj(self.norm(mixed.transpose(1, 2).flatten(2)))
        return out


def _relative(config: ViTConfig) -> RelativeTable | RelativeMLP | None:
    if config.relative_positions == "table":
        return RelativeTable(config)
    return RelativeMLP(config) if config.relative_positions == "mlp" else None


class LayerScale(nn.Module):
    """A learned factor per channel on a residual branch (CaiT, arXiv 2103.17239)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((width,), 1e-5))

    def forward(self, x: Float[Tensor, "batch tokens dim"]) -> Float[Tensor, "batch tokens dim"]:
        return x * self.gamma


class Block(nn.Module):
    """An encoder block: equations 2 and 3.

    Its LayerNorms are before its branches, as in the paper, after them (residual post-norm, Swin
    v2's section 3.2), or a single one before both, which then run side by side (arXiv 2302.05442).
    """

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        mlp = GatedMLP if config.gated_mlp else MLP
        width, eps = config.width, config.norm_eps
        self.order = config.order
        self.norm1 = _normalisation(config)
        self.attn = Attention(config)
        self.ls1 = LayerScale(width) if config.layer_scale else nn.Identity()
        self.norm2 = nn.Identity() if self.order == "parallel" else _normalisation(config)
        inner = eps if config.mlp_norm else None
        self.mlp = mlp(width, config.mlp_width, config.activation, inner)
        self.ls2 = LayerScale(width) if config.layer_scale else nn.Identity()

    def forward(
        self,
        z: Float[Tensor, "batch tokens dim"],
        attend: Attend = softmax_attention,
        turn: Rotation | None = None,
        bias: RelativeBias | None = None,
    ) -> Float[Tensor, "batch tokens dim"]:
        out = z + adds("attention", self.attention_branch(z, attend, turn, bias))  # equation 2
        return out + adds("MLP", self.mlp_branch(z if self.order == "parallel" else out))  # 3

    def attention_branch(
        self,
        z: Float[Tensor, "batch tokens dim"],
        attend: Attend,
        turn: Rotation | None,
        bias: RelativeBias | None,
    ) -> Float[Tensor, "batch tokens dim"]:
        """What attention adds to a state."""
        if self.order == "norm last":
            mixed = self.norm1(self.attn(features(z), attend, turn, bias))
        else:
            mixed = self.attn(features(self.norm1(z)), attend, turn, bias)
        out: Tensor = self.ls1(mixed)
        return out

    def mlp_branch(self, z: Float[Tensor, "batch tokens dim"]) -> Float[Tensor, "batch tokens dim"]:
        """What the MLP adds to a state."""
        if self.order == "norm last":
            hidden = self.norm2(self.mlp(z))
        else:
            hidden = self.mlp(self.norm1(z) if self.order == "parallel" else self.norm2(z))
        out: Tensor = self.ls2(hidden)
        return out


class Place(TypedDict):
    """Where the tokens of a block lie: what its ``forward`` takes beside them."""

    turn: Rotation | None
    bias: RelativeBias | None


class VisionTransformer(Network):
    """The whole network: equations 1 to 4, and a linear head.

    ``forward`` embeds, goes through ``blocks`` and classifies, as any ``Network``.
    """

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.config = config
        self.placed = True
        self.patch_embed = PatchEmbedding(config)
        registers = sum(name.startswith("reg") for name in config.prefix)
        self.cls_token = self._token(1) if "cls" in config.prefix else None
        self.dist_token = self._token(1) if "dist" in config.prefix else None
        self.reg_token = self._token(registers) if registers else None
        rows, cols = config.grid
        positioned = config.positioned_prefix + rows * cols
        self.pos_embed = self._token(positioned) if config.embedded_positions else None
        self.rope = RotaryPositions(config, config.rope) if config.rope else None
        self.norm_pre = self._norm(config.norm_before)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.norm = self._norm(config.final_norm and not config.norm_after_pool)
        self.fc_norm = self._norm(config.final_norm and config.norm_after_pool)
        self.attn_pool = AttentionPool(config) if config.pool == "map" else None
        self.proj = self._projection()
        pre_logits = config.pre_logits
        self.pre_logits = nn.Linear(config.features, pre_logits) if pre_logits else None
        self.head = self._head()
        self.head_dist = self._head() if config.has_dist_head else None

    def _token(self, count: int) -> nn.Parameter:
        # Source: DeiT and timm start tokens and positions at a truncated normal distribution of
        # std 0.02. (On the meta device torch.randn would import sympy, for three quarters of a
        # second, and a program folder has none.)
        start = torch.empty(1, count, self.config.width)
        return nn.Parameter(nn.init.trunc_normal_(start, std=0.02))

    def _norm(self, there: bool) -> nn.Module:
        return _normalisation(self.config) if there else nn.Identity()

    def _projection(self) -> nn.Module:
        config = self.config
        if not config.projection:
            return nn.Identity()
        return nn.Linear(config.features, config.projection, bias=False)

    def _head(self) -> nn.Module:
        config = self.config
        read = config.pre_logits or config.features
        return nn.Linear(read, config.classes) if config.classes else nn.Identity()

    def outline(self, input_size: tuple[int, int]) -> Outline:
        return outline(self.config, input_size)

    def cost(self, input_size: tuple[int, int]) -> Cost:
        return cost(self.config, input_size)

    def positions(self, grid: tuple[int, int]) -> Float[Tensor, "1 positioned dim"]:
        """The position embedding for a grid of any shape.

        Off the trained grid the patches' part is resized as an image, in timm's way (bicubic with
        antialiasing: ``resample_abs_pos_embed``) or in that of the checkpoint's library (the
        paper's section 3.2 only says "2D interpolation"). The prefix tokens' part never changes.
        """
        assert self.pos_embed is not None
        if grid == self.config.grid:
            return self.pos_embed
        prefix = self.pos_embed[:, : self.config.positioned_prefix]
        patches = self.pos_embed[:, self.config.positioned_prefix :]
        rows, cols = self.config.grid
        image = patches.reshape(1, rows, cols, -1).permute(0, 3, 1, 2)  # 1 dim rows cols
        kind = self.config.position_resizing
        mode, antialias = f"bi{kind.split()[0]}", kind.endswith("antialiased")
        # On the CPU: Metal has no antialiased bicubic, and it is one small image.
        image = F.interpolate(image.cpu(), size=grid, mode=mode, antialias=antialias)
        return torch.cat([prefix, image.flatten(2).transpose(1, 2).to(prefix.device)], dim=1)

    def embed(
        self, image: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch tokens dim"]:
        """Equation 1: prefix tokens and projected patches, with their positions.

        Raises:
            ValueError: Height or width is not a multiple of the patch; the convolution would
                leave the rest out without a word.
        """
        grid = self.grid((image.shape[2], image.shape[3]))
        patches: Tensor = self.patch_embed(image)
        prefix = self.prefix()
        if self.pos_embed is not None and self.placed:
            positions, positioned = self.positions(grid), self.config.positioned_prefix
            patches = patches + positions[:, positioned:]
            # Registers, and CLS in DeiT III, have no position of their own.
            without = prefix.shape[1] - positioned
            prefix = prefix + F.pad(positions[:, :positioned], (0, 0, 0, without))
        z: Tensor = self.norm_pre(torch.cat([prefix.expand(len(image), -1, -1), patches], dim=1))
        return z

    def filters(self, input_size: tuple[int, int]) -> Filters | None:  # noqa: ARG002
        return anatomy.filters(self.patch_embed.proj, self.config)

    def placing(self, input_size: tuple[int, int]) -> Places:
        there = self.pos_embed is not None
        return anatomy.places(
            self.positions(self.grid(input_size))[0] if there else None, self.config
        )  # fmt: skip

    def unplaced(self) -> VisionTransformer:
        other = copy.copy(self)  # of the same parameters
        other.placed = False
        return other

    def grid(self, input_size: tuple[int, int]) -> tuple[int, int]:
        """Rows and columns of the patches of an input of this height and width."""
        patch, (height, width) = self.config.patch, input_size
        if height % patch or width % patch:
            raise ValueError(f"input {height} x {width} is not a multiple of patch {patch}")
        return height // patch, width // patch

    def prefix(self) -> Float[Tensor, "1 prefix dim"]:
        """The learned tokens before the patches, without positions."""
        learned = (self.cls_token, self.dist_token, self.reg_token)
        none = self.patch_embed.proj.weight.new_empty(1, 0, self.config.width)
        return torch.cat([none, *(token for token in learned if token is not None)], dim=1)

    def steps(
        self, input_size: tuple[int, int], kept: Int[Tensor, " tokens"] | None = None
    ) -> Sequence[Step]:
        """Equations 2 and 3: the blocks, each told where its tokens lie.

        Args:
            input_size: Height and width of the input.
            kept: Indices of the tokens that are still there; -1: one that was added, and is
                nowhere, where positions are not relative. None: all.
        """
        places = self.places(input_size, kept)
        steps: list[Step] = [
            partial(block, **at) for block, at in zip(self.blocks, places, strict=True)
        ]
        first = self.config.depth - self.config.cls_layers + 1
        return (*steps[:first], *map(self._keeping, steps[first:]))

    def _keeping(self, step: Step) -> Step:
        """A layer whose state keeps those of the layers before, for a head that reads of them: each
        token's numbers, behind them what they were a layer before, and so on.
        """

        def keeping(z: Tensor, attend: Attend) -> Tensor:
            return torch.cat([step(self.as_tokens(z), attend), z], dim=-1)

        return keeping

    def as_tokens(self, z: Tensor) -> Float[Tensor, "batch tokens dim"]:
        return z[..., : self.config.width]

    def places(
        self, input_size: tuple[int, int], kept: Int[Tensor, " tokens"] | None = None
    ) -> list[Place]:
        """Where the tokens of each block lie; arguments as for ``steps``."""
        grid, depth = self.grid(input_size), self.config.depth
        turns: Sequence[Rotation | None] = [None]
        if self.rope is not None:
            turns = self.rope.rotations(grid, kept) if self.placed else [self.rope.still]
        if len(turns) < depth:  # all alike
            turns = list(turns) * depth
        biases: Sequence[RelativeBias | None] = [None] * depth
        if self.config.relative_positions:
            biases = list(self._biases(grid, kept))
        return [Place(turn=t, bias=b) for t, b in zip(turns, biases, strict=True)]

    def _biases(
        self, grid: tuple[int, int], kept: Int[Tensor, " tokens"] | None
    ) -> Iterator[RelativeBias]:
        device = self.patch_embed.proj.weight.device
        where = token_places(grid, len(self.config.prefix), kept, device)
        for block in self.blocks:
            assert isinstance(block, Block)
            assert block.attn.rel_pos is not None
            numbers = block.attn.rel_pos.numbers(grid)
            yield RelativeBias(numbers if self.placed else 0 * numbers, *where, grid)

    def classify(self, z: Float[Tensor, "batch tokens kept"]) -> Float[Tensor, "batch classes"]:
        """Equation 4 and the head; the pooled features where there is no head. In a distilled DeiT
        the mean of both heads.
        """
        return self.readouts(z).mean(dim=0)

    def features(self, z: Float[Tensor, "batch tokens kept"]) -> Float[Tensor, "batch numbers"]:
        return self._pooled(self._normed(z))

    def normed(self, z: Float[Tensor, "batch tokens kept"]) -> Float[Tensor, "batch tokens dim"]:
        out: Tensor = self.norm(self.as_tokens(z))
        return out

    def _normed(self, z: Float[Tensor, "batch tokens kept"]) -> Float[Tensor, "batch tokens kept"]:
        """The last state normalised, and those that it keeps, each by itself.

        Raises:
            VitvizError: It is the state of another layer, which keeps none.
        """
        kept = z.reshape(*z.shape[:2], -1, self.config.width)
        if kept.shape[2] != self.config.cls_layers:
            raise VitvizError(
                f"The model's classes are read from its last {self.config.cls_layers} layers "
                "together: no layer by itself has an answer.",
                "Load it without this head.",
            )
        out: Tensor = self.norm(kept)
        return out.flatten(2)

    def projection(self, layer: int) -> Float[Tensor, "width width"]:
        block = self.blocks[layer]
        assert isinstance(block, Block)
        weight = block.attn.proj.weight
        return weight * block.ls1.gamma[:, None] if isinstance(block.ls1, LayerScale) else weight

    def _pooled(self, z: Float[Tensor, "batch tokens kept"]) -> Float[Tensor, "batch numbers"]:
        """What the head reads of the last tokens, normalised."""
        # Heads over several layers read the earlier ones first.
        cls = z[:, 0].reshape(len(z), -1, self.config.width).flip(1).flatten(1)
        z = self.as_tokens(z)
        patches = z[:, len(self.config.prefix) :]
        if self.attn_pool is not None:
            pooled = self.attn_pool(z)
        elif self.config.pool == "cls":
            pooled = cls
        elif self.config.pool == "mean":
            pooled = patches.mean(dim=1)
        else:
            pooled = torch.cat([cls, patches.mean(dim=1)], dim=-1)
        pooled = self.fc_norm(pooled)
        if self.pre_logits is not None:  # the paper's head for pre-training
            pooled = torch.tanh(self.pre_logits(pooled))
        features: Tensor = self.proj(pooled)
        return features

    def readers(self, z: Float[Tensor, "batch tokens kept"]) -> tuple[Reader, ...]:
        head, second, z = self.head, self.head_dist, self._normed(z)
        if not isinstance(head, nn.Linear):
            return ()
        name = anatomy.READ[self.config.pool]
        found = (Reader(name, self._pooled(z)[0], head.weight, head.bias),)
        if not isinstance(second, nn.Linear):
            return found
        dist = z[0, self.config.prefix.index("dist")]
        return (*found, Reader("dist", dist, second.weight, second.bias))

    def readouts(
        self, z: Float[Tensor, "batch tokens kept"]
    ) -> Float[Tensor, "readouts batch classes"]:
        """The head's logits, and in a distilled DeiT those of the distillation token's own head."""
        z = self._normed(z)
        logits: Tensor = self.head(self._pooled(z))
        if self.head_dist is None:
            return logits[None]
        return torch.stack([logits, self.head_dist(z[:, self.config.prefix.index("dist")])])
