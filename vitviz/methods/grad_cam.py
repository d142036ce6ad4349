"""Grad-CAM: the features of a layer, each weighted by how much a class's logit depends on it.

    w_d = mean over patches j of dy/dF[j, d]
    map = (sum over d of w_d F[j, d])+

F are the features of a layer, y is the logit of one class, ``+`` what is positive. In a
convolutional network F is what a layer puts out; in a Vision Transformer what the attention of a
block reads, after its norm (``norm1``); where the patches of the last layer are normed before they
are read, that.

Source: Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization", ICCV 2017, arXiv 1610.02391, equations 1 and 2. For Vision Transformers as
jacobgil/pytorch-grad-cam does it: prefix tokens count for nothing.

Differences from the source: every layer, not the last one alone. The map is not enlarged, nor
scaled to 0..1.

Read it with care: the weights are means over the photo, so that the map of a layer that is not the
last need not show what the logit depends on (HiResCAM does).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vitviz.maps.heat_map import Explanation, Quantity
from vitviz.methods.base import Method, Question
from vitviz.methods.parts.features import FEATURES, of_each_layer
from vitviz.progress import Progress

if TYPE_CHECKING:
    from torch import Tensor

    from vitviz.tracing.feature_gradients import LayerFeatures
    from vitviz.tracing.trace import Trace


def explain(trace: Trace, question: Question, progress: Progress) -> Explanation:
    """The weighted features of every layer, for one class.

    A class that the model does not have becomes the most probable one.

    Raises:
        VitvizError: The model has no classes.
        NotEnoughMemory: The gradients would not fit.
    """
    first = len(trace.outline.prefix)

    def weighted(of: LayerFeatures) -> Tensor:
        weights = of.gradients[first:].mean(0)
        return (of.features @ weights).clamp_(min=0)

    aim = trace.aim(question.target, question.contrast)
    by_layer = of_each_layer(trace, aim, weighted, progress)
    return Explanation(
        by_layer, "mean", Quantity("Grad-CAM"), target=aim.target, contrast=aim.contrast
    )


GRAD_CAM = Method(
    name="grad-cam",
    title="Grad-CAM",
    source="Selvaraju et al. 2017, arXiv 1610.02391",
    explain=explain,
    heads="none",
    needs=FEATURES,
    about_token=False,
)
