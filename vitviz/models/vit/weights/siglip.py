"""SigLIP's and SigLIP 2's image tower, under the names of timm and of transformers.

Sources: timm ``vision_transformer.py`` (``vit_*_siglip_*``), transformers ``modeling_siglip.py``
and ``modeling_siglip2.py``. OpenCLIP has timm's tower.
"""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from vitviz.errors import CheckpointError
from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.reader import Notes, Reader, Tensors
from vitviz.models.checkpoints.renaming import Names, named
from vitviz.models.checkpoints.said import NOT_SAID, Assumption, Said
from vitviz.models.text.weights import TRANSFORMERS_BLOCKS
from vitviz.models.vit.config import ViTConfig
from vitviz.models.vit.weights.clip import tower
from vitviz.models.vit.weights.heard import heard
from vitviz.models.vit.weights.parts import ONLY_FOR_TRAINING, TIMM
from vitviz.models.vit.weights.shapes import fit, infer
from vitviz.models.vit.weights.text import with_text

TRANSFORMERS: Names = (
    (r"^embeddings\.patch_embedding\.", "patch_embed.proj."),
    (r"^embeddings\.position_embedding\.weight$", "pos_embed"),
    (r"^post_layernorm\.", "norm."),
    *TRANSFORMERS_BLOCKS,
    (r"^head\.probe$", "attn_pool.latent"),
    (r"^head\.attention\.out_proj\.", "attn_pool.proj."),
    (r"^head\.layernorm\.", "attn_pool.norm."),
    (r"^head\.mlp\.", "attn_pool.mlp."),
    (r"^classifier\.", "head."),
)


def our_names(tensors: Tensors) -> dict[str, Tensor]:
    """The image tower under our names."""
    if not _is_transformers(tensors):
        return named(tensors, TIMM, ONLY_FOR_TRAINING)
    inside = tower(tensors, "vision_model.")
    classes = {key: tensor for key, tensor in tensors.items() if key.startswith("classifier.")}
    # A classifier reads the mean of the patches, and leaves the learned query aside.
    skipped = r"embeddings\.position_ids$" + (r"|head\." if classes else "")
    found = named(inside | classes, TRANSFORMERS, skipped)
    if "pos_embed" in found and found["pos_embed"].ndim == 2:
        found["pos_embed"] = found["pos_embed"][None]
    for part in ("weight", "bias"):
        whole = found.pop(f"head.attention.in_proj_{part}", None)
        if whole is not None:
            width = len(whole) // 3
            found[f"attn_pool.q.{part}"], found[f"attn_pool.kv.{part}"] = (
                whole[:width],
                whole[width:],
            )
    return _as_convolution(found)


def _as_convolution(found: dict[str, Tensor]) -> dict[str, Tensor]:
    """SigLIP 2 of transformers projects patches that are cut already, channels last."""
    weight = found.get("patch_embed.proj.weight")
    if weight is None or weight.ndim != 2:
        return found
    patch = math.isqrt(weight.shape[1] // 3)
    if 3 * patch * patch != weight.shape[1]:
        raise CheckpointError(
            f"The model's patches have {weight.shape[1]} numbers, which are no square of RGB.",
        )
    cut = weight.reshape(len(weight), patch, patch, 3).permute(0, 3, 1, 2)
    return found | {"patch_embed.proj.weight": cut}


def _is_transformers(tensors: Tensors) -> bool:
    name = "embeddings.patch_embedding.weight"
    return name in tensors or f"vision_model.{name}" in tensors


def recognises(tensors: Tensors) -> bool:
    """Whether the names are those of a SigLIP."""
    if _is_transformers(tensors):
        return not any(key.endswith("embeddings.class_embedding") for key in tensors)
    timms = {"attn_pool.latent", "patch_embed.proj.weight"}
    return timms <= tensors.keys() and "norm_pre.weight" not in tensors


def activation(found: Tensors) -> str:
    """Of timm's: the tanh that all were trained with, only where timm has it, too.

    Source: timm ``vision_transformer.py``: the SigLIP 2 sizes that SigLIP had not.
    """
    width, _, _, patch = found["patch_embed.proj.weight"].shape
    positions = found["pos_embed"].shape[1] if "pos_embed" in found else 0
    new = patch == 32 or (width, patch) in ((1152, 16), (1536, 16))
    return "gelu_tanh" if new or (width, positions) == (1024, 32 * 32) else "gelu"


def is_gap(found: Tensors) -> bool:
    """Whether a plain ViT is a SigLIP whose learned query timm has taken off (``siglip_gap``)."""
    there = found.keys()
    others = {"cls_token", "reg_token", "fc_norm.weight", "head.weight", "blocks.0.ls1.gamma"}
    return {"norm.weight", "pos_embed", "patch_embed.proj.weight"} <= there and not others & there


def config(tensors: Tensors, said: Said = NOT_SAID) -> tuple[ViTConfig, Notes]:
    """The image tower, from the shapes."""
    found = our_names(tensors)
    usual: dict[str, Any] = {"activation": "gelu_tanh", "pool": "mean"}
    if _is_transformers(tensors):
        cut = any(key.endswith("patch_embedding.weight") and t.ndim == 2
                  for key, t in tensors.items())  # fmt: skip
        usual["position_resizing"] = "linear antialiased" if cut else "cubic"
    elif "patch_embed.proj.weight" in found:
        usual["activation"] = activation(found)
    image, notes = infer(found, heard(said), usual)
    return with_text(image, notes, tensors, said, "gelu_tanh")


def convert(tensors: Tensors, config: ViTConfig) -> Tensors:
    """The image tower's parameters under our names."""
    return fit(our_names(tensors), lambda name: name, config)


def preprocessing(config: ViTConfig) -> tuple[Preprocessing, Notes]:
    """As SigLIP: squashed to the input, bicubic, mean and std 0.5.

    Source: transformers ``SiglipImageProcessor``; google-research/big_vision.
    """
    half = (0.5, 0.5, 0.5)
    note = "Preprocessing is assumed: squashed, bicubic, mean = std = 0.5, as SigLIP was trained."
    found = Preprocessing(config.input_size, config.patch, half, half, "squash", edge=0)
    return found, (Assumption("preprocessing", note),)


READER = Reader(
    "siglip", "SigLIP (timm, OpenCLIP, transformers)", recognises, config, convert, preprocessing
)
