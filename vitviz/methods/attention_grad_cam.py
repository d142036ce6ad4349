"""Attention Grad-CAM: heads of one layer weighted by how much a class's logit depends on them.

    w_h = mean over patches j of dy/dA_h[query, j]
    map = (mean over h of w_h A_h[query])+

y is the logit of one class, ``+`` what is positive.

Source: the baseline "GradCAM" of Chefer, Gur and Wolf, "Transformer Interpretability Beyond
Attention Visualization", CVPR 2021, arXiv 2012.09838 (``generate_cam_attn`` in their code), after
Selvaraju et al., "Grad-CAM", ICCV 2017, arXiv 1610.02391, with the heads as channels.

Differences from the source: there the last layer and the row of CLS; here every layer, and the row
of any token. In the last layer of a network that classifies from CLS no other row has a gradient:
their maps are zero. Not scaled to 0..1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vitviz.maps.heat_map import Explanation, Quantity
from vitviz.methods.base import Method, Question
from vitviz.progress import Progress

if TYPE_CHECKING:
    from vitviz.tracing.trace import Trace


def explain(trace: Trace, question: Question, progress: Progress) -> Explanation:
    """The weighted attention of one token, for one class, in every layer.

    A class that the model does not have becomes the most probable one.

    Raises:
        VitvizError: The model has no classes.
        NotEnoughMemory: The gradients would not fit.
    """
    target = trace.target(question.target)
    gradients = trace.gradients(target, progress)
    by_layer = {}
    for layer, attention in enumerate(trace.attention):
        if attention is None:
            continue
        row = trace.token_in(layer, question.query)
        slopes = gradients.rows(layer, slice(None), slice(row, row + 1))[:, 0].cpu().numpy()
        patches = slice(len(trace.outline.prefix), None)
        weights = slopes[:, patches].mean(-1, keepdims=True)
        values = (weights * trace.row(layer, row)).mean(0, keepdims=True).clip(min=0)
        by_layer[layer] = trace.maps(layer, values)
    return Explanation(by_layer, "mean", Quantity("weighted attention"), target=target)


ATTENTION_GRAD_CAM = Method(
    name="attention-grad-cam",
    title="Attention Grad-CAM",
    source="Chefer, Gur and Wolf 2021, arXiv 2012.09838",
    explain=explain,
    heads="mean",
    needs=frozenset({"attention", "gradients", "classes"}),
)
