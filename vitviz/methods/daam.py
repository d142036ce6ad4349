"""DAAM: what the patches give, layer by layer, to the token that a class is read from.

    C_l    = dy/dT_l,  T_l[h] = A_l[h, query, :] V_l[h]
    L_l[j] = (sum over h and d of (C_l[h, d])+ A_l[h, query, j] V_l[h, j, d])+
    map_l  = L_1 + ... + L_l

T_l is what the heads of layer l put out for the query, V_l what they mix, ``+`` what is positive.
A query of several tokens has the mean over them of the sums within ``(...)+``.

y is the logit of one class (or how far it is above another's). *Label-free* it is the features f
that the network's head reads, weighted: ``y = sum_d w_d f_d`` with ``w_d = f_d^2 / |f|^2`` held
constant. So it can be asked of networks without classes (DINO, DINOv2, MAE).

Source: Liao, Gao and Zhang, "Dynamic Accumulated Attention Map for Interpreting Evolution of
Decision-making in Vision Transformer", Pattern Recognition 165, 2025, arXiv 2503.14640, equations 7
to 13; the label-free weights without neighbours, as in the package daam-timm-vit.

Differences from the source: any query, not only CLS; of several tokens their mean (in the package,
of networks that take the mean of their patches, the sum). Neither scaled by the last layer nor
through a sigmoid. Through windows and merging (Swin) it is vitviz's own: a merged patch has the sum
of what those gave that it was merged of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vitviz.maps.heat_map import Explanation, Quantity
from vitviz.methods.base import Method, Question
from vitviz.methods.parts.flow import merged
from vitviz.models.tokens import runs
from vitviz.progress import Progress
from vitviz.shapes import Float32

if TYPE_CHECKING:
    from vitviz.tracing.aim import Aim
    from vitviz.tracing.gradients import Gradients
    from vitviz.tracing.trace import Trace


def explain(trace: Trace, question: Question, progress: Progress) -> Explanation:
    """What the patches give to a class, accumulated up to each layer.

    A class that the model does not have becomes the most probable one.

    Raises:
        VitvizError: The model has no classes.
        NotEnoughMemory: The gradients would not fit.
    """
    aim = trace.aim(question.target, question.contrast)
    return _accumulated(trace, question, aim, progress)


def explain_features(trace: Trace, question: Question, progress: Progress) -> Explanation:
    """What the patches give to the features, accumulated up to each layer.

    Raises:
        NotEnoughMemory: The gradients would not fit.
    """
    from vitviz.tracing.aim import Aim

    return _accumulated(trace, question, Aim(None), progress)


def _accumulated(trace: Trace, question: Question, aim: Aim, progress: Progress) -> Explanation:
    gradients = trace.gradients(aim, progress)
    total = np.zeros((1, trace.tokens), np.float32)
    by_layer = {}
    for layer, attention in enumerate(trace.attention):
        if layer:
            total = merged(total, trace.outline, layer)
        if attention is not None:
            query = trace.tokens_in(layer, question.query)
            total = total + _given(trace, gradients, layer, query)
            by_layer[layer] = trace.maps(layer, total)
    quantity = Quantity("accumulated attention")
    return Explanation(by_layer, "mean", quantity, "through", aim.target, aim.contrast)


def _given(
    trace: Trace, gradients: Gradients, layer: int, query: tuple[int, ...]
) -> Float32[np.ndarray, "1 tokens"]:
    """L_l."""
    positive, attention = gradients.positive, trace.attention_of(layer)
    room, other = attention.room(), attention.room()
    total = room.new_zeros(attention.tokens)
    for run in runs(query):
        for rows, block in attention.row_blocks(queries=run, room=room):
            total += block.mul_(positive.rows(layer, slice(None), rows, other)).sum((0, 1))
    found: Float32[np.ndarray, "1 tokens"]
    found = (total / len(query)).clamp(min=0)[None].cpu().numpy()
    return found


DAAM = Method(
    name="daam",
    title="DAAM",
    source="Liao, Gao and Zhang 2025, arXiv 2503.14640",
    explain=explain,
    heads="mean",
    needs=frozenset({"attention", "gradients", "classes", "path"}),
)

DAAM_FEATURES = Method(
    name="daam-label-free",
    title="DAAM, label-free",
    source="Liao, Gao and Zhang 2025, arXiv 2503.14640",
    explain=explain_features,
    heads="mean",
    needs=frozenset({"attention", "gradients", "path"}),
)
