"""Private operators are used only where they are there, take what they get, and are right."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from vitviz.tracing import fused

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _fresh():
    fused.trusted_kernel.cache_clear()
    yield
    fused.trusted_kernel.cache_clear()


def missing(q, k, v):
    return torch.ops.aten._no_such_attention(q, k, v)


def other_signature(q, k, v):
    return torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, nonsense=1)


def only_the_mix(q, k, v):
    return (F.scaled_dot_product_attention(q, k, v),)


def base_two(q, k, v):
    mixed, lse = fused._cpu(q, k, v)
    return mixed, lse / math.log(2)


def other_shape(q, k, v):
    mixed, lse = fused._cpu(q, k, v)
    return mixed, lse[0, 0, :3]


def wrong_mix(q, k, v):
    mixed, lse = fused._cpu(q, k, v)
    return mixed + 1, lse


@pytest.mark.parametrize(
    "kernel", [missing, other_signature, only_the_mix, base_two, other_shape, wrong_mix]
)
def test_a_kernel_that_changed_is_not_used(kernel, monkeypatch):
    monkeypatch.setattr(fused, "KERNELS", {"cpu": (kernel,)})
    assert fused.trusted_kernel(CPU, torch.float32, 8) is None
    q, k, v = torch.arange(3 * 2 * 5 * 8).float().cos().view(3, 1, 2, 5, 8)
    mixed, lse = fused.attend(q, k, v)
    assert lse is None
    assert torch.equal(mixed, F.scaled_dot_product_attention(q, k, v))


def test_the_first_right_kernel_is_used(monkeypatch):
    monkeypatch.setattr(fused, "KERNELS", {"cpu": (missing, fused._cpu)})
    assert fused.trusted_kernel(CPU, torch.float32, 8) is fused._cpu


def test_a_device_without_one():
    assert fused.trusted_kernel(torch.device("meta"), torch.float32, 8) is None


@pytest.mark.parametrize("head_dim", [8, 48, 64, 80])
def test_this_torch_has_a_right_one(head_dim):
    assert fused.trusted_kernel(CPU, torch.float32, head_dim) is fused._cpu


def test_trying_leaves_the_random_state_alone():
    before = torch.random.get_rng_state()
    fused.trusted_kernel(CPU, torch.float32, 8)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("step", [1, 4, 100])
def test_log_denominators(step, monkeypatch):
    monkeypatch.setattr(fused, "FEWEST_ROWS", step)
    monkeypatch.setattr(fused, "BLOCK_BYTES", {"cpu": 0})
    q, k = torch.arange(2 * 3 * 23 * 8).float().sin().view(2, 3, 23, 8) * 9
    wanted = (q.double() @ k.double().mT).logsumexp(-1)
    torch.testing.assert_close(fused.log_denominators(q, k).double(), wanted, atol=1e-5, rtol=1e-6)
