"""The shape of a Vision Transformer, known before its weights are.

Kept apart from the network (``vitviz.models.vit.network``) so that model cards can be listed
without loading torch.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any, Literal

from vitviz.models.config import Activation
from vitviz.models.text.config import TextConfig
from vitviz.reading import Within, taken, wrong

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


@dataclass(frozen=True)
class ViTConfig:
    """A Vision Transformer's shape.

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
        activation: Of the MLP.
        gated_mlp: SwiGLU instead of the paper's MLP.
        layer_scale: Whether each residual branch has a learned scale.
        norm_eps: Epsilon of every LayerNorm.
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
    activation: Activation = "gelu"
    gated_mlp: bool = False
    layer_scale: bool = False
    norm_eps: float = 1e-6
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
    relative_width: int = 0
    map_heads: int = 0
    projection: int = 0
    patch_norms: bool = False
    attention_width: int = 0
    pre_logits: int = 0
    norm: Norm = "layer"
    token_norm: bool = False
    dist_head: bool = True
    text: TextConfig | None = None

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
        return self.width * (2 if self.pool == "cls+mean" else 1)

    @property
    def parameters(self) -> int:
        """How many numbers the network has learned."""
        width, rows, cols = self.width, *self.grid
        tokens = len(self.prefix)
        if self.embedded_positions:
            tokens += self.positioned_prefix + rows * cols
        norms = self._norm_parameters * (self.final_norm + self.norm_before + self.token_norm)
        frequencies = self.depth * self.width if self.rope and self.rope.learned else 0
        return (
            (3 * self.patch**2 + self.patch_bias) * width
            + self.patch_norms * 2 * (3 * self.patch**2 + width)
            + tokens * width
            + self.depth * self._block_parameters
            + norms
            + frequencies
            + self._head_parameters
        )

    @property
    def _block_parameters(self) -> int:
        width, hidden = self.width, self.mlp_width
        attention = (width + self.qkv_bias) * 3 * self.inner_width + (self.inner_width + 1) * width
        attention += 2 * 2 * self.head_dim * self.qk_norm + 2 * width * self.attention_norm
        mlp = (width + 1) * hidden * (2 if self.gated_mlp else 1) + (hidden + 1) * width
        mlp += 2 * hidden * self.mlp_norm
        norms = self._norm_parameters * (1 if self.order == "parallel" else 2)
        scales = 2 * width if self.layer_scale else 0
        return attention + mlp + norms + scales + self._relative_parameters

    @property
    def _norm_parameters(self) -> int:
        return self.width * (1 if self.norm == "rms" else 2)

    @property
    def _relative_parameters(self) -> int:
        if self.relative_positions == "mlp":
            return (2 + 1) * self.relative_width + (self.relative_width + 1) * self.heads
        if self.relative_positions == "table":
            return self.relative_entries * self.heads
        return 0

    @property
    def relative_entries(self) -> int:
        """Ways from one patch to another on its own grid; three more where there is a prefix."""
        rows, cols = self.grid
        return (2 * rows - 1) * (2 * cols - 1) + (3 if self.prefix else 0)

    @property
    def _head_parameters(self) -> int:
        width = self.width
        heads = 2 if self.has_dist_head else 1
        read = self.pre_logits or self.features
        head = heads * self.classes * (read + 1) + self.projection * self.features
        head += self.pre_logits * (self.features + 1)
        if self.pool != "map":
            return head
        query = width + (width + 1) * 4 * width + 2 * width
        return head + query + (width + 1) * self.mlp_width + (self.mlp_width + 1) * width


Side = Annotated[float, Within(1, 1 << 14)]


@dataclass(frozen=True)
class _Fields:
    """A ViT's fields of a model card, as the file has them; see ``ViTConfig``.

    Args:
        mlp_ratio: Of the MLP's width to the token's, where ``mlp_width`` is not given.
        class_count: None: as many as the card's set of classes has.
        positioned_prefix: None: all of the prefix but registers.
        pool: None: CLS where there is one.
    """

    patch: Annotated[int, Within(1, 1 << 10)]
    width: Annotated[int, Within(1, 1 << 16)]
    depth: Annotated[int, Within(1, 1 << 10)]
    heads: Annotated[int, Within(1, 1 << 10)]
    input_size: tuple[Side, Side]
    mlp_ratio: Annotated[float, Within(0.01, 100)] = 4.0
    mlp_width: Annotated[int, Within(1, 1 << 20)] | None = None
    class_count: Annotated[int, Within(0, 1 << 20)] | None = None
    prefix_tokens: Annotated[tuple[Annotated[str, Within(0, 500)], ...], Within(0, 100)] = ("cls",)
    positioned_prefix: Annotated[int, Within(0, 100)] | None = None
    pool: Pool | None = None
    activation: Activation = "gelu"
    gated_mlp: bool = False
    layer_scale: bool = False
    layer_norm_eps: Annotated[float, Within(1e-15, 0.1)] = 1e-6
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


SAME = (
    "patch", "depth", "width", "heads", "activation", "gated_mlp", "layer_scale", "norm_after_pool",
    "final_norm", "norm_before", "patch_bias", "qkv_bias", "qk_norm", "attention_norm", "mlp_norm",
    "order", "embedded_positions", "position_resizing", "rope", "relative_positions",
    "relative_width", "map_heads", "projection", "patch_norms", "attention_width", "pre_logits",
    "dist_head", "norm", "token_norm", "text",
)  # fmt: skip
"""Fields that a configuration and a card's file have alike."""

ALWAYS = ("patch", "depth", "width", "heads", "activation", "gated_mlp", "layer_scale",
          "norm_after_pool")  # fmt: skip
"""Those of them that a card's file has even where they are as usual."""


def read_config(values: dict[str, Any], classes: int) -> ViTConfig:
    """The network that a model card describes.

    Args:
        values: The card's fields, from anywhere; those of the network are taken out of it.
        classes: How many the network has, where no field says so.

    Raises:
        ValueError: A field is missing, of another type or out of range, or there is no such
            network.
    """
    given = taken(_Fields, values)
    height, width = given.input_size
    if height % 1 or width % 1:
        raise wrong("input_size", "a height and a width in whole pixels", (height, width))
    prefix = given.prefix_tokens
    positioned = sum(not name.startswith("reg") for name in prefix)
    try:
        return ViTConfig(
            **{name: getattr(given, name) for name in SAME},
            mlp_width=_or(given.mlp_width, max(1, round(given.width * given.mlp_ratio))),
            input_size=(int(height), int(width)),
            classes=0 if given.projection else _or(given.class_count, classes),
            prefix=prefix,
            positioned_prefix=_or(
                given.positioned_prefix, positioned if given.embedded_positions else 0
            ),
            pool=given.pool or ("cls" if "cls" in prefix else "mean"),
            norm_eps=given.layer_norm_eps,
        )
    except ValueError as error:
        raise ValueError(f"it does not describe a network ({error})") from error


def _or(number: int | None, otherwise: int) -> int:
    return otherwise if number is None else number


def config_fields(config: ViTConfig) -> dict[str, Any]:
    """A network's fields of a model card: ``read_config`` gives the same network back."""
    usual = {field.name: field.default for field in fields(ViTConfig)}
    same = {name: getattr(config, name) for name in SAME}
    for name in ("rope", "text"):
        part = getattr(config, name)
        same[name] = asdict(part) if part else None
    return {
        "input_size": config.input_size,
        **{name: value for name, value in same.items() if name in ALWAYS or value != usual[name]},
        "mlp_width": config.mlp_width,
        "prefix_tokens": config.prefix,
        "positioned_prefix": config.positioned_prefix,
        "pool": config.pool,
        "layer_norm_eps": config.norm_eps,
        "class_count": config.classes,
    }


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
