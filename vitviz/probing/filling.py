"""Inputs with some of their patches filled in: for networks that cannot do without them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from vitviz.probing.removal import Removal
from vitviz.shapes import Bool, Float32

BLUR = 0.1
"""Standard deviation of the blur, as a part of the input's shorter side: ours. At 224 pixels it is
22, at which no thing in a photo is left (Fong and Vedaldi 2017, arXiv 1704.03296, blur with 10)."""

NOISE = 0.01
"""Standard deviation of what ROAD adds, in normalised units: the authors' code."""

SIDE, CORNER = 1 / 6, 1 / 12
"""Weights of a pixel's eight neighbours in ROAD: beside it, and across its corners."""

TOLERANCE = 1e-3
"""Of ROAD's system, relative: a fraction of the noise added after it."""

MOST_ROUNDS = 600
"""Of ROAD's solver, which needs about as many as the input is pixels wide."""


def pixels_of(
    removed: Bool[Tensor, "batch rows cols"], size: tuple[int, int], patch: int
) -> Bool[Tensor, "batch 1 height width"]:
    """The pixels of removed patches; patches that reach past the input's edge are cut off there,
    and pixels that no patch reaches stay.
    """
    wide = removed.repeat_interleave(patch, 1).repeat_interleave(patch, 2)
    below, right = (max(0, side - of) for side, of in zip(size, wide.shape[1:], strict=True))
    return F.pad(wide, (0, right, 0, below))[:, None, : size[0], : size[1]]


def background(
    image: Float32[Tensor, "1 3 height width"], removal: Removal, seed: int
) -> Float32[Tensor, "1 3 height width"]:
    """What stands in removed patches, where it does not depend on which they are; for ROAD its
    noise, so that the same patches are always filled in the same way.
    """
    if removal == "mean":
        return image.mean((2, 3), keepdim=True).expand_as(image)
    if removal == "blur":
        return blurred(image)
    # On the CPU: other devices have other random numbers.
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(image.shape, generator=generator) * NOISE
    return noise.to(image.device)


def filled(
    image: Float32[Tensor, "1 3 height width"],
    gone: Bool[Tensor, "batch 1 height width"],
    removal: Removal,
    behind: Float32[Tensor, "1 3 height width"],
) -> Float32[Tensor, "batch 3 height width"]:
    """The input without some pixels.

    Args:
        image: The model's input, normalised.
        gone: Which pixels are removed.
        removal: Not "drop".
        behind: From ``background``.
    """
    if removal == "road":
        return torch.where(gone, _interpolated(image, gone) + behind, image)
    return torch.where(gone, behind, image)


def blurred(image: Float32[Tensor, "1 3 height width"]) -> Float32[Tensor, "1 3 height width"]:
    """A Gaussian blur of ``BLUR``, the edges repeated."""
    sigma = BLUR * min(image.shape[2:])
    reach = max(1, round(3 * sigma))
    at = torch.arange(-reach, reach + 1, dtype=image.dtype, device=image.device)
    weights = (-(at**2) / (2 * sigma**2)).exp()
    weights = (weights / weights.sum()).expand(3, 1, -1)
    padded = F.pad(image, (reach, reach, reach, reach), mode="replicate")
    rows = F.conv2d(padded, weights[..., None, :], groups=3)
    return F.conv2d(rows, weights[..., None], groups=3)


def _interpolated(
    image: Float32[Tensor, "1 3 height width"], gone: Bool[Tensor, "batch 1 height width"]
) -> Float32[Tensor, "batch 3 height width"]:
    """Every removed pixel as the weighted mean of its eight neighbours, removed ones among them.

    That is a linear system, ``sum_j w_ij (x_i - x_j) = 0`` for removed i, symmetric and positive
    definite once a pixel is left, so conjugate gradients solve it. Where none is left the mean
    colour stands for all.

    Source: Rong et al. 2022, section 4.2. Difference: they solve it directly; here to
    ``TOLERANCE``, without a sparse matrix.
    """
    mean = image.mean((2, 3), keepdim=True)
    nothing = gone.flatten(1).all(1).view(-1, 1, 1, 1)
    where = (gone & ~nothing).to(image.dtype)
    degree = _neighbours(torch.ones_like(image[:, :1]))
    x = torch.where(gone, mean, image)

    def applied(u: Tensor) -> Tensor:
        return where * (degree * u - _neighbours(u))

    residual = -applied(x)
    step, size = residual / degree, (residual * residual / degree).flatten(1).sum(1)
    goal = TOLERANCE**2 * size
    for _ in range(MOST_ROUNDS):
        open_ = size > goal  # each by itself: what goes together must not change an answer
        if not bool(open_.any()):
            break
        pushed = applied(step)
        along = (step * pushed).flatten(1).sum(1)
        length = torch.where(open_, size / along.clamp(min=1e-30), 0.0).view(-1, 1, 1, 1)
        x, residual = x + length * step, residual - length * pushed
        before, size = size, (residual * residual / degree).flatten(1).sum(1)
        step = residual / degree + (size / before.clamp(min=1e-30)).view(-1, 1, 1, 1) * step
    return x


def _neighbours(x: Float32[Tensor, "batch channels height width"]) -> Tensor:
    """The weighted sum of each pixel's neighbours; beyond the edge there are none."""
    kernel = x.new_tensor([[CORNER, SIDE, CORNER], [SIDE, 0, SIDE], [CORNER, SIDE, CORNER]])
    flat = x.flatten(0, 1)[:, None]
    return F.conv2d(flat, kernel[None, None], padding=1).view_as(x)
