"""What every configuration of a network tells, whatever its family."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

Config = Any
"""A family's own frozen dataclass: the shape of a network, known before its weights are. Only its
family looks into it."""

Size = tuple[int, int]
"""Height and width, in pixels."""

Activation = Literal["gelu", "gelu_tanh", "quick_gelu", "silu"]
"""Of an MLP: GELU, its approximations by tanh and by x sigmoid(1.702 x) (both arXiv 1606.08415),
or x sigmoid(x)."""


class TrainingInput(NamedTuple):
    """What a network was trained on.

    Args:
        input_size: Height and width of its input, in pixels.
        patch: What heights and widths of other inputs are multiples of, in pixels.
    """

    input_size: Size
    patch: int
