"""Classifiers of every shape: which layer is the head, and what of it cannot be shown.

Works on parameters under the names of ``vitviz.models.vit.network``, a head's as the file has them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from vitviz.models.checkpoints.said import Notes

UNDER_HEAD = re.compile(
    r"(heads?|fc|classifier|cls_classifier|mlp_head|linear_head|linear|lin_head|cls_head|"
    r"last_linear|fc_cls|classif\w*)\.(.+)$"
)
OTHER_HEADS = re.compile(r"(heads?|fc|classifier)_?\d+\.|head_\w+\.|aux\w*\.")

LEFT_OUT = re.compile(
    r"(dino_head|ibot_head|head\.(mlp|last_layer\d?)|predictor|projector|projection_head|proj_head|"
    r"prototypes|decoder\w*|criterion|loss\w*|\w*metrics?|accuracy|center|queue|ema_\w+|"
    r"masked_embed|temperature|logit_scale|n_averaged|pooler|neck)(\.|$)|"
    r".*(num_batches_tracked)$"
)
"""What stands beside a network for its training, and a photo does not pass through."""

OVER_LAYERS = {4: (4, "cls"), 5: (4, "cls+mean")}
"""How many tokens' numbers a head over several layers reads, and what they are: CLS of how many
layers, with the mean of the last one's patches or without.

Source: facebookresearch/dino ``eval_linear.py`` (``n_last_blocks`` 4 for ViT-S);
facebookresearch/dinov2 ``hub/classifiers.py`` (``layers`` 4).
"""

EPS = 1e-6
"""Of a batch norm before a linear head: MAE's ``main_linprobe.py`` has this, torch 1e-5. On
features whose variance is near 1 the difference is nothing."""


def with_one_head(found: Mapping[str, Tensor], width: int) -> tuple[dict[str, Tensor], Notes]:
    """The parameters with the head, if there is one, as "head.weight" and "head.bias".

    A linear layer anywhere under the head is it, by itself, after a batch norm, or after one more
    layer with tanh called ``pre_logits``. Others cannot be told from their parameters: the maps are
    shown without classes.

    Args:
        found: Under our names but for the head.
        width: Of a token.
    """
    rest = {name: t for name, t in found.items() if not _is_head(name)}
    inside = {name: t for name, t in found.items() if _is_head(name)}
    if not inside:
        return rest, ()
    pre = {n: t for n, t in inside.items() if ".pre_logits." in n or n.startswith("pre_logits.")}
    own = {n: t for n, t in inside.items() if n not in pre and not OTHER_HEADS.match(n)
           and not LEFT_OUT.match(n)}  # fmt: skip
    others = [name for name in inside if name not in own and name not in pre]
    reads = [width, 2 * width]
    if "cls_token" in rest:
        reads += [count * width for count in OVER_LAYERS]
    new: dict[str, Tensor] = {}
    if pre:
        new, reads = _pre_logits(pre, width)
    head = _linear(own, reads)
    if head is None:
        return rest, (_left_out(list(inside)),)
    return rest | new | head, (_left_out(others),) if others else ()


def _is_head(name: str) -> bool:
    return bool(
        UNDER_HEAD.match(name) or OTHER_HEADS.match(name) or name.startswith("pre_logits.")
    ) and not name.startswith(("head_dist.", "fc_norm."))


def _left_out(names: list[str]) -> str:
    shown = ", ".join(name[:60] for name in names[:3])
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"Left out, as no part of the shown network: {shown}{more}."


def _pre_logits(pre: Mapping[str, Tensor], width: int) -> tuple[dict[str, Tensor], list[int]]:
    """The layer with tanh before the head, and how many numbers it puts out."""
    weights = [t for n, t in pre.items() if n.endswith(".weight") and t.ndim == 2]
    biases = [t for n, t in pre.items() if n.endswith(".bias") and t.ndim == 1]
    if len(weights) != 1 or len(biases) != 1 or weights[0].shape[1] != width:
        return {}, [width, 2 * width]
    new = {"pre_logits.weight": weights[0], "pre_logits.bias": biases[0]}
    return new, [weights[0].shape[0]]


def _linear(own: Mapping[str, Tensor], reads: list[int]) -> dict[str, Tensor] | None:
    """The head of one linear layer, perhaps after a batch norm; None where it is another."""
    matrices = [name for name, t in own.items() if t.ndim == 2 and name.endswith("weight")]
    if len(matrices) != 1 or own[matrices[0]].shape[1] not in reads:
        return None
    where = matrices[0].removesuffix("weight")
    weight, bias = own[matrices[0]], own.get(f"{where}bias")
    if bias is None and "." in where.rstrip("."):
        return None  # a classifier in a sequence has a bias, the first layer of a projection none
    there = {name: t for name, t in own.items() if not name.startswith(where)}
    if bias is None:
        bias = weight.new_zeros(len(weight))
    if there:
        normed = _batch_norm(there)
        if normed is None:
            return None
        scale, shift = normed
        bias = bias + weight @ shift
        weight = weight * scale
    return {"head.weight": weight, "head.bias": bias}


def _batch_norm(there: Mapping[str, Tensor]) -> tuple[Tensor, Tensor] | None:
    """A batch norm at rest, ``scale * x + shift``; None where it is something else."""
    by_last = {name.rpartition(".")[2]: t for name, t in there.items()}
    known = {"running_mean", "running_var", "num_batches_tracked", "weight", "bias"}
    if not {"running_mean", "running_var"} <= by_last.keys() <= known or len(by_last) < len(there):
        return None
    scale = torch.rsqrt(by_last["running_var"] + EPS) * by_last.get("weight", 1.0)
    return scale, by_last.get("bias", 0.0) - by_last["running_mean"] * scale
