"""Integrated gradients: what each pixel adds on the way from a photo of nothing to this one.

    map = (x - b) * integral over a from 0 to 1 of dy/dx (b + a (x - b))

x is the model's input, b the *baseline*, a photo that shows nothing; y the logit of one class (or
how far it is above another's). Signed; the sum over all pixels and colours is y(x) - y(b), and how
far it is from that is said with the map: that is the error of the integral alone.

Source: Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep Networks", ICML 2017, arXiv
1703.01365, equation 1. The integral by Gauss and Legendre's rule, as in captum.

Differences from the source: the logit, not the probability; the baseline is the mean colour of what
the model was trained on (zero after normalisation), where theirs is black, which is the colour of
dark things. The three colours of a pixel are added up, and per patch its pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vitviz.maps.heat_map import Completeness, Explanation, Quantity
from vitviz.methods.base import Method, Parameter, Question
from vitviz.methods.parts.pixels import PER, maps_of_pixels
from vitviz.progress import Progress, part

if TYPE_CHECKING:
    from torch import Tensor

    from vitviz.tracing.trace import Trace

STEPS = Parameter(
    "steps", "Steps", 24,
    "Points on the way at which the gradient is taken: each costs a backward.",
    bounds=(1, 1000),
)  # fmt: skip

BASELINE = Parameter(
    "baseline", "Baseline", "training mean",
    "The photo of nothing: one colour, the mean of what the model was trained on, or this photo's; "
    "or this photo, blurred.",
    choices=("training mean", "photo mean", "blur"),
)  # fmt: skip


def explain(trace: Trace, question: Question, progress: Progress) -> Explanation:
    """What each patch or pixel adds to the logit of one class.

    A class that the model does not have becomes the most probable one.

    Raises:
        VitvizError: The model has no classes.
        NotEnoughMemory: The gradients would not fit.
    """
    settings = INTEGRATED_GRADIENTS.settings(question.params)
    aim, steps = trace.aim(question.target, question.contrast), int(settings["steps"])
    image = trace.input()
    behind = baseline(image, str(settings["baseline"]))
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    total = image.new_zeros(image.shape[1:]).double()
    for number, (node, weight) in enumerate(zip(nodes, weights, strict=True)):
        point = behind + (node + 1) / 2 * (image - behind)
        tell = part(progress, number / (steps + 1), (number + 1) / (steps + 1))
        _, gradient = trace.pixel_gradient(point.float(), aim, tell)
        total += weight / 2 * gradient.double()
    pixels = (total * (image - behind)[0].double()).sum(0).cpu().numpy()
    at_baseline, _ = trace.pixel_gradient(behind, aim, part(progress, steps / (steps + 1), 1))
    assert trace.logits is not None
    change = aim.of_array(trace.logits) - at_baseline
    maps = maps_of_pixels(trace, pixels.astype(np.float32), str(settings["per"]))
    (layer,) = maps
    name = "the change of the logit" if aim.contrast is None else "the change of the difference"
    sums = {layer: Completeness(change, f"{name} from the baseline", float(pixels.sum()))}
    quantity = Quantity("contribution to the logit", "signed")
    return Explanation(maps, "mean", quantity, "network", aim.target, aim.contrast, sums)


def baseline(image: Tensor, name: str) -> Tensor:
    """A photo of nothing, as an input.

    Args:
        image: The input, normalised: 1 x 3 x height x width.
        name: One of the choices of ``BASELINE``.
    """
    from vitviz.probing.filling import background

    if name == "training mean":
        return image.new_zeros(image.shape)
    return background(image, "mean" if name == "photo mean" else "blur", 0).clone()


INTEGRATED_GRADIENTS = Method(
    name="integrated-gradients",
    title="Integrated gradients",
    source="Sundararajan, Taly and Yan 2017, arXiv 1703.01365",
    explain=explain,
    parameters=(PER, STEPS, BASELINE),
    heads="none",
    needs=frozenset({"rerun", "gradients", "classes"}),
    about_token=False,
)
