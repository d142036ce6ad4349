"""The forward pass: right, watched, cancelled, refused."""

from __future__ import annotations

import copy
import gc
from dataclasses import replace

import numpy as np
import pytest
import torch

from vitviz.errors import Cancelled, NotEnoughMemory, VitvizError
from vitviz.models.vit.network import VisionTransformer
from vitviz.progress import Stage
from vitviz.tracing import memory
from vitviz.tracing import run as run_module
from vitviz.tracing.run import run


def go(example, **options):
    return run(example.network, example.image, example.geometry, **options)


def test_the_answer_is_the_networks_own(example):
    with torch.no_grad():
        wanted = example.network(torch.tensor(example.image[None]))[0].numpy()
    trace = go(example)
    np.testing.assert_allclose(trace.logits, wanted, atol=1e-6)
    assert trace.layout.prefix == ("cls", "dist", "reg1")
    assert trace.layout.grid == (3, 7)
    assert trace.geometry is example.geometry
    assert trace.forward_s > 0


def test_twice_the_same(example):
    first, second = go(example), go(example)
    for a, b in zip(first.attention, second.attention, strict=True):
        assert torch.equal(a.q, b.q)
        assert torch.equal(a.k, b.k)
    assert np.array_equal(first.logits, second.logits)


def test_nothing_asks_for_gradients(example):
    trace = go(example)
    for layer in trace.attention:
        assert not layer.q.requires_grad
        assert not layer.k.requires_grad
        assert not layer.q.is_inference()  # what is not known yet has to be filled in later


def test_progress_before_every_block(example):
    told = []
    go(example, progress=lambda stage, fraction: told.append((stage, fraction)))
    assert told == [(Stage("block", layer, 3), layer / 3) for layer in range(3)]


def tensors() -> int:
    gc.collect()
    return sum(type(thing) is torch.Tensor for thing in gc.get_objects())


@pytest.mark.parametrize("block", [0, 1, 2])
def test_cancelled_in_the_middle_nothing_is_left(example, block):
    logits = go(example).logits
    before = tensors()

    def impatient(stage: Stage, fraction: float) -> None:
        if stage.number == block:
            raise Cancelled

    try:
        go(example, progress=impatient)
        pytest.fail("not cancelled")
    except Cancelled:
        pass
    assert tensors() == before
    assert not torch.is_inference_mode_enabled()
    assert np.array_equal(go(example).logits, logits)


def test_too_little_memory_is_refused_before_starting(example, monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda device: 3_000_000)
    told = []
    with pytest.raises(NotEnoughMemory, match=r"24 tokens need about \d+ MB.* 3 MB") as refusal:
        go(example, progress=lambda *stage: told.append(stage))
    assert told == []
    needed = example.network.cost((12, 28)).peak_bytes
    assert refusal.value.needed_bytes == needed
    assert refusal.value.available_bytes == 3_000_000


def test_memory_that_runs_out_on_the_way_is_refused_too(example, monkeypatch):
    def full(*_):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 GB")

    monkeypatch.setattr(run_module, "attend", full)
    with pytest.raises(NotEnoughMemory, match="Memory ran out: 24 tokens"):
        go(example)


def test_weights_that_are_not_numbers(example):
    broken = copy.deepcopy(example.network)
    with torch.no_grad():
        broken.head.weight[3, 5] = torch.nan
    with pytest.raises(VitvizError, match="not a number"):
        run(broken, example.image, example.geometry)


def test_a_network_without_a_head(example):
    config = replace(example.network.config, classes=0, prefix=("cls", "reg1"), positioned_prefix=1)
    trace = run(VisionTransformer(config), example.image, example.geometry)
    assert trace.logits is None
    assert trace.row(2, 0).shape == (3, 23)


def test_an_image_of_another_size_is_a_bug(example):
    with pytest.raises(ValueError, match="do not fit"):
        run(example.network, example.image[:, :, :24].copy(), example.geometry)
