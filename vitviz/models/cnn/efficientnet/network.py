"""EfficientNet and the MobileNets, written out from the papers.

Sources: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, arXiv
1801.04381 (the block: figure 3b and table 1); Tan and Le, "EfficientNet: Rethinking Model Scaling
for Convolutional Neural Networks", ICML 2019, arXiv 1905.11946 (the stages: table 1); Howard et
al., "Searching for MobileNetV3", ICCV 2019, arXiv 1905.02244 (hard swish: equation in section 5.2;
the head after the pooling: figure 5); Hu et al., "Squeeze-and-Excitation Networks", CVPR 2018,
arXiv 1709.01507; Tan and Le, "EfficientNetV2", ICML 2021, arXiv 2104.00298 (fused blocks: figure
2). EfficientNet-Lite is EfficientNet without squeeze-and-excitation and with ReLU6, so that it can
be quantised (tensorflow/tpu, ``models/official/efficientnet/lite``).

Axes: batch; channels height width of the input; rows cols of a layer, each place width numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

import torch.nn.functional as F
from torch import Tensor, nn

from vitviz.models.anatomy import Filters, Reader
from vitviz.models.branches import adds
from vitviz.models.cnn.efficientnet.config import (
    Activation,
    BlockShape,
    EfficientNetConfig,
    plan,
)
from vitviz.models.cnn.layers import BatchNorm, Convolution
from vitviz.models.cnn.plan import cost, outline
from vitviz.models.cost import Cost
from vitviz.models.network import Attend, Network
from vitviz.models.outline import Outline
from vitviz.shapes import Float

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "relu6": F.relu6,
    "silu": F.silu,
    "hard_swish": F.hardswish,
}

GATES: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": F.sigmoid,
    "hard_sigmoid": F.hardsigmoid,
}


class ConvNorm(nn.Module):
    """A convolution, its normalisation, and an activation where there is one."""

    def __init__(
        self, before: int, after: int, kernel: int, stride: int, config: EfficientNetConfig,
        activation: Activation | None = None, groups: int = 1,
    ) -> None:  # fmt: skip
        super().__init__()
        self.conv = Convolution(before, after, kernel, stride, config.padding(kernel), groups)
        self.norm = BatchNorm(after, config.norm_eps)
        self.activation = ACTIVATIONS[activation] if activation else None

    def forward(
        self, x: Float[Tensor, "batch before rows cols"]
    ) -> Float[Tensor, "batch after rows2 cols2"]:
        x = self.norm(self.conv(x))
        return self.activation(x) if self.activation else x


class Squeeze(nn.Module):
    """Squeeze-and-excitation: what there is of each channel on the whole, as a factor of it."""

    def __init__(self, width: int, middle: int, config: EfficientNetConfig) -> None:
        super().__init__()
        self.reduce = Convolution(width, middle, bias=True)
        self.expand = Convolution(middle, width, bias=True)
        self.activation = ACTIVATIONS[config.gate_activation]
        self.gate = GATES[config.gate]

    def forward(
        self, x: Float[Tensor, "batch width rows cols"]
    ) -> Float[Tensor, "batch width rows cols"]:
        mean = x.mean((2, 3), keepdim=True)
        return x * self.gate(self.expand(self.activation(self.reduce(mean))))


class InvertedResidual(nn.Module):
    """Widen, look around in each channel, narrow without an activation, and add.

    A fused block looks around while it widens. The attention it is offered it does not use.
    """

    def __init__(self, before: int, shape: BlockShape, config: EfficientNetConfig) -> None:
        super().__init__()
        hidden, act = shape.hidden or shape.width, shape.activation
        wide = hidden if shape.expands else before
        self.expand: nn.Module = nn.Identity()
        self.depthwise: nn.Module = nn.Identity()
        if shape.fused:
            self.expand = ConvNorm(before, hidden, shape.kernel, shape.stride, config, act)
        else:
            if shape.expands:
                self.expand = ConvNorm(before, wide, 1, 1, config, act)
            self.depthwise = ConvNorm(wide, wide, shape.kernel, shape.stride, config, act, wide)
        self.squeeze = Squeeze(wide, shape.squeeze, config) if shape.squeeze else nn.Identity()
        project = ConvNorm(wide, shape.width, 1, 1, config)
        self.project = project if shape.hidden else nn.Identity()
        self.adds = shape.stride == 1 and before == shape.width

    def forward(
        self,
        z: Float[Tensor, "batch before rows cols"],
        attend: Attend | None = None,  # noqa: ARG002
    ) -> Float[Tensor, "batch width rows2 cols2"]:
        out: Tensor = self.project(self.squeeze(self.depthwise(self.expand(z))))
        return z + adds("convolution", out) if self.adds else out


class LastConvolution(ConvNorm):
    """The last layer: its mean over all places is what the head reads."""

    def forward(
        self,
        x: Float[Tensor, "batch before rows cols"],
        attend: Attend | None = None,  # noqa: ARG002
    ) -> Float[Tensor, "batch after rows cols"]:
        return super().forward(x)


class EfficientNet(Network):
    """The whole network; a state is batch x width x rows x columns."""

    def __init__(self, config: EfficientNetConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = ConvNorm(3, config.stem, 3, 2, config, config.activation)
        widths = [config.stem, *(block.width for block in config.blocks)]
        last = LastConvolution(widths[-1], config.last, 1, 1, config, config.activation)
        inverted = (
            InvertedResidual(before, block, config)
            for before, block in zip(widths, config.blocks, strict=False)
        )
        self.blocks = nn.ModuleList(chain(inverted, [last]))
        hidden, classes = config.hidden, config.class_count
        has_hidden = bool(hidden and classes)
        self.hidden = nn.Linear(config.last, hidden) if has_hidden else None
        features = hidden if has_hidden else config.last
        self.head = nn.Linear(features, classes) if classes else nn.Identity()

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

    def _pooled(self, z: Float[Tensor, "batch width rows cols"]) -> Float[Tensor, "batch numbers"]:
        """What the head reads."""
        pooled: Tensor = z.mean((2, 3))
        if self.hidden is not None:  # MobileNet v3
            pooled = ACTIVATIONS[self.config.activation](self.hidden(pooled))
        return pooled

    def readers(self, z: Float[Tensor, "batch width rows cols"]) -> tuple[Reader, ...]:
        if not isinstance(self.head, nn.Linear):
            return ()
        return (
            Reader("the mean of all places", self._pooled(z)[0], self.head.weight, self.head.bias),
        )

    def filters(self, input_size: tuple[int, int]) -> Filters:
        first = self.stem.conv
        return first.filters(input_size, ("a factor and a shift", self.config.activation))
