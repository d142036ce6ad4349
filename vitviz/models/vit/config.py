"""The shape of a Vision Transformer, known before its weights are.

Kept apart from the network (``vitviz.models.vit.network``) so that model cards can be listed
without loading torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from vitviz.models.config import Activation
from vitviz.models.text.config import TextConfig
from vitviz.reading import Within

Pool = Literal["cls", "mean", "cls+mean", "map"]
Order = Literal["norm first", "norm last", "parallel"]
RelativePositions = Literal["", "table", "mlp"]
Norm = Literal["layer", "rms"]
Resizing = Literal["cubic antialiased", "cubic", "linear antialiased", "linear"]

Patches = Annotated[int, Within(1, 1 << 14)]


@dataclass(frozen=True)
class Rope:
    """Rotary positions: pairs of numbers of q and k are turned by angles that tell where they are.

    A pair turns by ``position / base ** (i / n)``, for ``i`` from 0 to ``n - 1``: ``n`` frequencies
    for each axis, a quarter of a head's width.

    Args:
        base: Theta of the papers: how much slower the last pair turns than the first.
        unit: Positions are in patches, from 0; or the patches' centres in full turns, from -1 to 1
            over the height and over the width ("turn", DINOv3), so that they scale with the image.
        axes: Which axis the first half of the frequencies is for.
        pairs: Numbers beside each other, or one of each half of a head's width.
        reference: The grid whose positions others are scaled to (EVA-02); None: not scaled.
        offset: Added to positions in patches (1 in the Perception Encoder with CLS).
        learned: Each head of each layer has learned how fast each of its pairs turns, along both
            axes (RoPE-Mixed); there is no ``base``.
    """

    base: Annotated[float, Within(1, 1e9)] = 100.0
    unit: Literal["patch", "turn"] = "patch"
    axes: Literal["yx", "xy"] = "yx"
    pairs: Literal["neighbours", "halves"] = "neighbours"
    reference: tuple[Patches, Patches] | None = None
    offset: Annotated[float, Within(-1000, 1000)] = 0.0
    learned: bool = False


@dataclass(frozen=True, kw_only=True)
class Variants:
    """What tells a Vision Transformer's relatives from the paper's, which has the defaults.

    Args:
        activation: Of the MLP.
        gated_mlp: SwiGLU instead of the paper's MLP.
        layer_scale: Whether each residual branch has a learned scale.
        norm_after_pool: The final LayerNorm reads the pooled token, not every token (``fc_norm``).
        final_norm: Whether there is a final LayerNorm at all.
        norm_before: A LayerNorm on the first state (CLIP).
        patch_bias: Whether the patch embedding has a bias.
        qkv_bias: Whether q, k and v have one.
        qk_norm: A LayerNorm on each head's q and k.
        attention_norm: A LayerNorm on what the heads put out, before it is projected (EVA-02).
        mlp_norm: A LayerNorm on the MLP's hidden layer (EVA-02).
        order: Where a block's LayerNorms are: before each branch, as in the paper; after it; or one
            before both branches, which then read the same.
        embedded_positions: Whether positions are added to the patches; ``positioned_prefix`` is 0
            where not.
        position_resizing: How learned positions are brought to another grid: as timm does it, or
            as the library whose names a checkpoint has.
        rope: Rotary positions; None where there are none.
        relative_positions: What is added to attention for the way from one patch to another: a
            number of a table (BEiT), or of a small MLP (timm's relpos); "" where nothing is.
        relative_width: Hidden width of that MLP.
        map_heads: Heads of the learned query; as many as the blocks have where 0.
        patch_norms: A LayerNorm on each patch's pixels, and one on its token (vit-pytorch).
        attention_width: Numbers of all heads together, where that is not the token's (vit-pytorch);
            0 where it is.
        pre_logits: Width of a layer with tanh before the head (the paper's for pre-training); 0
            where there is none.
        norm: LayerNorm, or only the division by the root mean square (AIMv2).
        token_norm: Such a norm on each patch's token, before its position (AIMv2).
        dist_head: Whether a distillation token has a head of its own that counts as much as CLS's
            (DeiT); in some of transformers' the class is read from CLS alone.
        projection: Length of the embedding shared with texts that comes in the place of classes
            (CLIP); 0 where there is none.
        text: The text tower that its file has too; None where there is none that is read. It is no
            part of the network (see ``models.text``).
        stem: Patches are not of pixels, but of what a convolutional network (``vit.stem``) makes of
            them: how many blocks each of its stages has; None where there is no such network.
        cls_layers: From how many of the last layers the head reads CLS, the earlier ones first
            (DINO's and DINOv2's linear heads over four layers).
    """

    activation: Activation = "gelu"
    gated_mlp: bool = False
    layer_scale: bool = False
    norm_after_pool: bool = False
    final_norm: bool = True
    norm_before: bool = False
    patch_bias: bool = True
    qkv_bias: bool = True
    qk_norm: bool = False
    attention_norm: bool = False
    mlp_norm: bool = False
    order: Order = "norm first"
    embedded_positions: bool = True
    position_resizing: Resizing = "cubic antialiased"
    rope: Rope | None = None
    relative_positions: RelativePositions = ""
    relative_width: Annotated[int, Within(0, 1 << 14)] = 0
    map_heads: Annotated[int, Within(0, 1 << 10)] = 0
    projection: Annotated[int, Within(0, 1 << 16)] = 0
    patch_norms: bool = False
    attention_width: Annotated[int, Within(0, 1 << 16)] = 0
    pre_logits: Annotated[int, Within(0, 1 << 16)] = 0
    norm: Norm = "layer"
    token_norm: bool = False
    dist_head: bool = True
    text: TextConfig | None = None
    stem: Annotated[tuple[Annotated[int, Within(1, 100)], ...], Within(0, 4)] | None = None
    cls_layers: Annotated[int, Within(1, 64)] = 1


@dataclass(frozen=True)
class ViTConfig(Variants):
    """A Vision Transformer's shape, with its ``Variants``.

    Args:
        patch: Side of a patch, in input pixels.
        width: Length of a token (D in the paper).
        depth: Number of encoder blocks (L).
        heads: Attention heads per block; divides ``width``.
        mlp_width: Hidden width of the MLP; of each half of it if ``gated_mlp``.
        input_size: Height and width trained on, in pixels; its grid is the position embedding's.
        classes: Outputs of the head; 0 where there is no head.
        prefix: Names of the tokens before the patches, always in the order "cls", "dist", "reg1",
            "reg2", ..., any of them absent.
        positioned_prefix: How many of them, from the first, have a position embedding.
        pool: What the head reads: CLS, the mean of the patches, both, concatenated, or what a
            learned query collects from all tokens ("map", SigLIP).
        norm_eps: Epsilon of every LayerNorm.
    """

    patch: int
    width: int
    depth: int
    heads: int
    mlp_width: int
    input_size: tuple[int, int] = (224, 224)
    classes: int = 1000
    prefix: tuple[str, ...] = ("cls",)
    positioned_prefix: int = 1
    pool: Pool = "cls"
    norm_eps: float = 1e-6

    def __post_init__(self) -> None:
        sizes = (self.patch, self.width, self.depth, self.heads, self.mlp_width, *self.input_size)
        if min(sizes) < 1 or self.classes < 0:
            raise ValueError("every size of a network is at least 1")
        if self.attention_width % self.heads:
            raise ValueError(f"{self.attention_width} is not a multiple of {self.heads} heads")
        if not self.attention_width and self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of {self.heads} heads")
        if self.input_size[0] % self.patch or self.input_size[1] % self.patch:
            raise ValueError(f"input {self.input_size} is not a multiple of patch {self.patch}")
        self._check_prefix()
        self._check_parts()

    def _check_prefix(self) -> None:
        registers = sum(name.startswith("reg") for name in self.prefix)
        ordered: list[str] = [name for name in ("cls", "dist") if name in self.prefix]
        ordered += [f"reg{i}" for i in range(1, registers + 1)]
        if list(self.prefix) != ordered:
            raise ValueError(f"prefix tokens {self.prefix} are not cls, dist, reg1, reg2, ...")
        if not 0 <= self.positioned_prefix <= len(self.prefix):
            raise ValueError("more positioned prefix tokens than prefix tokens")
        if "cls" in self.pool and "cls" not in self.prefix:
            raise ValueError("the head reads CLS, but there is none")

    def _check_parts(self) -> None:
        if self.positioned_prefix and not self.embedded_positions:
            raise ValueError("prefix tokens have positions, patches none")
        if self.rope and self.head_dim % 4:
            raise ValueError(f"{self.head_dim} numbers a head cannot turn in pairs along two axes")
        if self.width % (self.map_heads or self.heads):
            raise ValueError(f"width {self.width} is not a multiple of {self.map_heads} heads")
        if bool(self.relative_width) != (self.relative_positions == "mlp"):
            raise ValueError("the MLP of relative positions has a width, and nothing else has")
        whole = "cls" in self.pool and not self.norm_after_pool and not self.has_dist_head
        if self.cls_layers > (self.depth if whole else 1):
            raise ValueError("the head reads CLS of more layers than there are")
        if self.stem is not None and self.patch % self.stem_stride:
            raise ValueError(f"patch {self.patch} is no multiple of {self.stem_stride}")
        if self.projection and self.classes:
            raise ValueError("a network has classes or a projection, not both")

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the grid it was trained on."""
        return self.input_size[0] // self.patch, self.input_size[1] // self.patch

    @property
    def head_dim(self) -> int:
        """Width of one head's q, k and v."""
        return self.inner_width // self.heads

    @property
    def has_dist_head(self) -> bool:
        """Whether there is a second head, of the distillation token."""
        return self.dist_head and "dist" in self.prefix

    @property
    def inner_width(self) -> int:
        """Numbers of all heads together."""
        return self.attention_width or self.width

    @property
    def features(self) -> int:
        """Numbers that the head reads."""
        return self.width * (self.cls_layers + (self.pool == "cls+mean"))

    @property
    def stem_stride(self) -> int:
        """Pixels from one place of the stem's last features to the next; 1 where there is none."""
        return 1 if self.stem is None else 4 * 2 ** max(len(self.stem) - 1, 0)

    @property
    def relative_entries(self) -> int:
        """Ways from one patch to another on its own grid; three more where there is a prefix."""
        rows, cols = self.grid
        return (2 * rows - 1) * (2 * cols - 1) + (3 if self.prefix else 0)


SIZES: dict[str, tuple[int, int, int]] = {
    "Ti": (192, 12, 3),
    "S": (384, 12, 6),
    "B": (768, 12, 12),
    "L": (1024, 24, 16),
    "H": (1280, 32, 16),
}
"""Width, depth and heads. Source: the paper's table 1 (B, L, H) and DeiT's table 1 (Ti, S)."""


def vit_config(
    size: str, patch: int, input_size: tuple[int, int] = (224, 224), classes: int = 1000
) -> ViTConfig:
    """The paper's own models: ``vit_config("B", 16)`` is ViT-B/16."""
    width, depth, heads = SIZES[size]
    return ViTConfig(patch, width, depth, heads, 4 * width, input_size, classes)
