"""Families that are known by their names, and not read yet: a refusal can say which it is.

Sources: the parameter names of timm, transformers, openai/CLIP, mlfoundations/open_clip,
microsoft/Swin-Transformer, facebookresearch/dinov3, lucidrains/vit-pytorch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from torch import Tensor

_SIGNS: tuple[tuple[str, str], ...] = (
    (
        "a relative of the Swin Transformer, or a part of one",
        r"(swin\.|swinv2\.)|(encoder\.)?layers\.\d+\.(blocks|downsample)\.|"
        r"features\.\d+\.\d+\.attn\.",
    ),
    ("a convolutional network", r"layer1\.0\.conv1|stages\.\d+\.(blocks\.)?\d+\.|features\.0\."),
    ("Segment Anything", r"(image_encoder\.)|blocks\.\d+\.attn\.rel_pos_[hw]$"),
    (
        "a Hugging Face transformers model (ViT, DeiT, DINOv2 or MAE)",
        r"(vit|deit|dinov2|dinov2_with_registers)\.|embeddings\.(cls_token|patch_embeddings)|"
        r"(encoder\.)?layer\.\d+\.(layernorm_before|norm1|attention)|layers\.\d+\.attention\.",
    ),
    ("a ViT with a convolutional stem", r"patch_embed\.(backbone|proj\.\d|conv)"),
    ("a vit-pytorch (lucidrains) model", r"to_patch_embedding\.|transformer\.layers\.\d+\.\d"),
    ("CaiT", r"blocks_token_only\."),
    ("a language model", r"(model\.)?embed_tokens|lm_head|wte\.|(transformer\.)?h\.\d+\."),
    ("a diffusion model", r"(unet\.|first_stage_model\.|model\.diffusion_model|down_blocks\.)"),
)  # fmt: skip


def foreign_family(keys: Iterable[str]) -> str | None:
    """What these keys belong to, for "This looks like ..."; None where nothing gives it away."""
    keys = list(keys)
    for family, pattern in _SIGNS:
        sign = re.compile(pattern)
        if any(sign.match(key) for key in keys):
            return family
    return None


def is_convolutional(tensors: Mapping[str, Tensor]) -> bool:
    """Whether most of the weights are convolutions', so that it is some convolutional network."""
    axes = [tensor.ndim for tensor in tensors.values() if tensor.ndim in (2, 4)]
    return 2 * axes.count(4) > len(axes)
