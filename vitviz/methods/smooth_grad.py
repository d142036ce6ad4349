"""SmoothGrad: how much the logit depends on each pixel, the mean over slightly noisy photos.

    map = |mean over n of dy/dx (x + noise_n)|, added up over the three colours

x is the model's input, y the logit of one class (or how far it is above another's), noise normal
with a standard deviation of *noise* times the range of x. It is sensitivity, not contribution: it
has no sign, and where nothing is to be seen it can be large.

Source: Smilkov, Thorat, Kim, Viégas and Wattenberg, "SmoothGrad: removing noise by adding noise",
2017, arXiv 1706.03825.

Differences from the source: the logit; per patch the mean of its pixels. The noise is the same each
time (seed 0, drawn on the CPU).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vitviz.maps.heat_map import Explanation, Quantity
from vitviz.methods.base import Method, Parameter, Question
from vitviz.methods.parts.flow import share
from vitviz.methods.parts.pixels import PER, maps_of_pixels
from vitviz.progress import Progress, part

if TYPE_CHECKING:
    from vitviz.tracing.trace import Trace

SAMPLES = Parameter(
    "samples", "Samples", 24, "How many noisy photos: each costs a backward.", bounds=(1, 1000),
)  # fmt: skip

NOISE = Parameter(
    "noise", "Noise", 0.15, "Its standard deviation, as a part of the range of the input's values.",
    bounds=(0.0, 1.0),
)  # fmt: skip


def explain(trace: Trace, question: Question, progress: Progress) -> Explanation:
    """How much the logit of one class depends on each patch or pixel.

    A class that the model does not have becomes the most probable one.

    Raises:
        VitvizError: The model has no classes, or a setting is out of its bounds.
        NotEnoughMemory: The gradients would not fit.
    """
    import torch

    settings = SMOOTH_GRAD.settings(question.params)
    aim, samples = trace.aim(question.target, question.contrast), int(settings["samples"])
    image = trace.input()
    deviation = share("noise", settings) * float(image.max() - image.min())
    # On the CPU: other devices have other random numbers.
    generator = torch.Generator().manual_seed(0)
    total = image.new_zeros(image.shape[1:]).double()
    for number in range(samples):
        noise = torch.randn(image.shape, generator=generator).to(image.device)
        tell = part(progress, number / samples, (number + 1) / samples)
        _, gradient = trace.pixel_gradient(image + deviation * noise, aim, tell)
        total += gradient.double() / samples
    pixels = total.abs().sum(0).float().cpu().numpy()
    maps = maps_of_pixels(trace, pixels, str(settings["per"]), mean=True)
    quantity = Quantity("smoothed gradient")
    return Explanation(maps, "mean", quantity, "network", aim.target, aim.contrast)


SMOOTH_GRAD = Method(
    name="smooth-grad",
    title="SmoothGrad",
    source="Smilkov et al. 2017, arXiv 1706.03825",
    explain=explain,
    parameters=(PER, SAMPLES, NOISE),
    heads="none",
    needs=frozenset({"rerun", "gradients", "classes"}),
    about_token=False,
)
