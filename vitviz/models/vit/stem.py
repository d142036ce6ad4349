"""The convolutional network under a hybrid Vision Transformer: patches are of its features.

Sources: Dosovitskiy et al., arXiv 2010.11929, section 3.1 ("Hybrid Architecture") and appendix B.1:
a ResNet whose batch norms are group norms, with standardised convolutions (Qiao et al., "Weight
Standardization", arXiv 1903.10520; Kolesnikov et al., "Big Transfer", arXiv 1912.11370); Steiner et
al., arXiv 2106.10270, for R26 and "R + ViT-Ti/16", whose stem is the first convolution alone.
Bottlenecks are those of He et al., arXiv 1512.03385, their stride in the 3 x 3 convolution.
Parameters are called as in timm ``resnetv2.py``; convolutions are padded as TensorFlow does it.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from vitviz.models.vit.config import ViTConfig
from vitviz.models.vit.parameters import STEM_WIDTH
from vitviz.shapes import Float

GROUPS = 32

STANDARD_EPS = 1e-8
"""Of the spread of a filter's weights. Source: timm ``vision_transformer_hybrid.py``."""

Image = Float[Tensor, "batch channels height width"]


def same(
    x: Image, kernel: int, stride: int, value: float = 0.0
) -> Float[Tensor, "batch channels padded_height padded_width"]:
    """Padded so that one place is put out for each ``stride``; odd padding goes right and below."""
    pads = []
    for length in (x.shape[3], x.shape[2]):
        total = max((-(-length // stride) - 1) * stride + kernel - length, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads, value=value)


class StandardConv(nn.Conv2d):
    """A convolution whose filters have mean 0 and variance 1 before they are used."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int = 1) -> None:
        super().__init__(channels, out, kernel, stride, bias=False)

    def forward(self, x: Image) -> Tensor:
        flat = self.weight.flatten(1)
        mean = flat.mean(dim=1, keepdim=True)
        spread = (flat.var(dim=1, keepdim=True, correction=0) + STANDARD_EPS).sqrt()
        weight = ((flat - mean) / spread).view_as(self.weight)
        return F.conv2d(same(x, self.kernel_size[0], self.stride[0]), weight, None, self.stride)


class Shortcut(nn.Module):
    """The way around a block that changes the shape."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv = StandardConv(channels, out, 1, stride)
        self.norm = nn.GroupNorm(GROUPS, out)

    def forward(self, x: Image) -> Tensor:
        out: Tensor = self.norm(self.conv(x))
        return out


class Bottleneck(nn.Module):
    """Three convolutions around which the input goes, too."""

    def __init__(self, channels: int, out: int, stride: int, first: bool) -> None:
        super().__init__()
        inner = out // 4
        self.downsample = Shortcut(channels, out, stride) if first else nn.Identity()
        self.conv1, self.norm1 = StandardConv(channels, inner, 1), nn.GroupNorm(GROUPS, inner)
        self.conv2, self.norm2 = StandardConv(inner, inner, 3, stride), nn.GroupNorm(GROUPS, inner)
        self.conv3, self.norm3 = StandardConv(inner, out, 1), nn.GroupNorm(GROUPS, out)

    def forward(self, x: Image) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        y = F.relu(self.norm2(self.conv2(y)))
        return F.relu(self.norm3(self.conv3(y)) + self.downsample(x))


class Stage(nn.Module):
    """Blocks of one width; the first halves the grid, but for the first stage's."""

    def __init__(self, channels: int, out: int, stride: int, blocks: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *(
                Bottleneck(out if block else channels, out, 1 if block else stride, not block)
                for block in range(blocks)
            )
        )

    def forward(self, x: Image) -> Tensor:
        out: Tensor = self.blocks(x)
        return out


class Beginning(nn.Module):
    """The first convolution and the pooling after it: a quarter of the input along each side."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = StandardConv(3, STEM_WIDTH, 7, 2), nn.GroupNorm(GROUPS, STEM_WIDTH)

    def forward(self, x: Image) -> Tensor:
        y = F.relu(self.norm(self.conv(x)))
        return F.max_pool2d(same(y, 3, 2, value=-float("inf")), 3, 2)


class Stem(nn.Module):
    """The whole: an image to features, one place for ``ViTConfig.stem_stride`` pixels."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.stem, stages = Beginning(), []
        before = STEM_WIDTH
        for stage, blocks in enumerate(config.stem or ()):
            out = STEM_WIDTH * 2 ** (stage + 2)
            stages.append(Stage(before, out, 2 if stage else 1, blocks))
            before = out
        self.stages = nn.ModuleList(stages)

    def forward(self, image: Float[Tensor, "batch 3 height width"]) -> Tensor:
        x: Tensor = self.stem(image)
        for stage in self.stages:
            x = stage(x)
        return x
