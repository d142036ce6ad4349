"""The shape of a text tower, known before its weights are; importing this does not load torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from vitviz.models.config import Activation
from vitviz.reading import Within

Size = Annotated[int, Within(1, 1 << 20)]


@dataclass(frozen=True)
class TextConfig:
    """A text tower.

    Args:
        vocabulary: How many tokens there are.
        context: How many a text may have, the marks of its start and end included.
        width: Length of a token.
        depth: Number of blocks.
        heads: Attention heads per block.
        mlp_width: Hidden width of the MLP.
        projection: Length of the vectors that texts and images share.
        activation: Of the MLP.
        norm_eps: Epsilon of every LayerNorm.
        causal: Whether each token sees only those before it, and the text is read at the mark of
            its end (CLIP); else all see all, padding too, and it is read at the last place
            (SigLIP).
        projection_bias: Whether the projection has one (SigLIP).
    """

    vocabulary: Size
    context: Size
    width: Size
    depth: Annotated[int, Within(1, 1 << 10)]
    heads: Annotated[int, Within(1, 1 << 10)]
    mlp_width: Size
    projection: Size
    activation: Activation = "gelu"
    norm_eps: Annotated[float, Within(1e-15, 0.1)] = 1e-5
    causal: bool = True
    projection_bias: bool = False

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"a text's width {self.width} is no multiple of {self.heads} heads")
