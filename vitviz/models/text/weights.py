"""Text towers in files: CLIP's and SigLIP's, as OpenAI and OpenCLIP, and as transformers name them.

Sources: openai/CLIP ``model.py``, mlfoundations/open_clip ``transformer.py`` (``TextTransformer``)
and ``model_configs/``, transformers ``modeling_clip.py`` and ``modeling_siglip.py``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.configs import ACTIVATIONS
from vitviz.models.checkpoints.fitting import fitted, shape_of
from vitviz.models.checkpoints.reader import Notes, Tensors
from vitviz.models.checkpoints.renaming import Names, named
from vitviz.models.checkpoints.said import Said
from vitviz.models.config import Activation
from vitviz.models.text.config import TextConfig
from vitviz.models.text.network import TextTransformer
from vitviz.plurals import count_of

CLIP_VOCABULARY = 49_408
"""Tokens of CLIP's byte-pair encoding, with the marks of start and end."""

SIGLIP_2_VOCABULARY = 256_000
"""Tokens of SigLIP 2's, which is Gemma's."""

ODD_HEADS = {1152: 16}
"""Heads that are not 64 wide, by width. Source: OpenCLIP's ``ViT-SO400M-14-SigLIP.json``."""

OPENAI_BLOCKS: Names = (
    (r"^transformer\.resblocks\.", "blocks."),
    (r"\.ln_([12])\.", r".norm\1."),
    (r"\.attn\.in_proj_", ".attn.qkv."),
    (r"\.attn\.out_proj\.", ".attn.proj."),
    (r"\.mlp\.c_fc\.", ".mlp.fc1."),
    (r"\.mlp\.c_proj\.", ".mlp.fc2."),
)
"""Of both towers of CLIP."""

OPENAI: Names = (
    *OPENAI_BLOCKS,
    (r"^token_embedding\.", "tokens."),
    (r"^positional_embedding$", "pos_embed"),
    (r"^ln_final\.", "norm."),
    (r"^text_projection\.", "proj."),
)

TRANSFORMERS_BLOCKS: Names = (
    (r"^encoder\.layers\.", "blocks."),
    (r"\.layer_norm([12])\.", r".norm\1."),
    (r"\.self_attn\.([qkv])_proj\.", r".attn.\1."),
    (r"\.self_attn\.out_proj\.", ".attn.proj."),
)
"""Of both towers of CLIP and of SigLIP."""

TRANSFORMERS: Names = (
    *TRANSFORMERS_BLOCKS,
    (r"^embeddings\.token_embedding\.", "tokens."),
    (r"^embeddings\.position_embedding\.weight$", "pos_embed"),
    (r"^final_layer_norm\.", "norm."),
    (r"^(head|text_projection)\.", "proj."),
)

OF_TEXT = re.compile(
    r"(transformer|token_embedding|ln_final)\.|positional_embedding$|text_projection"
)
"""Names of OpenAI's text tower, which stand beside "visual." and the scale."""


KINDS = {"heads": int, "norm_eps": float, "activation": str, "causal": bool, "pool": str}
"""Of what a config.json may say of a text tower."""


class Matching(NamedTuple):
    """How a model tells from the cosine of an image's and a text's vectors that they belong
    together: by a softmax over texts, or a sigmoid for each, of scale * cosine + bias.

    Args:
        scale: Of the cosine; both learned.
        bias: 0 for a softmax.
        each: Whether each text is judged by itself: a sigmoid (SigLIP).
    """

    scale: float
    bias: float
    each: bool


def text_config(
    tensors: Tensors, said: Said, embedding: int, activation: Activation
) -> tuple[TextConfig | None, Notes]:
    """The text tower of a checkpoint; None where it has none, or one that is not read, which is
    then noted.

    Args:
        tensors: Of the whole file; only names and shapes are looked at.
        said: What is said beside it.
        embedding: Length of the vectors that the image tower gives.
        activation: Of CLIP's image tower: both have the same, where nothing else is said.
    """
    shapes = {key: torch.empty(t.shape, dtype=t.dtype, device="meta") for key, t in tensors.items()}
    if not any(map(_is_of_text, shapes)):
        return None, ()
    try:
        found = _our_names(shapes)
        config, notes = _config(found, said, _is_transformers(shapes), activation)
        if config.projection != embedding:
            raise CheckpointError(
                f"its vectors have {config.projection} numbers, and those of images {embedding}"
            )
        if "logit_scale" not in tensors:
            raise CheckpointError('it lacks "logit_scale"')
        _fitted(found, config)
    except CheckpointError as error:
        return None, (f"Its text tower is not read: {error.message.rstrip('.')}.",)
    except ValueError as error:
        return None, (f"Its text tower is not read: {error}.",)
    return config, notes


def convert(tensors: Tensors, config: TextConfig) -> Tensors:
    """The text tower's parameters under our names, from all of a file's tensors.

    Raises:
        CheckpointError: They are not those of this tower.
    """
    return _fitted(_our_names(tensors), config)


def matching(tensors: Tensors, config: TextConfig) -> Matching:
    """How images and texts are matched.

    Raises:
        CheckpointError: It is not told by single finite numbers.
    """
    numbers = {}
    for name in ("logit_scale", "logit_bias"):
        tensor = tensors.get(name, torch.zeros(1))
        value = float(tensor.float().reshape(-1)[0]) if tensor.numel() == 1 else math.nan
        if not abs(value) < 100:
            raise CheckpointError(f'"{name}" of the checkpoint is no single number in reason.')
        numbers[name] = value
    return Matching(math.exp(numbers["logit_scale"]), numbers["logit_bias"], not config.causal)


def _is_of_text(key: str) -> bool:
    return key.startswith(("text.", "text_model.", "token_embedding."))


def _is_transformers(tensors: Tensors) -> bool:
    return any(key.startswith("text_model.") for key in tensors)


def _our_names(tensors: Tensors) -> dict[str, Tensor]:
    if _is_transformers(tensors):
        inside = {
            key.removeprefix("text_model."): tensor
            for key, tensor in tensors.items()
            if key.startswith(("text_model.", "text_projection."))
        }
        return named(inside, TRANSFORMERS, r"embeddings\.position_ids$")
    if any(key.startswith("text.") for key in tensors):
        inside = {k.removeprefix("text."): t for k, t in tensors.items() if k.startswith("text.")}
    else:
        inside = {key: tensor for key, tensor in tensors.items() if OF_TEXT.match(key)}
    found = named(inside, OPENAI, r"attn_mask$")
    if "text_projection" in found:
        found["proj.weight"] = found.pop("text_projection").T  # x @ text_projection there
    return found


def _config(
    found: Tensors, said: Said, transformers: bool, activation: Activation
) -> tuple[TextConfig, Notes]:
    if "tokens.weight" not in found:
        raise CheckpointError("it is no transformer as CLIP and SigLIP have it")
    vocabulary, width = shape_of(found, "tokens.weight", 2)
    siglip = "proj.bias" in found
    told = _told(said)
    _check_kind(told, vocabulary, siglip, said)
    heads = told.get("heads") or ODD_HEADS.get(width, width // 64)
    notes: Notes = ()
    if heads < 1:
        raise CheckpointError(f"nothing says how many heads share a width of {width}")
    if said.kind not in ("transformers", "open_clip"):
        are = "is" if heads == 1 else "are"
        notes = (f"{count_of(heads, 'head')} {are} assumed in its text tower.",)
    if siglip:
        new = vocabulary == SIGLIP_2_VOCABULARY
        activation = "gelu_tanh" if transformers or new else "gelu"
    config = TextConfig(
        vocabulary=vocabulary,
        context=shape_of(found, "pos_embed", 2)[0],
        width=width,
        depth=len({name.split(".")[1] for name in found if name.startswith("blocks.")}),
        heads=heads,
        mlp_width=shape_of(found, "blocks.0.mlp.fc1.weight", 2)[0],
        projection=shape_of(found, "proj.weight", 2)[0],
        activation=told.get("activation", activation),
        norm_eps=told.get("norm_eps", 1e-6 if siglip else 1e-5),
        causal=not siglip,
        projection_bias=siglip,
    )
    return config, notes


def _check_kind(told: Mapping[str, Any], vocabulary: int, siglip: bool, said: Said) -> None:
    """Refuses what is neither CLIP's nor SigLIP's way: other towers have the same parameters."""
    if told.get("causal", not siglip) == siglip or told.get("pool", "") not in ("", "usual"):
        raise CheckpointError("it pools or masks in a way that vitviz does not know")
    if not siglip and vocabulary != CLIP_VOCABULARY and said.kind != "transformers":
        raise CheckpointError(f"it has {vocabulary:,} tokens, which are not CLIP's")


def _told(said: Said) -> dict[str, Any]:
    """What a config.json says of the text tower, in our words."""
    arguments = said.arguments.get("model_cfg", said.arguments)
    part = "text_config" if said.kind == "transformers" else "text_cfg"
    text = arguments.get(part) if isinstance(arguments, Mapping) else None
    if not isinstance(text, Mapping):
        return {}
    found: dict[str, Any] = {
        "heads": text.get("num_attention_heads", text.get("heads")),
        "norm_eps": text.get("layer_norm_eps"),
        "activation": ACTIVATIONS.get(str(text.get("hidden_act"))),
    }
    if said.kind == "open_clip":
        found |= _told_by_open_clip(text)
    return {name: value for name, value in found.items() if type(value) is KINDS[name]}


def _told_by_open_clip(text: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"causal": text.get("no_causal_mask") is not True}
    pool = text.get("pool_type", "argmax")
    found["pool"] = "usual" if pool == ("argmax" if found["causal"] else "last") else str(pool)
    act, norm = text.get("act_kwargs"), text.get("norm_kwargs")
    if isinstance(act, Mapping) and act.get("approximate") == "tanh":
        found["activation"] = "gelu_tanh"
    if isinstance(norm, Mapping):
        found["norm_eps"] = norm.get("eps")
    return found


def _fitted(found: Tensors, config: TextConfig) -> Tensors:
    with torch.device("meta"):
        network = TextTransformer(config)
    return fitted(found, network, f"a text tower of {config.depth} blocks, {config.width} wide")
