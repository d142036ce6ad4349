"""EVA, EVA-02, and the rotary, relative, post-norm and parallel ViTs that timm has.

Sources: timm ``eva.py`` (EVA, EVA-02, RoPE-ViT of Naver, Perception Encoder),
``vision_transformer_relpos.py``, ``vision_transformer.py`` (``ResPostBlock``,
``ParallelScalingBlock``); baaivision/EVA for the names of the originals.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from vitviz.errors import CheckpointError
from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.reader import Notes, Reader, Tensors
from vitviz.models.checkpoints.renaming import Names, named
from vitviz.models.checkpoints.said import NOT_SAID, Assumption, Said
from vitviz.models.vit.config import Rope, ViTConfig
from vitviz.models.vit.weights.clip import CLIP_MEAN, CLIP_STD, tower, with_projection
from vitviz.models.vit.weights.parts import ONLY_FOR_TRAINING, TIMM, shared
from vitviz.models.vit.weights.shapes import fit, infer

EVA02 = Rope(base=10000.0, reference=(16, 16))
"""Also of timm's ``vit_*_rope_reg*_gap_256``."""

NAVER = Rope(base=100.0, axes="xy")
MIXED = Rope(axes="xy", learned=True)

PARALLEL: Names = (
    (r"\.in_norm\.", ".norm1."),
    (r"\.attn_out_proj\.", ".attn.proj."),
    (r"\.mlp_out_proj\.", ".mlp.fc2."),
)

NORM_FIRST = (
    "LayerNorms are assumed before each branch, as in the paper: timm's vit_base_patch16_rpn_224 "
    "has the same parameters, and has them after it. A config.json beside the file can say so."
)

FIRST = "blocks.0."


def our_names(tensors: Tensors) -> dict[str, Tensor]:
    """The parameters under our names."""
    if "visual.patch_embed.proj.weight" in tensors:  # EVA-CLIP of its authors
        tensors = tower(tensors, "visual.")
    found = named(tensors, (*PARALLEL, *TIMM), ONLY_FOR_TRAINING)
    found = shared(found, "shared_rel_pos.", "attn.rel_pos.")
    if {f"{FIRST}in_proj.weight", f"{FIRST}attn.proj.weight"} <= found.keys():
        found = _apart(found)
    if "norm_pre.weight" in found or f"{FIRST}attn.norm.weight" in found:
        found = with_projection(found)
    return found


def _apart(found: dict[str, Tensor]) -> dict[str, Tensor]:
    """Parallel blocks project to the MLP, q, k and v at once, and scale the sum of both."""
    result: dict[str, Tensor] = {}
    width = len(found[f"{FIRST}attn.proj.weight"])
    for name, tensor in found.items():
        block, _, part = name.rpartition(".in_proj.")
        if block and f"{block}.attn.proj.weight" not in found:
            raise CheckpointError(
                f'The checkpoint lacks "{block}.attn_out_proj.weight", which its parallel blocks '
                "should have.",
                "The network has parts that vitviz does not know: what it computes is not known.",
            )
        if block:
            three = 3 * width
            hidden = len(tensor) - three
            result[f"{block}.mlp.fc1.{part}"] = tensor[:hidden]
            result[f"{block}.attn.qkv.{part}"] = tensor[hidden:]
        elif name.endswith(".ls.gamma"):
            for ours in (".ls1.gamma", ".ls2.gamma"):
                result[name.replace(".ls.gamma", ours)] = tensor
        else:
            result[name.replace(".mlp_bias", ".mlp.fc1.bias")] = tensor
    return result


def recognises(tensors: Tensors) -> bool:
    """Whether the names are those of one of these, rather than of a plain ViT."""
    if "visual.patch_embed.proj.weight" in tensors:
        tensors = tower(tensors, "visual.")
    if "patch_embed.proj.weight" not in tensors:
        return False
    signs = (
        "attn.q_bias", "attn.q_proj.weight", "attn.rel_pos.mlp.fc1.weight", "in_proj.weight",
        "attn.inner_attn_ln.weight", "mlp.fc1_g.weight", "mlp.w1.weight",
    )  # fmt: skip
    marked = any(f"{FIRST}{sign}" in tensors for sign in signs)
    keys = tensors.keys()
    others = {"rope.freqs", "shared_rel_pos.mlp.fc1.weight", "norm_pre.weight"} & keys
    return (
        marked or bool(others)
        or ("pos_embed" not in tensors and bool({f"{FIRST}gamma_1", "rope.periods"} & keys))
    )  # fmt: skip


def post_norm(found: Tensors, said: Said) -> tuple[dict[str, Any], Notes]:
    """The order of timm's ``vit_base_patch16_rpn_224``, which only its name tells: a plain ViT with
    nothing before the patches, no bias of q, k and v and no LayerScale has the same parameters.
    """
    there = found.keys()
    lacks = {"cls_token", "reg_token", f"{FIRST}attn.qkv.bias", f"{FIRST}ls1.gamma",
             f"{FIRST}attn.q_norm.weight"}  # fmt: skip
    if lacks & there or not {"pos_embed", f"{FIRST}attn.qkv.weight"} <= there:
        return {}, ()
    if said.kind == "timm" and "_rpn_" in said.architecture:
        return {"order": "norm last"}, ()
    known = said.get("order", str) or (said.kind == "timm" and said.architecture)
    return {}, () if known else (Assumption("order", NORM_FIRST),)


def _usual(found: Tensors) -> dict[str, Any]:
    """What the names tell of the kind, and the kind of the rest."""
    there = found.keys()
    if f"{FIRST}attn.rel_pos.mlp.fc1.weight" in there:
        # Only timm's post-norm ones have no LayerScale.
        order = "norm first" if f"{FIRST}ls1.gamma" in there else "norm last"
        return {"order": order, "input_size": (224, 224)}
    if f"{FIRST}norm2.weight" not in there:
        return {"order": "parallel"}
    if "norm_pre.weight" in there:
        return _perception_encoder(found)
    if "rope.freqs" in there or "pos_embed" not in there:
        return _rotary(found)
    hidden = found[f"{FIRST}mlp.fc2.weight"].shape[1]
    if found[f"{FIRST}mlp.fc1.weight"].shape[0] == 2 * hidden:
        return {"rope": EVA02}
    enormous = len(found["patch_embed.proj.weight"]) == 1792  # EVA-02's largest is another
    return {"order": "norm last" if enormous else "norm first"}


def _rotary(found: Tensors) -> dict[str, Any]:
    """Of timm's ViTs whose only positions are rotary, or mixed ones."""
    if "rope.freqs" in found:
        return {"rope": MIXED, "input_size": (224, 224)}
    if "reg_token" in found:
        return {"rope": EVA02, "input_size": (256, 256)}
    return {"rope": NAVER, "input_size": (224, 224)}


def rope_by_name(said: Said) -> dict[str, Any]:
    """The rotary positions of timm's ``vit_*_rope_ape_*``, which no parameter tells."""
    rotary = said.kind == "timm" and "_rope_" in said.architecture
    return {"rope": NAVER} if rotary else {}


def _perception_encoder(found: Tensors) -> dict[str, Any]:
    """Its positions are scaled to the grid that it was trained on, which its table tells."""
    cls = 1 if "cls_token" in found else 0
    side = round((found["pos_embed"].shape[1] - cls) ** 0.5)
    width = len(found["patch_embed.proj.weight"])
    return {
        "rope": Rope(10000.0, axes="xy", reference=(side, side), offset=float(cls)),
        "norm_eps": 1e-5, "map_heads": 8, "heads": 16 if width == 1536 else width // 64,
        "activation": "gelu", "pool": "mean",
    }  # fmt: skip


def config(tensors: Tensors, said: Said = NOT_SAID) -> tuple[ViTConfig, Notes]:
    """The network, from the shapes."""
    found = our_names(tensors)
    kinds = {f"{FIRST}mlp.fc1.weight", f"{FIRST}mlp.fc2.weight", "patch_embed.proj.weight"}
    usual = _usual(found) if kinds <= found.keys() else {}
    config, notes = infer(found, said, usual)
    if config.relative_width and not (said.architecture or said.get("order", str)):
        where = {"norm first": "before", "norm last": "after"}.get(config.order, "beside")
        order = f"LayerNorms are assumed {where} each branch, as in timm's of these parts."
        notes += (Assumption("order", order),)
    rope = config.rope
    if rope and not (rope.learned or said.architecture or "rope" in said.network):
        theta = f"Rotary positions with theta {rope.base:g} are assumed, as timm has them."
        notes += (Assumption("rope", theta),)
    return config, notes


def convert(tensors: Tensors, config: ViTConfig) -> Tensors:
    """The parameters under our names."""
    return fit(our_names(tensors), lambda name: name, config)


def preprocessing(config: ViTConfig) -> tuple[Preprocessing, Notes]:
    """As timm evaluates most of these: the shorter edge to 10/9 of the input, up to 320 wide.

    Source: timm ``eva.py`` (``_cfg``).
    """
    short = min(config.input_size)
    edge = short if short > 320 else short * 10 // 9
    note = (
        f"Preprocessing is assumed: shorter edge to {edge}, bicubic, OpenAI's mean and std, as "
        "EVA's; others in timm have ImageNet's, or 0.5."
    )
    found = Preprocessing(config.input_size, config.patch, CLIP_MEAN, CLIP_STD, edge=edge)
    return found, (Assumption("preprocessing", note),)


READER = Reader(
    "relatives", "EVA, EVA-02, rotary, relative and parallel ViTs (timm)", recognises, config,
    convert, preprocessing,
)  # fmt: skip
