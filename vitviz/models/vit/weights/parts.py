"""Parts of a Vision Transformer that its relatives have or lack.

Works on parameters under the names of ``vitviz.models.vit.network``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from vitviz.models.checkpoints.reader import Tensors
from vitviz.models.checkpoints.renaming import Names
from vitviz.models.checkpoints.said import Said
from vitviz.models.vit.config import Rope

TIMM: Names = (
    (r"\.gamma_([12])$", r".ls\1.gamma"),
    (r"\.attn\.([qkv])_bias$", r".attn.\1.bias"),
    (r"\.attn\.([qkv])_proj\.", r".attn.\1."),
    (r"\.attn\.inner_attn_ln\.", ".attn.norm."),
    (r"\.attn\.relative_position_bias_table$", ".attn.rel_pos.relative_position_bias_table"),
    (r"\.mlp\.(fc1_g|w1)\.", ".mlp.gate."),
    (r"\.mlp\.(fc1_x|w2)\.", ".mlp.value."),
    (r"\.mlp\.w12\.", ".mlp.fc1."),
    (r"\.mlp\.w3\.", ".mlp.fc2."),
    (r"\.mlp\.ffn_ln\.", ".mlp.norm."),
    (r"^storage_tokens$", "reg_token"),
)
"""timm's names, and where its originals have others, theirs: EVA's, BEiT's and DINOv3's.

Source: timm ``eva.py`` and ``beit.py``, ``checkpoint_filter_fn``.
"""

ONLY_FOR_TRAINING = (
    r"mask_token$|lm_head\.|head\.(mlp|last_layer)\.|local_cls_norm\.|projectors\.|"
    r".*(relative_position_index|attn_mask|bias_mask|rope\.freqs_(cos|sin))$"
)
"""Keys that are known, and no part of what a photo passes through; also tables made anew."""


def shared(found: dict[str, Tensor], prefix: str, part: str) -> dict[str, Tensor]:
    """The same with what all blocks share in each of them.

    Args:
        found: Under our names but for what is shared.
        prefix: Of its names: "rel_pos_bias.".
        part: What it is in a block: "attn.rel_pos.".
    """
    common = {name: tensor for name, tensor in found.items() if name.startswith(prefix)}
    blocks = dict.fromkeys(match[0] for match in map(re.compile(r"blocks\.\d+\.").match, found)
                           if match)  # fmt: skip
    own = {
        f"{block}{part}{name.removeprefix(prefix)}": tensor
        for block in blocks
        for name, tensor in common.items()
    }
    return {name: tensor for name, tensor in found.items() if name not in common} | own


def told_heads(named: Tensors, width: int) -> int | None:
    """The number of heads, where a part's shape tells it."""
    for name, axis, per_head in (
        ("blocks.0.attn.rel_pos.relative_position_bias_table", 1, False),
        ("blocks.0.attn.rel_pos.mlp.fc2.weight", 0, False),
        ("rope.freqs", 2, False),
        ("blocks.0.attn.q_norm.weight", 0, True),
        ("rope.periods", 0, True),
    ):
        tensor = named.get(name)
        if tensor is not None and tensor.ndim > axis and tensor.shape[axis]:
            count = int(tensor.shape[axis]) * (4 if name == "rope.periods" else 1)
            return width // count if per_head else count
    return None


def stem_of(named: Tensors) -> tuple[int, ...] | None:
    """How many blocks each stage of a hybrid's stem has; None where there is no stem."""
    if "patch_embed.backbone.stem.conv.weight" not in named:
        return None
    pattern = re.compile(r"patch_embed\.backbone\.stages\.(\d)\.blocks\.(\d{1,2})\.")
    found = {match.groups() for match in map(pattern.match, named) if match}
    stages = 1 + max((int(stage) for stage, _ in found), default=-1)
    return tuple(sum(int(stage) == number for stage, _ in found) for number in range(stages))


def parts_of(named: Tensors, said: Said, usual: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the configuration that follow from which parameters are there.

    Args:
        named: Under our names.
        said: What is said of those that no parameter tells.
        usual: What those are where nothing is said.
    """
    norm_before = "norm_pre.weight" in named
    table = "blocks.0.attn.rel_pos.relative_position_bias_table" in named
    small = named.get("blocks.0.attn.rel_pos.mlp.fc1.weight")
    projection = named.get("proj.weight")
    order = said.get("order", str) or usual.get("order", "norm first")
    return {
        # A file that holds a head and no norm before it has lost it.
        "final_norm": {"norm.weight", "fc_norm.weight", "head.weight"} & named.keys() != set(),
        "norm_before": norm_before,
        "patch_bias": not norm_before or "patch_embed.proj.bias" in named,
        "qkv_bias": "blocks.0.attn.qkv.bias" in named,
        "qk_norm": "blocks.0.attn.q_norm.weight" in named,
        "attention_norm": "blocks.0.attn.norm.weight" in named,
        "mlp_norm": "blocks.0.mlp.norm.weight" in named,
        "order": order,
        "embedded_positions": "pos_embed" in named,
        "position_resizing": said.get("position_resizing", str)
        or usual.get("position_resizing", "cubic antialiased"),
        "rope": said.get("rope", Rope) or usual.get("rope"),
        "relative_positions": "table" if table else "mlp" if small is not None else "",
        "relative_width": 0 if small is None else int(small.shape[0]),
        "map_heads": said.get("map_heads", int) or usual.get("map_heads", 0),
        "dist_head": "head.weight" not in named
        or "head_dist.weight" in named
        or "dist_token" not in named,
        "patch_norms": usual.get("patch_norms", False),
        "norm": said.get("norm", str) or usual.get("norm", "layer"),
        "token_norm": said.get("token_norm", bool) or usual.get("token_norm", False),
        "attention_width": usual.get("attention_width", 0),
        "stem": stem_of(named),
        "projection": 0 if projection is None else int(projection.shape[0]),
    }
