"""Rows of dy/dA against autograd through whole attention matrices, and against differences."""

from __future__ import annotations

import copy
import gc
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.methods.autograd import plain
from tests.models.networks import VARIANTS, random_input, random_network
from vitviz.errors import Cancelled, NotEnoughMemory, VitvizError
from vitviz.models.vit import cost as cost_module
from vitviz.models.vit.network import VisionTransformer
from vitviz.progress import Stage, silent
from vitviz.tracing import gradients as module
from vitviz.tracing import memory
from vitviz.tracing.aim import Aim
from vitviz.tracing.gradients import run_backward
from vitviz.tracing.run import run

EVERYTHING = slice(None)


def dense(found: module.Gradients) -> np.ndarray:
    """Layers heads tokens tokens."""
    layers = range(len(found.layers))
    return np.stack([found.rows(i, EVERYTHING, EVERYTHING).numpy() for i in layers])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", VARIANTS)
def test_against_autograd_through_whole_matrices(name: str, dtype: torch.dtype) -> None:
    network = random_network(VARIANTS[name])
    image = random_input(20, 28, batch=1)  # 5 x 7 patches: not the trained grid
    wanted = plain(copy.deepcopy(network).double(), image.double(), 3).gradients
    found = dense(run_backward(network.to(dtype), image.to(dtype), Aim(3)))
    assert found.dtype == np.dtype(str(dtype).removeprefix("torch."))
    size = np.abs(wanted).max()
    assert size > 1e-3, "gradients that are all small would agree by accident"
    within = 2e-5 if dtype == torch.float32 else 1e-12
    np.testing.assert_allclose(found, wanted, atol=within * size, rtol=0)


@pytest.mark.parametrize("target", [0, 6])
def test_against_finite_differences(target: int) -> None:
    """The logit as some entries of the attention change a little, one at a time."""
    network = random_network(VARIANTS["distilled"]).double()
    image = random_input(12, 20, batch=1).double()
    found, step = run_backward(network, image, Aim(target)), 1e-6
    for layer, head, row, column in ((0, 0, 0, 5), (0, 2, 9, 1), (1, 1, 0, 16), (1, 2, 1, 0)):

        def logit(by: float, at: tuple[int, int, int, int] = (layer, head, row, column)) -> float:
            return changed_logit(network, image, at, by)[target]

        slope = (logit(step) - logit(-step)) / (2 * step)
        entry = found.rows(layer, slice(head, head + 1), slice(row, row + 1))[0, 0, column]
        assert float(entry) == pytest.approx(slope, rel=1e-6, abs=1e-9)
        assert abs(slope) > 1e-6


@torch.no_grad()
def changed_logit(
    network: VisionTransformer, image: Tensor, at: tuple[int, int, int, int], by: float
) -> list[float]:
    """The logits after one entry of the attention, given as layer, head, row, column, grew."""
    z = network.embed(image)
    for layer, block in enumerate(network.blocks):

        def attend(q: Tensor, k: Tensor, v: Tensor, layer: int = layer) -> Tensor:
            weights = (q @ k.mT * q.shape[-1] ** -0.5).softmax(-1)
            if layer == at[0]:
                weights[0, at[1], at[2], at[3]] += by
            return weights @ v

        z = block(z, attend)
    logits: list[float] = network.classify(z)[0].tolist()
    return logits


def test_only_what_the_class_is_read_from_has_a_gradient_in_the_last_layer(example):
    found = dense(run(example.network, example.image, example.geometry).gradients(Aim(2), silent))
    assert np.abs(found[-1, :, :2]).max() > 0, "CLS and DIST"
    assert np.array_equal(found[-1, :, 2:], np.zeros_like(found[-1, :, 2:]))


def test_some_rows_of_some_heads_in_given_memory(example):
    trace = run(example.network, example.image, example.geometry)
    found, room = trace.gradients(Aim(1), silent), trace.room()
    rows = found.rows(0, slice(1, 3), slice(4, 9), room)
    assert torch.equal(rows, found.rows(0, EVERYTHING, EVERYTHING)[1:3, 4:9])
    assert rows.data_ptr() == room.data_ptr()


def test_nothing_of_a_graph_is_kept(example):
    found = run(example.network, example.image, example.geometry).gradients(Aim(1), silent)
    for tensor in (tensor for layer in found.layers for tensor in (layer.v, layer.mixed)):
        assert not tensor.requires_grad
        assert tensor.grad_fn is None
        assert tensor.untyped_storage().nbytes() == tensor.nbytes
    assert found.nbytes == 2 * 3 * 24 * 24 * 4
    assert all(p.grad is None for p in example.network.parameters())


def test_the_class_asked_for_last_is_kept_and_counted(example):
    trace = run(example.network, example.image, example.geometry)
    before, told = trace.nbytes, []

    def progress(stage, fraction):
        told.append(stage)

    first = trace.gradients(Aim(1), progress)
    assert trace.gradients(Aim(1), progress) is first
    assert len(told) == 3
    assert trace.nbytes == before + first.nbytes
    assert trace.gradients(Aim(2), progress).aim == Aim(2)
    assert list(trace.known) == [Aim(2)]
    assert trace.nbytes == before + first.nbytes


def test_what_blocks_were_given_is_not_computed_again(example):
    trace = run(example.network, example.image, example.geometry)
    told = []
    found = trace.gradients(Aim(0), lambda stage, fraction: told.append((stage, fraction)))
    stages = [Stage("gradient_block", layer, 3) for layer in (2, 1, 0)]
    assert told == [(stage, pytest.approx(i / 3)) for i, stage in enumerate(stages)]
    again = replace(trace, kept=(), known={}).gradients(Aim(0), silent)
    assert np.array_equal(dense(found), dense(again))


def test_what_blocks_were_given_is_kept_where_it_is_little(example, monkeypatch):
    trace = run(example.network, example.image, example.geometry)
    assert [tensor.shape for tensor in trace.kept] == 4 * [(1, 24, 24)]
    for tensor in trace.kept:
        assert tensor.untyped_storage().nbytes() == tensor.nbytes
    with_them = example.network.cost((12, 28)).peak_bytes
    monkeypatch.setattr(cost_module, "MOST_KEPT_STATES", 4 * 4 * 24 * 24 - 1)
    assert run(example.network, example.image, example.geometry).kept == ()
    assert with_them - example.network.cost((12, 28)).peak_bytes == 4 * 4 * 24 * 24


def test_progress_before_every_block_twice(example):
    told = []
    trace = replace(run(example.network, example.image, example.geometry), kept=())
    trace.gradients(Aim(0), lambda stage, fraction: told.append((stage, fraction)))
    up = [Stage("block", layer, 3) for layer in range(3)]
    down = [Stage("gradient_block", layer, 3) for layer in (2, 1, 0)]
    assert [stage for stage, _ in told] == up + down
    assert [fraction for _, fraction in told] == pytest.approx([i / 6 for i in range(6)])


def tensors() -> int:
    gc.collect()
    return sum(type(thing) is torch.Tensor for thing in gc.get_objects())


@pytest.mark.parametrize(
    "stage",
    [Stage("block", 1, 3), Stage("gradient_block", 2, 3), Stage("gradient_block", 0, 3)],
    ids=str,
)
def test_cancelled_in_the_middle_nothing_is_left(example, stage):
    trace = replace(run(example.network, example.image, example.geometry), kept=())
    before = tensors()

    def impatient(now: Stage, fraction: float) -> None:
        if now == stage:
            raise Cancelled

    try:
        trace.gradients(Aim(4), impatient)
        pytest.fail("not cancelled")
    except Cancelled:
        pass
    assert tensors() == before
    assert trace.known == {}
    assert torch.is_grad_enabled()
    again = run(example.network, example.image, example.geometry).gradients(Aim(4), silent)
    assert np.array_equal(dense(trace.gradients(Aim(4), silent)), dense(again))


def test_too_little_memory_is_refused_before_starting(example, monkeypatch):
    trace = run(example.network, example.image, example.geometry)
    monkeypatch.setattr(memory, "available_bytes", lambda device: 3_000_000)
    told = []
    with pytest.raises(NotEnoughMemory, match=r"gradients of 24 tokens need about") as refusal:
        trace.gradients(Aim(0), lambda *stage: told.append(stage))
    assert told == []
    assert refusal.value.needed_bytes == example.network.cost((12, 28)).backward_bytes


def test_memory_that_runs_out_on_the_way_is_refused_too(example, monkeypatch):
    def full(*_):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 GB")

    trace = run(example.network, example.image, example.geometry)
    monkeypatch.setattr(module, "_through", full)
    with pytest.raises(NotEnoughMemory, match="Memory ran out: gradients of 24 tokens"):
        trace.gradients(Aim(0), silent)


def test_what_it_takes_grows_with_tokens(example):
    costs = [example.network.cost((4 * rows, 4 * 96)) for rows in (64, 128, 192)]
    needed = [cost.backward_bytes for cost in costs]
    assert needed[1] - needed[0] == needed[2] - needed[1] > 0
    assert needed[0] > costs[0].peak_bytes / 3


def test_the_class_that_is_meant(example):
    trace = run(example.network, example.image, example.geometry)
    best = int(np.argmax(trace.logits))
    assert trace.target(None) == best
    assert [trace.target(i) for i in range(7)] == list(range(7))
    assert trace.target(7) == trace.target(-1) == best


def test_a_network_without_a_head_has_no_class(example):
    config = replace(example.network.config, classes=0, prefix=("cls", "reg1"), positioned_prefix=1)
    trace = run(VisionTransformer(config).eval(), example.image, example.geometry)
    with pytest.raises(VitvizError, match="no classes") as caught:
        trace.target(None)
    assert caught.value.hint


def test_a_trace_without_its_network_is_a_bug(example):
    trace = replace(run(example.network, example.image, example.geometry), network=None)
    with pytest.raises(ValueError, match="does not know its network"):
        trace.gradients(Aim(0), silent)
