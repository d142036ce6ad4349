"""Attention Grad-CAM: heads of one layer weighted by how much a class's logit depends on them.

    w_h = mean over patches j of dy/dA_h[query, j]
    map = (mean over h of w_h A_h[query])+

y is the logit of one class, ``+`` what is positive. A query of several tokens has the mean of
``w_h A_h`` over them too, before ``+``.

Source: the baseline "GradCAM" of Chefer, Gur and Wolf, "Transformer Interpretability Beyond
Attention Visualization", CVPR 2021, arXiv 2012.09838 (``generate_cam_attn`` in their code), after
Selvaraju et al., "Grad-CAM", ICCV 2017, arXiv 1610.02391, with the heads as channels.

Differences from the source: there the last layer and the row of CLS; here every layer, and the row
of any token. In the last layer of a network that classifies from CLS no other row has a gradient:
their maps are zero. Where tokens look at those of their own window, all others have no gradient,
nor do pairs that a shifted window keeps apart. Not scaled to 0..1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vitviz.maps.heat_map import Explanation, Quantity
from vitviz.methods.base import Method, Question
from vitviz.methods.parts.slopes import of_possible
from vitviz.models.tokens import runs
from vitviz.progress import Progress
from vitviz.shapes import Float32

if TYPE_CHECKING:
    from vitviz.tracing.gradients import Gradients
    from vitviz.tracing.trace import Trace


def explain(trace: Trace, question: Question, progress: Progress) -> Explanation:
    """The weighted attention of one token, for one class, in every layer.

    A class that the model does not have becomes the most probable one.

    Raises:
        VitvizError: The model has no classes.
        NotEnoughMemory: The gradients would not fit.
    """
    aim = trace.aim(question.target, question.contrast)
    gradients = trace.gradients(aim, progress)
    by_layer = {}
    for layer, attention in enumerate(trace.attention):
        if attention is None:
            continue
        values = _weighted(trace, gradients, layer, trace.tokens_in(layer, question.query))
        by_layer[layer] = trace.maps(layer, values)
    return Explanation(
        by_layer, "mean", Quantity("weighted attention"), target=aim.target, contrast=aim.contrast
    )


def _weighted(
    trace: Trace, gradients: Gradients, layer: int, query: tuple[int, ...]
) -> Float32[np.ndarray, "1 tokens"]:
    first = len(trace.outline.prefix)
    attention = trace.attention_of(layer)
    room, slopes_room = attention.room(), attention.room()
    total = room.new_zeros(1, attention.tokens)
    for run in runs(query):
        for rows, block in attention.row_blocks(queries=run, room=room):
            slopes = gradients.rows(layer, slice(None), rows, slopes_room)
            if attention.windows is not None:
                slopes = of_possible(slopes, block)
            weights = slopes[..., first:].mean(-1, keepdim=True)
            total += (weights * block).sum((0, 1))
    values: Float32[np.ndarray, "1 tokens"]
    values = (total / (attention.heads * len(query))).clamp(min=0).cpu().numpy()
    return values


ATTENTION_GRAD_CAM = Method(
    name="attention-grad-cam",
    title="Attention Grad-CAM",
    source="Chefer, Gur and Wolf 2021, arXiv 2012.09838",
    explain=explain,
    heads="mean",
    needs=frozenset({"attention", "gradients", "classes"}),
)
