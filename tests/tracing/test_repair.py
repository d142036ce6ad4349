"""The rules of the repaired backward: the same forward, and a backward that loses nothing."""

from __future__ import annotations

import threading

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from vitviz.tracing.relevance import repaired
from vitviz.tracing.repair import Repair


def x_of(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    return 2 * torch.randn(*shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize(
    "activation",
    [
        F.gelu, lambda x: F.gelu(x, approximate="tanh"), F.silu, F.mish, F.hardswish, F.relu,
        F.relu6, lambda x: F.relu6(x.clone(), True), nn.ReLU6(inplace=True), F.elu, F.leaky_relu,
        torch.tanh, F.tanh, lambda x: x * torch.sigmoid(1.702 * x), nn.Hardswish(),
        lambda x: x * F.relu6(x + 3) / 6,
    ],
)  # fmt: skip
def test_activations_are_their_input_times_a_gate(activation):
    x = x_of(4, 7) * 3
    expected = activation(x.clone())
    value, gradient, bias = repaired(lambda z: activation(z).sum(), x, None)
    torch.testing.assert_close(value, expected.sum())
    total = float((x * gradient).sum()) + bias
    assert total == pytest.approx(float(expected.sum()), abs=1e-9)


@pytest.mark.parametrize("activation", [F.gelu, F.silu, F.relu6, torch.tanh])
def test_the_gate_is_the_ratio(activation):
    x = x_of(4, 7) * 3
    _, gradient, _ = repaired(lambda z: activation(z).sum(), x, None)
    torch.testing.assert_close(gradient, activation(x) / x)
    zero = torch.zeros(2, dtype=torch.float64)
    _, at_zero, _ = repaired(lambda z: activation(z).sum(), zero, None)
    assert at_zero.isfinite().all()


class Everything(nn.Module):
    """Parts of convolutional networks and of gated ones, one after another."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.batch = nn.BatchNorm2d(8)
        self.squeeze, self.excite = nn.Conv2d(8, 2, 1), nn.Conv2d(2, 8, 1)
        self.group = nn.GroupNorm(2, 8)
        self.layer = nn.LayerNorm(8)
        self.rms = nn.RMSNorm(8)
        self.scale = nn.Parameter(torch.randn(8))
        self.shift = nn.Parameter(torch.randn(1, 8))
        self.pair = nn.Linear(8, 12)
        self.head = nn.Linear(6, 5)
        for buffer in (self.batch.running_mean, self.batch.running_var):
            buffer.uniform_(0.5, 2)
        for norm in (self.batch, self.group, self.layer):
            nn.init.uniform_(norm.weight, 0.5, 2)
            nn.init.uniform_(norm.bias, -1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu6(self.batch(self.conv(x)))
        gate = F.hardsigmoid(self.excite(F.relu(self.squeeze(x.mean((2, 3), keepdim=True)))))
        x = F.max_pool2d(self.group(x * gate), 2)
        x = self.layer(x.flatten(2).mT)
        length = x.norm(dim=1, keepdim=True)  # ConvNeXt V2's response norm
        x = x + self.scale.view(1, 1, -1) * (x * (length / (length.mean(-1, keepdim=True) + 1e-6)))
        x = self.rms(x + self.shift)
        weights = (x @ x.mT / 3).softmax(-1)
        x = x + weights @ x
        left, right = self.pair(x).chunk(2, -1)
        x = F.silu(left) * right - 0.25
        return self.head(F.normalize(x.mean(1), dim=-1))[0, 1]


def test_whatever_a_network_is_made_of_it_adds_up():
    torch.manual_seed(5)
    network, x = Everything().double().eval(), x_of(1, 3, 6, 10)
    with torch.no_grad():
        expected = network(x)
    value, gradient, bias = repaired(network, x, None)
    torch.testing.assert_close(value, expected)
    assert float((x * gradient).sum()) + bias == pytest.approx(float(expected), abs=1e-10)
    assert abs(bias) > 1e-2


def test_a_part_hands_its_gradient_on():
    """Two parts one after another are the whole."""
    torch.manual_seed(6)
    first, second = nn.Sequential(nn.Linear(4, 6), nn.GELU()).double(), nn.Linear(6, 1).double()
    x = x_of(3, 4)
    value, gradient, bias = repaired(lambda z: second(first(z)).sum(), x, None)
    _, between, behind = repaired(lambda z: second(z).sum(), first(x).detach(), None)
    _, before, of_first = repaired(first, x, between)
    torch.testing.assert_close(before, gradient)
    assert bias == pytest.approx(behind + of_first)
    assert float(value) == pytest.approx(float((x * before).sum()) + bias)


def test_rules_hold_for_one_thread_alone_and_end():
    x = x_of(5).requires_grad_()
    found: list[torch.Tensor] = []

    def ordinary() -> None:
        with torch.enable_grad():
            found.extend(torch.autograd.grad(F.gelu(x).sum(), x))

    with torch.enable_grad():
        with Repair(torch.ones((), dtype=torch.float64, requires_grad=True)):
            thread = threading.Thread(target=ordinary)
            thread.start()
            thread.join()
            (inside,) = torch.autograd.grad(F.gelu(x).sum(), x)
        ordinary()
    torch.testing.assert_close(found[0], found[1])
    assert not torch.allclose(inside, found[0])
