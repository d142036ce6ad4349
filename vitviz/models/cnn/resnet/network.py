"""ResNet, written out from the paper.

Sources: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, arXiv 1512.03385
(blocks: figure 5, stages: table 1), with the stride in the 3 x 3 convolution of a bottleneck, as
torchvision and timm have it; Xie et al., "Aggregated Residual Transformations", CVPR 2017, arXiv
1611.05431 (ResNeXt: groups); He et al., "Bag of Tricks", CVPR 2019, arXiv 1812.01187 (C: the deep
stem, D: means beside a block with a stride; figure 2). Parameters carry torchvision's names but for
the stages.

Axes: batch; channels height width of the input; rows cols of a layer, each place width numbers.
"""

from __future__ import annotations

from itertools import chain, pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from vitviz.models.anatomy import Filters, Reader
from vitviz.models.branches import adds
from vitviz.models.cnn.layers import BatchNorm, Convolution
from vitviz.models.cnn.plan import cost, outline
from vitviz.models.cnn.resnet.config import BlockShape, ResNetConfig, block_shapes, plan
from vitviz.models.cost import Cost
from vitviz.models.network import Attend, Network
from vitviz.models.outline import Outline
from vitviz.shapes import Float


class Beside(nn.Module):
    """The way past a block that changes the shape."""

    def __init__(self, shape: BlockShape, config: ResNetConfig) -> None:
        super().__init__()
        self.averages = config.averages_beside and shape.stride > 1
        stride = 1 if self.averages else shape.stride
        self.conv = Convolution(shape.before, shape.width, 1, stride)
        self.norm = BatchNorm(shape.width, config.norm_eps)

    def forward(self, z: Float[Tensor, "batch before rows cols"]) -> Tensor:
        if self.averages:  # of those that there are, where the last place has no neighbour
            z = F.avg_pool2d(z, 2, 2, ceil_mode=True, count_include_pad=False)
        out: Tensor = self.norm(self.conv(z))
        return out


class Residual(nn.Module):
    """Two or three convolutions, and the way past them; ReLU after the sum.

    The attention it is offered it does not use.
    """

    def __init__(self, shape: BlockShape, config: ResNetConfig) -> None:
        super().__init__()
        before, hidden, width, stride = shape.before, shape.hidden, shape.width, shape.stride
        if config.bottleneck:
            self.conv1 = Convolution(before, hidden)
            self.conv2 = Convolution(hidden, hidden, 3, stride, 1, config.groups)
            self.conv3: Convolution | None = Convolution(hidden, width)
        else:
            self.conv1 = Convolution(before, width, 3, stride, 1)
            self.conv2 = Convolution(width, width, 3, 1, 1)
            self.conv3 = None
        self.bn1 = BatchNorm(hidden, config.norm_eps)
        self.bn2 = BatchNorm(hidden, config.norm_eps)
        self.bn3 = BatchNorm(width, config.norm_eps) if config.bottleneck else None
        self.beside = Beside(shape, config) if shape.projects else nn.Identity()

    def forward(
        self,
        z: Float[Tensor, "batch before rows cols"],
        attend: Attend | None = None,  # noqa: ARG002
    ) -> Float[Tensor, "batch width rows2 cols2"]:
        out = F.relu(self.bn1(self.conv1(z)))
        out = self.bn2(self.conv2(out))
        if self.conv3 is not None and self.bn3 is not None:
            out = self.bn3(self.conv3(F.relu(out)))
        return F.relu(adds("convolution", out) + self.beside(z))


class Stem(nn.Module):
    """One convolution or three, and the greatest of every 3 x 3 places."""

    def __init__(self, config: ResNetConfig) -> None:
        super().__init__()
        widths = (3, *config.deep_stem, config.stem)
        kernel = 3 if config.deep_stem else 7
        self.convs = nn.ModuleList(
            Convolution(before, after, kernel, 2 if number == 0 else 1, kernel // 2)
            for number, (before, after) in enumerate(pairwise(widths))
        )
        self.norms = nn.ModuleList(BatchNorm(width, config.norm_eps) for width in widths[1:])

    def forward(self, x: Float[Tensor, "batch 3 height width"]) -> Tensor:
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.relu(norm(conv(x)))
        return F.max_pool2d(x, 3, 2, 1)


class ResNet(Network):
    """The whole network; a state is batch x width x rows x columns."""

    def __init__(self, config: ResNetConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = Stem(config)
        self.blocks = nn.ModuleList(Residual(shape, config) for shape in block_shapes(config))
        width, classes = config.widths[-1], config.class_count
        self.fc = nn.Linear(width, classes) if classes else nn.Identity()

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
        logits: Tensor = self.fc(z.mean((2, 3)))
        return logits

    def readers(self, z: Float[Tensor, "batch width rows cols"]) -> tuple[Reader, ...]:
        if not isinstance(self.fc, nn.Linear):
            return ()
        return (Reader("the mean of all places", z.mean((2, 3))[0], self.fc.weight, self.fc.bias),)

    def filters(self, input_size: tuple[int, int]) -> Filters:
        first = self.stem.convs[0]
        assert isinstance(first, Convolution)
        return first.filters(input_size, ("a factor and a shift", "relu"))


def stem_names(config: ResNetConfig) -> list[str]:
    """Of the stem's convolutions and norms, as timm and torchvision have them, in our order."""
    if not config.deep_stem:
        return ["conv1", "bn1"]
    return list(chain.from_iterable(zip(
        ("conv1.0", "conv1.3", "conv1.6"), ("conv1.1", "conv1.4", "bn1"), strict=True
    )))  # fmt: skip
