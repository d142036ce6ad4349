"""What is known by its names and not read: a refusal can say what it is, and what would help.

Sources: the parameter names of timm, transformers, peft, bitsandbytes, openai/CLIP, openmim,
facebookresearch/segment-anything, and of the families that vitviz reads in part.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from torch import Tensor

from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.heads import HEAD
from vitviz.models.checkpoints.places import MERGE_FIRST

_STAGES = "which has stages of its own"
_MIXED = "a mixture of convolutions and attention"

_SIGNS: tuple[tuple[str, str], ...] = (
    ("a Swin Transformer", r"(swin\.|swinv2\.)|(encoder\.)?layers\.\d+\.(blocks|downsample)\."),
    ("a Swin Transformer", r"features\.\d+\.\d+\.attn\."),
    (f"LeViT, {_MIXED}", r"stages\.\d+\.blocks\.\d+\.attn\.attention_biases"),
    (f"MaxViT, {_MIXED}", r"stages\.\d+\.blocks\.\d+\.attn_block"),
    (f"MaxViT, {_MIXED}", r"blocks\.\d+\.layers\.\d+\.layers\.MBconv"),
    (f"DaViT, {_STAGES}", r"stages\.\d+\.blocks\.\d+\.\d+\.cpe1"),
    (f"PVT v2, {_STAGES}", r"stages\.\d+\.blocks\.\d+\.attn\.kv\."),
    (f"MobileViT, {_MIXED}", r"stages\.\d+\.\d+\.transformer\.\d+\."),
    (f"Segformer, {_STAGES}", r"segformer\."),
    ("XCiT, whose attention is among channels and not among patches", r"cls_attn_blocks\."),
    ("CaiT", r"blocks_token_only\."),
    ("a NaFlexViT with positions by row and column", r"embeds\.pos_embed_[xy]$"),
    ("a NaFlexViT of a kind", r"embeds\.(proj|pos_embed|norm)"),
    ("Segment Anything", r"image_encoder\.|(.*\.)?blocks\.\d+\.attn\.rel_pos_[hw]$"),
    ("YOLOS, which detects objects", r"(vit\.)?embeddings\.detection_tokens"),
    ("ViLT, which reads words and photos together", r"(vilt\.)?embeddings\.text_embeddings"),
    ("a ViT with a convolutional stem of another kind",
     r"(.*\.)?patch_embed\.(backbone\.(?!(stem|stages|conv|norm)\.)|proj\.\d|conv)"),
    ("a ViT with a convolutional stem", r"(vit\.)?embeddings\.patch_embeddings\.backbone"),
    ("a convolutional network",
     r"(?!.*patch_embed\.)(.*\.)?(layer1\.0\.conv1|stages\.\d+\.(blocks\.)?\d+\.)"),
    ("a convolutional network", r"features\.0\.|blocks\.\d+\.\d+\.(conv|bn)"),
    ("a convolutional network", r"(bn1|conv_stem|conv_head|stem\.\d+)\.(weight|\d)"),
    ("a convolutional network", r"(.*\.)?(resnet|convnext)\.(embedder|embeddings|encoder)"),
    ("a language model", r"(model\.)?embed_tokens|lm_head|wte\.|(transformer\.)?h\.\d+\.|bert\."),
    ("a diffusion model", r"(unet\.|first_stage_model\.|model\.diffusion_model|down_blocks\.)"),
)  # fmt: skip

UNQUANTISED = "Save the weights before they are quantised, as float32, float16 or bfloat16."


def foreign_family(keys: Iterable[str]) -> str | None:
    """What these keys belong to, for "This looks like ..."; None where nothing gives it away."""
    keys = list(keys)
    if _has(keys, r"blocks\.\d+\.proj\.weight$") and _has(keys, r"blocks\.\d+\.attn\.qkv\.weight$"):
        return f"Hiera, {_STAGES}"
    if _has(keys, r"patch_embed\.norm\.weight$") and _has(keys, r"blocks\.\d+\.mlp\.fc1_g\."):
        return "AIMv2"
    for family, pattern in _SIGNS:
        if _has(keys, pattern):
            return family
    return None


def _has(keys: list[str], pattern: str) -> bool:
    sign = re.compile(pattern)
    return any(sign.match(key) for key in keys)


def looks_changed(tensors: Mapping[str, Tensor]) -> CheckpointError | None:
    """The refusal of a network that was changed after it was trained: an adapter, quantised."""
    if any(re.search(r"\.lora_[AB]\.|\.lora_(down|up)\.|\.lora_magnitude", key) for key in tensors):
        return CheckpointError(
            "These are an adapter's parameters (LoRA), which change a network that lies elsewhere.",
            MERGE_FIRST,
        )
    quantised = next(
        (k for k in tensors if re.search(r"_packed_params|\.SCB$|\.quant_state|absmax$|qweight$|"
                                         r"weight_scale$|\.scales$|zero_point$", k)), None,
    )  # fmt: skip
    if quantised is not None:
        return CheckpointError(
            f"The weights are quantised: {quantised[:100]} is of a network whose numbers were "
            "rounded to whole ones.",
            UNQUANTISED,
        )
    return None


def is_head(tensors: Mapping[str, Tensor]) -> bool:
    """Whether this is one linear layer and nothing else."""
    matrices = [key for key, tensor in tensors.items() if tensor.ndim == 2]
    return len(matrices) == 1 and len(tensors) <= 2 and (
        matrices[0] in ("weight", "linear.weight") or bool(HEAD.match(matrices[0]))
    )  # fmt: skip


def is_convolutional(tensors: Mapping[str, Tensor]) -> bool:
    """Whether most of the weights are convolutions', so that it is some convolutional network."""
    axes = [tensor.ndim for tensor in tensors.values() if tensor.ndim in (2, 4)]
    return 2 * axes.count(4) > len(axes)
