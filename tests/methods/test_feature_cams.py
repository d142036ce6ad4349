"""Grad-CAM and HiResCAM against autograd through whole networks, and closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.models import networks as vits
from tests.models.cnn.networks import FAMILIES, random_input, random_network
from vitviz.imaging.geometry import Geometry
from vitviz.maps.heat_map import Explanation
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.models.features import features, watching
from vitviz.models.loading import bundled, load_model
from vitviz.models.network import Network, softmax_attention
from vitviz.progress import silent
from vitviz.tracing.run import run
from vitviz.tracing.trace import Trace

SIZE = (45, 67)
TARGET = 3


def traced(network: Network, size: tuple[int, int], patch: int) -> Trace:
    geometry = Geometry(size, size, (0, 0), size, patch)
    return run(network, random_input(*size)[0].numpy(), geometry)


def asked(trace: Trace, method: str, target: int | None = TARGET) -> Explanation:
    return METHODS[method].explain(trace, Question(target=target), silent)


def expected(of: torch.Tensor, by: torch.Tensor, prefix: int) -> dict[str, np.ndarray]:
    """Both methods, written over the whole network's graph; tokens width each."""
    weights = by[prefix:].mean(0)
    return {
        "grad-cam": (of * weights).sum(1).clamp(min=0).numpy(),
        "hires-cam": (of * by).sum(1).numpy(),
    }


def check(trace: Trace, layer: int, wanted: dict[str, np.ndarray]) -> None:
    for method, values in wanted.items():
        found = asked(trace, method).by_layer[layer].values[0]
        scale = max(float(np.abs(values).max()), 1e-6)
        np.testing.assert_allclose(found / scale, values / scale, atol=2e-5)


@pytest.mark.parametrize("keeps", [True, False], ids=["states kept", "a second forward"])
@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
def test_a_convolutional_network_against_autograd(family, keeps) -> None:
    network = random_network(family)
    trace = traced(network, SIZE, 32)
    trace = trace if keeps else replace(trace, kept=())
    with torch.enable_grad():
        z = network.embed(random_input(*SIZE)).requires_grad_()
        outs = []
        for step in network.steps(SIZE):
            z = step(z, softmax_attention)
            outs.append(z)
        slopes = torch.autograd.grad(network.classify(z)[0, TARGET], outs)
    for layer, pair in enumerate(zip(outs, slopes, strict=True)):
        check(trace, layer, expected(*(network.as_tokens(t)[0].detach() for t in pair), 0))
    assert asked(trace, "grad-cam").layers == tuple(range(len(outs)))


@pytest.mark.parametrize("variant", ["registers", "distilled", "mean of patches", "CLS and mean"])
def test_a_vision_transformer_has_the_features_its_attention_reads(variant) -> None:
    config = vits.VARIANTS[variant]
    network = vits.random_network(config)
    trace = traced(network, config.input_size, config.patch)
    seen: list[torch.Tensor] = []

    def keep(module, inputs, output):
        seen.append(output)

    hooks = [block.norm1.register_forward_hook(keep) for block in network.blocks]
    with torch.enable_grad():
        image = random_input(*config.input_size).requires_grad_()
        logit = network(image)[0, TARGET]
        slopes = torch.autograd.grad(logit, seen)
    for hook in hooks:
        hook.remove()
    for layer, pair in enumerate(zip(seen, slopes, strict=True)):
        wanted = expected(*(t[0].detach() for t in pair), len(config.prefix))
        check(trace, layer, wanted)
    last = asked(trace, "hires-cam").map(-1, "mean")
    assert np.abs(last.values).max() > 1e-3, "patches count in the last layer, too"


def test_features_that_the_head_reads_are_the_last_layers() -> None:
    """As of Swin, whose patches are normed before their mean is taken."""

    class Normed(type(random_network(FAMILIES["resnet"]))):  # type: ignore[misc]
        def classify(self, z):
            return super().classify(features(F.layer_norm(z, z.shape[1:])))

    plain = random_network(FAMILIES["resnet"])
    network = Normed(plain.config)
    network.load_state_dict(plain.state_dict())
    network.eval().requires_grad_(False)
    trace = traced(network, SIZE, 32)
    with torch.enable_grad():
        z = network.embed(random_input(*SIZE))
        for step in network.steps(SIZE):
            z = step(z, softmax_attention)
        normed = F.layer_norm(z, z.shape[1:]).requires_grad_()
        (slopes,) = torch.autograd.grad(plain.classify(normed)[0, TARGET], normed)
    pair = (network.as_tokens(t)[0].detach() for t in (normed, slopes))
    check(trace, trace.depth - 1, expected(*pair, 0))


def test_before_a_mean_and_a_linear_layer_it_sums_to_the_logit() -> None:
    network = random_network(FAMILIES["resnet"])
    trace = traced(network, SIZE, 32)
    hires, grad = (asked(trace, m).map(-1, "mean").values for m in ("hires-cam", "grad-cam"))
    assert hires.sum() == pytest.approx(trace.logits[TARGET] - float(network.fc.bias[TARGET]), 1e-4)
    np.testing.assert_allclose(grad, hires.clip(min=0), rtol=1e-4, atol=1e-6)
    assert (hires < 0).any()
    assert asked(trace, "hires-cam").quantity.kind == "signed"
    assert asked(trace, "grad-cam").quantity.kind == "amount"


def test_the_bundled_network_sums_to_its_logit() -> None:
    card = next(card for card in bundled() if card.family == "efficientnet")
    network = load_model(card.id, "cpu").network
    trace = traced(network, (224, 224), 32)
    found = asked(trace, "hires-cam", None)
    logit = trace.logits[found.target] - float(network.head.bias[found.target])
    assert found.map(-1, "mean").values.sum() == pytest.approx(logit, rel=1e-4)


def test_nobody_sees_what_another_call_watches() -> None:
    x = torch.ones(2)
    with watching() as outer:
        features(x)
        with watching() as inner:
            features(2 * x)
        features(3 * x)
    assert features(x) is x
    assert [float(t[0]) for t in outer] == [1, 3]
    assert [float(t[0]) for t in inner] == [2]
