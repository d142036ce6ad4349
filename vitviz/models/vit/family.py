"""The Vision Transformer as a family: importing this does not load torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vitviz.models.config import TrainingInput
from vitviz.models.family import Family
from vitviz.models.text.config import TextConfig
from vitviz.models.vit.card_fields import config_fields, read_config
from vitviz.models.vit.config import ViTConfig
from vitviz.models.vit.cost import cost
from vitviz.models.vit.outline import outline

if TYPE_CHECKING:
    from vitviz.models.checkpoints.reader import Reader
    from vitviz.models.network import Network
    from vitviz.models.training import Training


def build(config: ViTConfig) -> Network:
    """A network with parameters yet to be loaded."""
    from vitviz.models.vit.network import VisionTransformer

    return VisionTransformer(config)


def readers() -> tuple[Reader, ...]:
    """Of the relatives first: a plain ViT's names are a part of theirs."""
    from vitviz.models.vit.weights import (
        aimv2,
        beit,
        clip,
        dinov3,
        google,
        naflex,
        open_clip,
        others,
        relatives,
        siglip,
        timm,
        torchvision,
        transformers,
        vit_pytorch,
    )

    files = (
        open_clip, clip, siglip, dinov3, beit, aimv2, relatives, naflex, timm, torchvision,
        transformers, google, vit_pytorch,
    )  # fmt: skip
    return tuple(file.READER for file in files) + others.READERS


def specimen() -> ViTConfig:
    """Three tokens before a grid that is not square."""
    return ViTConfig(
        patch=8, width=48, depth=3, heads=4, mlp_width=96, input_size=(40, 56), classes=5,
        prefix=("cls", "dist", "reg1"), positioned_prefix=2,
    )  # fmt: skip


def training() -> Training:
    """How one is trained."""
    from vitviz.models.vit.training import TRAINING

    return TRAINING


def trained(config: ViTConfig) -> TrainingInput:
    """The input it was trained on."""
    return TrainingInput(config.input_size, config.patch)


def text(config: ViTConfig) -> TextConfig | None:
    """The text tower in the same file (CLIP, SigLIP)."""
    return config.text


VIT = Family(
    "vit", "Vision Transformer", read_config, config_fields, trained, outline, cost, build, readers,
    specimen, training, text,
)  # fmt: skip
