"""From a photo to a model's input, exactly as the model was trained, and two other choices.

(Skeleton of the interface; see the docstrings.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ResizeRule = Literal["shortest edge, then centre crop", "squash", "longest edge, then pad"]
Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]
InputMode = Literal["as trained", "whole photo"]


@dataclass(frozen=True)
class Preprocessing:
    """How a model wants its photos.

    Args:
        input_size: Height and width of the input it was trained on, in pixels.
        patch: Side of a patch in input pixels.
        mean: Per RGB channel, of pixels in 0..1.
        std: Per RGB channel, of pixels in 0..1.
        rule: How the photo becomes ``input_size``.
        edge: The edge that ``rule`` resizes to, in pixels (unused by "squash").
        interpolation: Of the resize.
    """

    input_size: tuple[int, int]
    patch: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    rule: ResizeRule = "shortest edge, then centre crop"
    edge: int = 256
    interpolation: Interpolation = "bicubic"


@dataclass(frozen=True)
class InputChoice:
    """The user's choice of what the model is given.

    Args:
        mode: "as trained" follows the model's own ``Preprocessing``; "whole photo" squashes the
            whole photo onto a rectangular grid near the model's own token count and the photo's
            own shape. Mean, std and interpolation stay the model's in both.
        fineness: With "whole photo", how many times more patches along each side (1, 2, 3, 4):
            ``fineness ** 2`` times the tokens, positions interpolated.
    """

    mode: InputMode = "as trained"
    fineness: int = 1
