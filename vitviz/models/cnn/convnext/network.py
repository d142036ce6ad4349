"""ConvNeXt, written out from the papers.

Sources: Liu et al., "A ConvNet for the 2020s", CVPR 2022, arXiv 2201.03545 (the block: figure 4;
stages: table 9); Woo et al., "ConvNeXt V2", CVPR 2023, arXiv 2301.00808 (global response
normalisation: algorithm 1).

Axes: batch; channels height width of the input; rows cols of a layer, each place width numbers.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vitviz.models.anatomy import Filters, Reader
from vitviz.models.branches import adds
from vitviz.models.cnn.convnext.config import KERNEL, STEM, WIDER, ConvNeXtConfig, plan
from vitviz.models.cnn.layers import Convolution
from vitviz.models.cnn.plan import cost, outline
from vitviz.models.cost import Cost
from vitviz.models.network import Attend, Network
from vitviz.models.outline import Outline
from vitviz.shapes import Float


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of each place."""

    def forward(
        self, x: Float[Tensor, "batch width rows cols"]
    ) -> Float[Tensor, "batch width rows cols"]:
        normed: Tensor = super().forward(x.permute(0, 2, 3, 1))
        return normed.permute(0, 3, 1, 2)


class ResponseNorm(nn.Module):
    """How much there is of each channel on the whole, beside the other channels, as a factor."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(
        self, x: Float[Tensor, "batch rows cols width"]
    ) -> Float[Tensor, "batch rows cols width"]:
        norm: Tensor = x.norm(dim=(1, 2), keepdim=True)
        share = norm / (norm.mean(-1, keepdim=True) + 1e-6)
        out: Tensor = x + self.weight * (x * share) + self.bias
        return out


class Block(nn.Module):
    """Look around in each channel, then an MLP in each place, and add.

    The first block of a later stage begins with a norm and a convolution with a stride of 2. The
    attention it is offered it does not use.
    """

    def __init__(self, before: int, width: int, config: ConvNeXtConfig) -> None:
        super().__init__()
        self.down: nn.Module = nn.Identity()
        if before != width:
            norm = ChannelNorm(before, eps=config.norm_eps)
            self.down = nn.Sequential(norm, Convolution(before, width, 2, 2, bias=True))
        self.depthwise = Convolution(width, width, KERNEL, 1, KERNEL // 2, width, bias=True)
        self.norm = nn.LayerNorm(width, eps=config.norm_eps)
        self.fc1 = nn.Linear(width, WIDER * width)
        self.response = ResponseNorm(WIDER * width) if config.response_norm else nn.Identity()
        self.fc2 = nn.Linear(WIDER * width, width)
        self.gamma = nn.Parameter(torch.full((width,), 1e-6)) if config.layer_scale else None

    def forward(
        self,
        z: Float[Tensor, "batch before rows cols"],
        attend: Attend | None = None,  # noqa: ARG002
    ) -> Float[Tensor, "batch width rows2 cols2"]:
        z = self.down(z)
        x = self.norm(self.depthwise(z).permute(0, 2, 3, 1))  # batch rows cols width
        x = self.fc2(self.response(F.gelu(self.fc1(x))))
        if self.gamma is not None:
            x = x * self.gamma
        out: Tensor = z + adds("convolution", x.permute(0, 3, 1, 2))
        return out


class ConvNeXt(Network):
    """The whole network; a state is batch x width x rows x columns."""

    def __init__(self, config: ConvNeXtConfig) -> None:
        super().__init__()
        self.config = config
        first, *_, last = config.widths
        norm = ChannelNorm(first, eps=config.norm_eps)
        self.stem = nn.Sequential(Convolution(3, first, STEM, STEM, bias=True), norm)
        self.blocks, before = nn.ModuleList(), first
        for depth, width in zip(config.depths, config.widths, strict=True):
            for _ in range(depth):
                self.blocks.append(Block(before, width, config))
                before = width
        classes = config.class_count
        self.head_norm = nn.LayerNorm(last, eps=config.norm_eps) if config.head_norm else None
        self.head = nn.Linear(last, classes) if classes else nn.Identity()

    def outline(self, input_size: tuple[int, int]) -> Outline:
        return outline(plan(self.config), input_size)

    def cost(self, input_size: tuple[int, int]) -> Cost:
        return cost(plan(self.config), input_size)

    def embed(
        self, image: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch channels rows cols"]:
        first: Tensor = self.stem(image)
        return first

    def as_tokens(
        self, z: Float[Tensor, "batch width rows cols"]
    ) -> Float[Tensor, "batch patches width"]:
        return z.flatten(2).transpose(1, 2)

    def classify(self, z: Float[Tensor, "batch width rows cols"]) -> Float[Tensor, "batch classes"]:
        logits: Tensor = self.head(self._pooled(z))
        return logits

    def _pooled(self, z: Float[Tensor, "batch width rows cols"]) -> Float[Tensor, "batch width"]:
        """What the head reads."""
        pooled: Tensor = z.mean((2, 3))
        return self.head_norm(pooled) if self.head_norm is not None else pooled

    def readers(self, z: Float[Tensor, "batch width rows cols"]) -> tuple[Reader, ...]:
        if not isinstance(self.head, nn.Linear):
            return ()
        return (
            Reader("the mean of all places", self._pooled(z)[0], self.head.weight, self.head.bias),
        )

    def filters(self, input_size: tuple[int, int]) -> Filters:
        first = self.stem[0]
        assert isinstance(first, Convolution)
        return first.filters(input_size, ("LayerNorm",))
