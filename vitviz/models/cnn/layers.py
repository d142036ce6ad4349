"""The two layers that all convolutional networks here are made of."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vitviz.models.anatomy import Filters
from vitviz.models.branches import convolves
from vitviz.models.cnn.plan import same
from vitviz.shapes import Float


class Convolution(nn.Conv2d):
    """A convolution, padded as a ``plan.Conv`` says.

    Args:
        before: Channels that it is given.
        after: Channels that it puts out.
        kernel: Side of the square that it looks at.
        stride: Steps between two such squares.
        padding: Zeros on every side; None for TensorFlow's "same", in which the side after has the
            odd one.
        groups: Parts that the channels are in, which do not mix.
        bias: Whether it has one.
    """

    def __init__(
        self, before: int, after: int, kernel: int = 1, stride: int = 1,
        padding: int | None = 0, groups: int = 1, *, bias: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(before, after, kernel, stride, padding or 0, groups=groups, bias=bias)
        self.pads_as_tensorflow = padding is None

    def forward(
        self, x: Float[Tensor, "batch before height width"]
    ) -> Float[Tensor, "batch after rows cols"]:
        margins = self.margins((x.shape[2], x.shape[3]))
        out = super().forward(F.pad(x, margins) if self.pads_as_tensorflow else x)
        return convolves(x, self.weight, self.stride[0], self.groups, margins, out)

    def margins(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Zeros to the left and right, above and below of what it is given.

        Args:
            size: Height and width of that.
        """
        kernel, stride = self.kernel_size[0], self.stride[0]
        if not self.pads_as_tensorflow:
            (down, across) = self.padding if isinstance(self.padding, tuple) else (0, 0)
            return across, across, down, down
        (top, bottom), (left, right) = (same(side, kernel, stride) for side in size)
        return left, right, top, bottom

    def filters(self, size: tuple[int, int], after: tuple[str, ...]) -> Filters:
        """Of the first convolution of a network.

        Args:
            size: Height and width of the input.
            after: As of ``Filters``.
        """
        return Filters(
            self.weight, self.bias, self.stride[0], self.margins(size), after=after
        )  # fmt: skip


class BatchNorm(nn.Module):
    """Batch normalisation with the means and variances of training: a factor and a shift a channel.

    Source: Ioffe and Szegedy, "Batch Normalization", ICML 2015, arXiv 1502.03167, algorithm 2.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, width: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_var", torch.ones(width))

    def forward(
        self, x: Float[Tensor, "batch width rows cols"]
    ) -> Float[Tensor, "batch width rows cols"]:
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )
