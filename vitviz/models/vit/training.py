"""How Vision Transformers are trained."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from vitviz.models.network import softmax_attention
from vitviz.models.training import Kind, Role, Training
from vitviz.models.vit.config import ViTConfig
from vitviz.models.vit.network import Block, VisionTransformer
from vitviz.shapes import Float


def config_of(network: VisionTransformer) -> ViTConfig:
    """Its shape."""
    return network.config


def depths(teacher: VisionTransformer) -> tuple[int, ...]:
    """The divisors of its own: each block of a student learns what so many of the teacher do."""
    blocks = len(teacher.blocks)
    return tuple(depth for depth in range(1, blocks + 1) if blocks % depth == 0)


def student_of(teacher: VisionTransformer, depth: int, seed: int) -> VisionTransformer:
    """A network of the teacher's shape but for its depth, with random weights.

    Source: truncated normal of std 0.02 and no bias, as DeiT and timm. Positions begin at 0:
    smaller inputs see them through a blur, and never correct what it hides.
    """
    torch.manual_seed(seed)
    student = VisionTransformer(replace(teacher.config, depth=depth, text=None, cls_layers=1))
    for name, parameter in student.named_parameters():
        if name.endswith(".bias"):
            nn.init.zeros_(parameter)
        elif parameter.ndim == 2:
            nn.init.trunc_normal_(parameter, std=0.02)
    if student.pos_embed is not None:
        nn.init.zeros_(student.pos_embed)
    return student.to(teacher.patch_embed.proj.weight.device)


def classifier_of(network: VisionTransformer, classes: int) -> VisionTransformer:
    """A network with another head, which begins at zero, and all else as it is.

    Source: Dosovitskiy et al., arXiv 2010.11929, section 3.2 (a zero-initialised head).
    """
    config = replace(network.config, classes=classes, projection=0, text=None, cls_layers=1)
    result = VisionTransformer(config).to(network.patch_embed.proj.weight.device)
    body = {n: t for n, t in network.state_dict().items() if not n.startswith("head")}
    result.load_state_dict(body, strict=False)
    for head in (result.head, result.head_dist):
        if isinstance(head, nn.Linear):
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)
    return result


def roles(network: VisionTransformer) -> dict[str, Role]:
    """What each parameter is; the last norm counts to what comes after the blocks."""
    depth = len(network.blocks)
    return {
        name: Role(_layer(name, depth), _kind(parameter), name.startswith("head"))
        for name, parameter in network.named_parameters()
    }


def _layer(name: str, depth: int) -> int:
    if name.startswith("blocks."):
        return int(name.split(".")[1])
    return depth if name.startswith(("head", "norm.", "fc_norm.")) else -1


def _kind(parameter: Tensor) -> Kind:
    if parameter.ndim in (2, 4):  # the patch embedding, a convolution, is one matrix
        return "matrix"
    return "vector" if parameter.ndim == 1 else "tokens"


def forward(
    network: VisionTransformer,
    images: Float[Tensor, "batch 3 height width"],
    kept: Float[Tensor, "blocks 2 batch"],
) -> Float[Tensor, "batch classes"]:
    """A forward in which each branch of each block is multiplied with a number for each image.

    Args:
        network: The network.
        images: Normalised.
        kept: Of the attention's branch, then of the MLP's: 0 where it is left out, and one by the
            chance of that not happening elsewhere.

    Source: Huang et al., arXiv 1603.09382.
    """
    z = network.embed(images)
    places = network.places((images.shape[2], images.shape[3]))
    for block, place, weights in zip(network.blocks, places, kept[..., None, None], strict=True):
        assert isinstance(block, Block)
        out = z + weights[0] * block.attention_branch(z, softmax_attention, **place)
        z = out + weights[1] * block.mlp_branch(z if block.order == "parallel" else out)
    return network.classify(z)


TRAINING = Training(config_of, depths, student_of, classifier_of, roles, forward)
