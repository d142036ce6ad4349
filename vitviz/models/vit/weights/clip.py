"""CLIP's image tower, under the names of OpenAI and OpenCLIP, of transformers and of timm.

Sources: openai/CLIP ``model.py``, mlfoundations/open_clip ``transformer.py``, transformers
``modeling_clip.py``, timm ``vision_transformer.py`` (``_convert_openai_clip``). Also MetaCLIP, DFN
and others that were trained with these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.reader import Notes, Reader, Tensors
from vitviz.models.checkpoints.renaming import Names, named
from vitviz.models.checkpoints.said import NOT_SAID, Assumption, Said
from vitviz.models.text.weights import OPENAI_BLOCKS, TRANSFORMERS_BLOCKS
from vitviz.models.vit.config import ViTConfig
from vitviz.models.vit.weights.heard import heard
from vitviz.models.vit.weights.parts import ONLY_FOR_TRAINING, TIMM
from vitviz.models.vit.weights.shapes import fit, infer
from vitviz.models.vit.weights.text import with_text

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)

OPENAI: Names = (
    (r"^conv1\.", "patch_embed.proj."),
    (r"^class_embedding$", "cls_token"),
    (r"^positional_embedding$", "pos_embed"),
    (r"^ln_pre\.", "norm_pre."),
    (r"^ln_post\.", "norm."),
    (r"^proj$", "proj.weight"),
    (r"\.ls_([12])\.gamma$", r".ls\1.gamma"),
    *OPENAI_BLOCKS,
)

TRANSFORMERS: Names = (
    (r"^embeddings\.class_embedding$", "cls_token"),
    (r"^embeddings\.patch_embedding\.", "patch_embed.proj."),
    (r"^embeddings\.position_embedding\.weight$", "pos_embed"),
    (r"^pre_layrnorm\.", "norm_pre."),
    (r"^post_layernorm\.", "norm."),
    (r"^visual_projection\.", "proj."),
    *TRANSFORMERS_BLOCKS,
)

SHARED = frozenset({256, 512, 640, 768, 896, 1024, 1152, 1280})
"""Lengths of the embeddings that images and texts share: where values are not there to look at."""


def tower(tensors: Tensors, prefix: str) -> dict[str, Tensor]:
    """The image tower's parameters of a file: those under a prefix, or all where there is none."""
    inside = {key.removeprefix(prefix): t for key, t in tensors.items() if key.startswith(prefix)}
    return inside or dict(tensors)


def our_names(tensors: Tensors) -> dict[str, Tensor]:
    """The image tower under our names."""
    if _is_transformers(tensors):
        inside = tower(tensors, "vision_model.")
        if "visual_projection.weight" in tensors:
            inside["visual_projection.weight"] = tensors["visual_projection.weight"]
        # The indices of the positions, which older files hold.
        return _shaped(named(inside, TRANSFORMERS, r"embeddings\.position_ids$"))
    if "norm_pre.weight" in tensors:
        return with_projection(named(tensors, TIMM, ONLY_FOR_TRAINING))
    found = _shaped(named(tower(tensors, "visual."), OPENAI))
    if "proj.weight" in found:
        found["proj.weight"] = found["proj.weight"].T  # x @ proj there
    return found


def _shaped(found: dict[str, Tensor]) -> dict[str, Tensor]:
    """A token and positions with the axes that ours have."""
    for name, axes in (("cls_token", 1), ("pos_embed", 2)):
        if name in found and found[name].ndim == axes:
            found[name] = found[name].reshape(1, -1, found[name].shape[-1])
    return found


def with_projection(found: dict[str, Tensor]) -> dict[str, Tensor]:
    """Timm keeps CLIP's projection as a head whose bias is zero: no classes, then."""
    weight, bias = found.get("head.weight"), found.get("head.bias")
    if weight is None or bias is None:
        return found
    known = len(weight) in SHARED
    if known if bias.is_meta else not bias.any():
        rest = {n: t for n, t in found.items() if not n.startswith("head.")}
        return rest | {"proj.weight": weight}
    return found


def _is_transformers(tensors: Tensors) -> bool:
    name = "embeddings.class_embedding"
    return name in tensors or f"vision_model.{name}" in tensors


def recognises(tensors: Tensors) -> bool:
    """Whether the names are those of a CLIP with a ViT."""
    if _is_transformers(tensors):
        return True
    if "norm_pre.weight" in tensors:
        return "norm.weight" in tensors and "attn_pool.latent" not in tensors
    inside = tower(tensors, "visual.")
    return "class_embedding" in inside and "transformer.resblocks.0.ln_1.weight" in inside


def _usual(tensors: Tensors, said: Said) -> tuple[dict[str, Any], Notes]:
    usual: dict[str, Any] = {"norm_eps": 1e-5, "pool": "cls", "activation": "gelu"}
    if _is_transformers(tensors):
        usual["position_resizing"] = "cubic"
    if said.get("activation", str):
        return usual, ()
    if said.kind == "timm":
        quick = "quickgelu" in said.architecture
        return {**usual, "activation": "quick_gelu" if quick else "gelu"}, ()
    if said.kind == "open_clip":
        return {**usual, "activation": _open_clip_activation(said)}, ()
    if "input_resolution" in tensors or _in_openais_order(list(tensors)):
        return {**usual, "activation": "quick_gelu"}, ()
    if _is_transformers(tensors) or any(t.dtype.itemsize == 2 for t in tensors.values()):
        usual["activation"] = "quick_gelu"
    note = (
        f"The activation is assumed to be {usual['activation']}: OpenAI's, MetaCLIP's and DFN's "
        "have quick_gelu, LAION's and most others gelu, and the weights do not tell."
    )
    return usual, (Assumption("activation", note),)


def _in_openais_order(keys: list[str]) -> bool:
    """OpenAI's blocks are made attention first, and ``input_resolution`` is only in their files;
    OpenCLIP's are made as they run. Keys that were sorted tell nothing.
    """
    of_block = [key for key in keys if "visual.transformer.resblocks.0." in key]
    parts = list(dict.fromkeys(key.split(".resblocks.0.")[1].split(".")[0] for key in of_block))
    return parts == ["attn", "ln_1", "mlp", "ln_2"]


def _open_clip_activation(said: Said) -> str:
    inside = said.arguments.get("model_cfg", said.arguments)
    quick = isinstance(inside, Mapping) and inside.get("quick_gelu")
    return "quick_gelu" if quick or "quickgelu" in said.architecture else "gelu"


def config(tensors: Tensors, said: Said = NOT_SAID) -> tuple[ViTConfig, Notes]:
    """The image tower, from the shapes."""
    said = heard(said)
    usual, notes = _usual(tensors, said)
    found, more = infer(our_names(tensors), said, usual)
    return with_text(found, (*notes, *more), tensors, said, found.activation)


def convert(tensors: Tensors, config: ViTConfig) -> Tensors:
    """The image tower's parameters under our names."""
    return fit(our_names(tensors), lambda name: name, config)


def preprocessing(config: ViTConfig) -> tuple[Preprocessing, Notes]:
    """As CLIP: the shorter edge to the input's, bicubic.

    Source: openai/CLIP ``clip.py``.
    """
    note = (
        "Preprocessing is assumed: shorter edge to the input's, bicubic, OpenAI's mean and std; "
        "some of LAION's large ones were trained with mean = std = 0.5."
    )
    found = Preprocessing(
        config.input_size, config.patch, CLIP_MEAN, CLIP_STD, edge=min(config.input_size)
    )
    return found, (Assumption("preprocessing", note),)


READER = Reader(
    "clip", "CLIP (OpenAI, OpenCLIP, transformers, timm)", recognises, config, convert,
    preprocessing,
)  # fmt: skip
