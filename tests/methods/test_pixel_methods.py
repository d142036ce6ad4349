"""Integrated gradients and SmoothGrad against captum, loops and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.models.networks import VARIANTS, random_input, random_network
from vitviz.errors import Cancelled
from vitviz.imaging.geometry import Geometry
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.methods.parts.whole import sums_of_patches
from vitviz.progress import silent
from vitviz.tracing.aim import Aim
from vitviz.tracing.pixels import pixel_gradient
from vitviz.tracing.run import run
from vitviz.tracing.trace import Trace

GEOMETRY = Geometry((40, 56), (20, 28), (0, 0), (20, 28), 4)  # 5 x 7 patches
NAMES = ["distilled", "gated", "mean of patches"]


def trace_of(name: str) -> Trace:
    network, image = random_network(VARIANTS[name]), random_input(20, 28, batch=1)
    return run(network, image[0].numpy(), GEOMETRY)


def ask(trace: Trace, method: str, contrast: int | None = None, **params):
    question = Question(params=params, target=4, contrast=contrast)
    return METHODS[method].explain(trace, question, silent)


@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_of_pixels_against_autograd(name):
    trace = trace_of(name)
    image = torch.tensor(trace.image[None], requires_grad=True)
    with torch.enable_grad():
        logits = trace.network(image)[0]
        (wanted,) = torch.autograd.grad(logits[4] - logits[2], image)
    value, found = pixel_gradient(trace.network, image.detach(), Aim(4, 2))
    assert value == pytest.approx(float((logits[4] - logits[2]).detach()), abs=1e-5)
    torch.testing.assert_close(found, wanted[0], atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_integrated_gradients_are_captum_s(name):
    attr = pytest.importorskip("captum.attr")
    trace = trace_of(name)
    image = torch.tensor(trace.image[None])
    with torch.enable_grad():
        theirs = attr.IntegratedGradients(trace.network).attribute(
            image, baselines=0 * image, target=4, n_steps=12, method="gausslegendre"
        )
    wanted = theirs[0].sum(0).detach().numpy()
    found = ask(trace, "integrated-gradients", steps=12, per="pixel")
    heat_map = found.map(-1, "mean")
    assert heat_map.geometry.grid == heat_map.values.shape == (20, 28)
    np.testing.assert_allclose(heat_map.values, wanted, atol=1e-5 * np.abs(wanted).max() + 1e-6)
    per_patch = ask(trace, "integrated-gradients", steps=12).map(-1, "mean")
    boxes = wanted.reshape(5, 4, 7, 4).sum((1, 3))
    np.testing.assert_allclose(per_patch.values, boxes, atol=1e-5)


@pytest.mark.parametrize("baseline", ["training mean", "photo mean", "blur"])
def test_they_add_up_to_the_change(baseline):
    trace = trace_of("distilled")
    for contrast in (None, 1):
        found = ask(trace, "integrated-gradients", contrast, steps=64, baseline=baseline)
        (sums,) = found.completeness.values()
        assert sums.error < 2e-3 * max(1, abs(sums.whole))
        assert sums.patches == pytest.approx(found.values.sum(), abs=1e-4)
        assert abs(sums.whole) > 1e-2
    coarse = ask(trace, "integrated-gradients", steps=1, baseline=baseline)
    (rough,) = coarse.completeness.values()
    assert rough.error > sums.error, "the error is told as it is"


def test_smooth_grad_is_the_mean_of_gradients():
    trace = trace_of("distilled")
    image = torch.tensor(trace.image[None])
    generator, total = torch.Generator().manual_seed(0), 0
    deviation = 0.2 * float(image.max() - image.min())
    for _ in range(3):
        noisy = image + deviation * torch.randn(image.shape, generator=generator)
        noisy.requires_grad_()
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad(trace.network(noisy)[0, 4], noisy)
        total = total + gradient[0] / 3
    wanted = total.abs().sum(0).numpy()
    pixels = ask(trace, "smooth-grad", samples=3, noise=0.2, per="pixel").map(-1, "mean")
    np.testing.assert_allclose(pixels.values, wanted, rtol=1e-3, atol=1e-6)
    assert pixels.quantity.kind == "amount"
    patches = ask(trace, "smooth-grad", samples=3, noise=0.2).map(-1, "mean")
    boxes = wanted.reshape(5, 4, 7, 4).mean((1, 3))
    np.testing.assert_allclose(patches.values, boxes, rtol=1e-3, atol=1e-6)


def test_without_noise_it_is_the_gradient():
    trace = trace_of("gated")
    image = torch.tensor(trace.image[None], requires_grad=True)
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(trace.network(image)[0, 4], image)
    found = ask(trace, "smooth-grad", samples=1, noise=0.0, per="pixel").map(-1, "mean")
    wanted = gradient[0].abs().sum(0).numpy()
    np.testing.assert_allclose(found.values, wanted, rtol=1e-3, atol=1e-6)


def test_patches_that_are_cut_off_have_fewer_pixels():
    geometry = Geometry((6, 7), (6, 7), (0, 0), (6, 7), 4)
    pixels = np.arange(42, dtype=np.float32).reshape(6, 7)
    wanted = [
        [pixels[:4, :4].sum(), pixels[:4, 4:].sum()], [pixels[4:, :4].sum(), pixels[4:, 4:].sum()],
    ]  # fmt: skip
    np.testing.assert_allclose(sums_of_patches(pixels, geometry), wanted)


@pytest.mark.parametrize("method", ["integrated-gradients", "smooth-grad"])
def test_progress_and_cancelling(method):
    told = []
    trace = trace_of("distilled")
    question = Question(params={"steps" if "int" in method else "samples": 3})
    METHODS[method].explain(trace, question, lambda stage, done: told.append(done))
    assert told == sorted(told)
    assert told[-1] < 1

    def impatient(stage, fraction):
        raise Cancelled

    with pytest.raises(Cancelled):
        METHODS[method].explain(trace, question, impatient)
