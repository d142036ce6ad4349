"""The shape of a Vision Transformer, known before its weights are.

Kept apart from the network (``vitviz.models.vit.network``) so that model cards can be listed
without loading torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from vitviz.reading import Within, taken, wrong

Pool = Literal["cls", "mean", "cls+mean"]
Activation = Literal["gelu", "gelu_tanh", "quick_gelu", "silu"]


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
        pool: What the head reads: CLS, the mean of the patches, or both, concatenated.
        activation: Of the MLP.
        gated_mlp: SwiGLU instead of the paper's MLP.
        layer_scale: Whether each residual branch has a learned scale.
        norm_eps: Epsilon of every LayerNorm.
        norm_after_pool: The final LayerNorm reads the pooled token, not every token (``fc_norm``).
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

    def __post_init__(self) -> None:
        sizes = (self.patch, self.width, self.depth, self.heads, self.mlp_width, *self.input_size)
        if min(sizes) < 1 or self.classes < 0:
            raise ValueError("every size of a network is at least 1")
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of {self.heads} heads")
        if self.input_size[0] % self.patch or self.input_size[1] % self.patch:
            raise ValueError(f"input {self.input_size} is not a multiple of patch {self.patch}")
        self._check_prefix()

    def _check_prefix(self) -> None:
        registers = sum(name.startswith("reg") for name in self.prefix)
        ordered: list[str] = [name for name in ("cls", "dist") if name in self.prefix]
        ordered += [f"reg{i}" for i in range(1, registers + 1)]
        if list(self.prefix) != ordered:
            raise ValueError(f"prefix tokens {self.prefix} are not cls, dist, reg1, reg2, ...")
        if not 0 <= self.positioned_prefix <= len(self.prefix):
            raise ValueError("more positioned prefix tokens than prefix tokens")
        if self.pool != "mean" and "cls" not in self.prefix:
            raise ValueError("the head reads CLS, but there is none")

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the grid it was trained on."""
        return self.input_size[0] // self.patch, self.input_size[1] // self.patch

    @property
    def head_dim(self) -> int:
        """Width of one head's q, k and v."""
        return self.width // self.heads

    @property
    def features(self) -> int:
        """Numbers that the head reads."""
        return self.width * (2 if self.pool == "cls+mean" else 1)

    @property
    def parameters(self) -> int:
        """How many numbers the network has learned."""
        width, rows, cols = self.width, *self.grid
        tokens = len(self.prefix) + self.positioned_prefix + rows * cols
        first = self.mlp_width * (2 if self.gated_mlp else 1)
        attention = (width + 1) * 3 * width + (width + 1) * width
        mlp = (width + 1) * first + (self.mlp_width + 1) * width
        scales = 2 * width if self.layer_scale else 0
        heads = 2 if "dist" in self.prefix else 1
        return (
            (3 * self.patch**2 + 1) * width
            + tokens * width
            + self.depth * (2 * 2 * width + attention + mlp + scales)
            + 2 * width
            + heads * self.classes * (self.features + 1)
        )


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
            patch=given.patch,
            width=given.width,
            depth=given.depth,
            heads=given.heads,
            mlp_width=_or(given.mlp_width, max(1, round(given.width * given.mlp_ratio))),
            input_size=(int(height), int(width)),
            classes=_or(given.class_count, classes),
            prefix=prefix,
            positioned_prefix=_or(given.positioned_prefix, positioned),
            pool=given.pool or ("cls" if "cls" in prefix else "mean"),
            activation=given.activation,
            gated_mlp=given.gated_mlp,
            layer_scale=given.layer_scale,
            norm_eps=given.layer_norm_eps,
            norm_after_pool=given.norm_after_pool,
        )
    except ValueError as error:
        raise ValueError(f"it does not describe a network ({error})") from error


def _or(number: int | None, otherwise: int) -> int:
    return otherwise if number is None else number


def config_fields(config: ViTConfig) -> dict[str, Any]:
    """A network's fields of a model card: ``read_config`` gives the same network back."""
    return {
        "input_size": config.input_size,
        "patch": config.patch,
        "depth": config.depth,
        "width": config.width,
        "heads": config.heads,
        "mlp_width": config.mlp_width,
        "gated_mlp": config.gated_mlp,
        "layer_scale": config.layer_scale,
        "prefix_tokens": config.prefix,
        "positioned_prefix": config.positioned_prefix,
        "pool": config.pool,
        "norm_after_pool": config.norm_after_pool,
        "layer_norm_eps": config.norm_eps,
        "activation": config.activation,
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
