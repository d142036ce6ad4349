"""HiResCAM: the features of a layer, each times how much a class's logit depends on it there.

    map = sum over d of F[j, d] dy/dF[j, d]

F are the features of a layer as in Grad-CAM, y is the logit of one class. Signed: what speaks for
the class, and what speaks against it. Where everything after the layer is linear (a mean over all
places and one linear layer, as after the last layer of most convolutional networks), the map sums
to the logit without its bias, and is the class activation map of Zhou et al. (CVPR 2016).

Source: Draelos and Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations of
convolutional neural networks", 2020, arXiv 2011.08891, section 3.2.

Difference from the source: every layer, not the last one alone; in a Vision Transformer the
features that Grad-CAM has there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vitviz.maps.heat_map import Explanation, Quantity
from vitviz.methods.base import Method, Question
from vitviz.methods.parts.features import FEATURES, of_each_layer
from vitviz.progress import Progress

if TYPE_CHECKING:
    from vitviz.tracing.trace import Trace


def explain(trace: Trace, question: Question, progress: Progress) -> Explanation:
    """The products of every layer, for one class, signed.

    A class that the model does not have becomes the most probable one.

    Raises:
        VitvizError: The model has no classes.
        NotEnoughMemory: The gradients would not fit.
    """
    aim = trace.aim(question.target, question.contrast)
    by_layer = of_each_layer(trace, aim, lambda of: (of.features * of.gradients).sum(-1), progress)
    return Explanation(
        by_layer, "mean", Quantity("HiResCAM", "signed"), target=aim.target, contrast=aim.contrast
    )


HIRES_CAM = Method(
    name="hires-cam",
    title="HiResCAM",
    source="Draelos and Carin 2020, arXiv 2011.08891",
    explain=explain,
    heads="none",
    needs=FEATURES,
    about_token=False,
)
