"""Class-specific methods in row blocks against whole matrices and autograd through them."""

from __future__ import annotations

import copy
import itertools
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from tests.methods import autograd
from tests.methods.autograd import Plain, plain
from tests.models.networks import VARIANTS, random_input, random_network
from vitviz.errors import Cancelled, NotEnoughMemory, VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.maps.heat_map import Explanation
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.methods.parts import discard
from vitviz.progress import silent
from vitviz.tracing import fused
from vitviz.tracing.aim import Aim
from vitviz.tracing.run import run
from vitviz.tracing.trace import Trace

CLASS_SPECIFIC = [name for name, method in METHODS.items() if method.class_specific]
GEOMETRY = Geometry((40, 56), (20, 28), (0, 0), (20, 28), 4)  # 5 x 7 patches


@dataclass(frozen=True)
class Case:
    """A network's trace, and for class 4 what autograd says, in float64."""

    trace: Trace
    seen: Plain


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    return {name: case(name) for name in ("distilled", "registers", "gated", "mean of patches")}


def case(name: str) -> Case:
    network = random_network(VARIANTS[name])
    image = random_input(20, 28, batch=1)
    seen = plain(copy.deepcopy(network).double(), image.double(), 4)
    return Case(run(network, image[0].numpy(), GEOMETRY), seen)


@pytest.fixture(params=["one block", "blocks of 12 rows"])
def _sizes(request, monkeypatch):
    if request.param != "one block":
        monkeypatch.setattr(fused, "FEWEST_ROWS", 12)
        monkeypatch.setattr(fused, "BLOCK_BYTES", {"cpu": 0})
        monkeypatch.setattr(discard, "KEPT_BYTES", 0)


def ask(trace, method, *, query=0, head="mean", target=4, report=silent, **params) -> Explanation:
    question = Question(query=(query,), head=head, params=params, target=target)
    return METHODS[method].explain(trace, question, report)


def close(found, wanted, size=0.0):
    """Size: of what was added up to these numbers, where that is more than they are."""
    assert found.dtype == np.float32
    size = max(size, np.abs(wanted).max())
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5 * size)


@pytest.mark.usefixtures("_sizes")
@pytest.mark.parametrize("name", ["distilled", "registers", "gated", "mean of patches"])
@pytest.mark.parametrize("head", ["mean", "max", "min", 0, 2])
def test_relevance_is_the_product_of_whole_matrices(cases, name, head):
    trace, seen = cases[name].trace, cases[name].seen
    for start, query in itertools.product((0, 1), (0, 1, trace.tokens - 1)):
        wanted = autograd.relevance(seen, head, start)[:, query]
        found = ask(trace, "relevance", query=query, head=head, start=start + 1)
        assert found.layers == tuple(range(start, 2))
        assert (found.head, found.target, found.quantity.kind) == (head, 4, "amount")
        close(found.values[:, 0], wanted)


def test_relevance_is_that_of_the_paper_s_authors(cases):
    """``R += A_bar R`` of ``generate_relevance`` in their ViT notebook, written in torch."""
    trace, seen = cases["distilled"].trace, cases["distilled"].seen
    relevance = torch.eye(trace.tokens, dtype=torch.float64)
    for attention, gradients in zip(seen.attention, seen.gradients, strict=True):
        cam = (torch.tensor(gradients) * torch.tensor(attention)).clamp(min=0).mean(dim=0)
        relevance += cam @ relevance
    close(ask(trace, "relevance").values[-1, 0], relevance[0].numpy())


@pytest.mark.usefixtures("_sizes")
@pytest.mark.parametrize("head", ["mean", "max", "min", 1])
@pytest.mark.parametrize("ratio", [0.0, 0.3, 0.9, 0.999])
def test_gradient_rollout_is_the_product_of_whole_matrices(cases, head, ratio):
    trace, seen = cases["distilled"].trace, cases["distilled"].seen
    for residual, start in ((0.5, 0), (0.1, 1), (0.0, 0)):
        wanted = autograd.gradient_rollout(seen, head, ratio, residual, start)
        for query in (0, 1):
            found = ask(trace, "gradient-rollout", query=query, head=head, discard=ratio,
                        residual=residual, start=start + 1)  # fmt: skip
            assert (found.head, found.target, found.quantity.kind) == (head, 4, "share")
            close(found.values[:, 0], wanted[:, query])


def test_gradient_rollouts_sum_to_one(cases):
    for head, ratio, query in itertools.product(("mean", "max", 1), (0.0, 0.8), (0, 20)):
        found = ask(cases["registers"].trace, "gradient-rollout", head=head, discard=ratio,
                    query=query)  # fmt: skip
        np.testing.assert_allclose(found.values.sum(axis=-1), 1, atol=1e-6)


@pytest.mark.parametrize("name", ["distilled", "registers", "gated", "mean of patches"])
@pytest.mark.parametrize("query", [0, 1, 36])
def test_attention_grad_cam_is_as_its_formula_is_written(cases, name, query):
    trace, seen = cases[name].trace, cases[name].seen
    found = ask(trace, "attention-grad-cam", query=query)
    wanted = autograd.attention_grad_cam(seen, query, len(trace.layout.prefix))
    assert (found.head, found.target, found.quantity.kind) == ("mean", 4, "amount")
    assert found.layers == (0, 1)
    close(found.values[:, 0], wanted, np.abs(seen.gradients).max())


def test_a_row_of_the_last_layer_that_the_class_is_not_read_from(cases):
    trace = cases["registers"].trace
    assert not ask(trace, "attention-grad-cam", query=9).values[-1].any()
    row = ask(trace, "relevance", query=9, start=2).values[0, 0]
    assert np.array_equal(row, np.eye(trace.tokens, dtype=np.float32)[9])


def test_values_that_are_all_the_same_leave_attention_times_a_number(cases):
    """Whatever is mixed is the same, so each entry of a row has the same slope."""
    network = copy.deepcopy(cases["distilled"].trace.network)
    with torch.no_grad():
        network.blocks[1].attn.qkv.weight[48:] = 0  # v is its bias everywhere
    trace = run(network, random_input(20, 28, 1)[0].numpy(), GEOMETRY)
    slopes = trace.gradients(Aim(4), silent).rows(1, slice(None), slice(0, 1))[:, 0].numpy()
    assert (slopes > 0).all(axis=1).any()
    np.testing.assert_allclose(slopes, slopes[:, :1] + 0 * slopes, rtol=1e-5)
    wanted = (np.maximum(slopes[:, :1], 0) * trace.row(1, 0)).mean(0)
    wanted[0] += 1
    close(ask(trace, "relevance", start=2).values[0, 0], wanted)


@pytest.mark.parametrize("method", CLASS_SPECIFIC)
def test_a_class_whose_logit_is_constant_has_no_relevance(cases, method):
    network = copy.deepcopy(cases["registers"].trace.network)
    with torch.no_grad():
        network.head.weight[4] = 0
    trace = run(network, random_input(20, 28, 1)[0].numpy(), GEOMETRY)
    row = ask(trace, method).values[:, 0]
    itself = np.eye(trace.tokens, dtype=np.float32)[[0, 0]]
    if method == "gmar":  # then all heads count alike
        plain_rollout = METHODS["rollout"].explain(trace, Question((0,)), silent)
        np.testing.assert_allclose(row, plain_rollout.values[:, 0], rtol=1e-5)
        return
    followed = method in ("relevance", "gradient-rollout")  # through the residual connections
    assert np.array_equal(row, itself if followed else 0 * row)


@pytest.mark.parametrize("method", ["relevance", "attention-grad-cam"])
def test_a_logit_twice_as_large_doubles_what_is_linear_in_it(cases, method):
    network = copy.deepcopy(cases["distilled"].trace.network)
    with torch.no_grad():
        for head in (network.head, network.head_dist):
            head.weight[4] *= 2
    trace = run(network, random_input(20, 28, 1)[0].numpy(), GEOMETRY)
    once, twice = (ask(t, method).values for t in (cases["distilled"].trace, trace))
    if method == "relevance":  # of one layer alone; products of layers are not linear
        itself = np.eye(trace.tokens)[0]
        once, twice = once[:1] - itself, twice[:1] - itself
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("method", CLASS_SPECIFIC)
def test_classes_have_maps_of_their_own(cases, method):
    trace = cases["distilled"].trace
    maps = [ask(trace, method, target=i).values for i in range(7)]
    assert all((a != b).any() for a, b in itertools.combinations(maps, 2))
    best = int(np.argmax(trace.logits))
    for asked in (None, 7, -1):
        found = ask(trace, method, target=asked)
        assert found.target == best
        assert np.array_equal(found.values, maps[best])


@pytest.mark.parametrize("method", CLASS_SPECIFIC)
def test_a_head_it_does_not_have_becomes_the_last(cases, method):
    trace = cases["distilled"].trace
    found = ask(trace, method, head=9)
    if METHODS[method].fuses_first:
        assert found.head == 2
    assert np.array_equal(found.values, ask(trace, method, head=2).values)


@pytest.mark.parametrize("method", CLASS_SPECIFIC)
def test_a_model_without_classes_is_refused(cases, method):
    trace = replace(cases["distilled"].trace, logits=None)
    with pytest.raises(VitvizError, match="no classes"):
        ask(trace, method)


@pytest.mark.parametrize(
    ("method", "params"),
    [("relevance", {"start": 3}), ("relevance", {"start": 0}), ("gradient-rollout", {"start": 9}),
     ("gradient-rollout", {"discard": 1.5}), ("gradient-rollout", {"residual": -0.5})],
)  # fmt: skip
def test_settings_out_of_bounds(cases, method, params):
    with pytest.raises(VitvizError):
        ask(cases["distilled"].trace, method, **params)


@pytest.mark.parametrize("method", CLASS_SPECIFIC)
def test_the_answer_is_read_only_and_the_same_twice(cases, method):
    first, second = (ask(replace(cases["gated"].trace, known={}), method) for _ in range(2))
    assert np.array_equal(first.values, second.values)
    with pytest.raises(ValueError, match="read-only"):
        first.values[0] = 0
    shown = first.map(-1, "mean")
    assert shown.values.shape == (5, 7)
    assert (len(shown.prefix_share) > 0) == (first.quantity.kind == "share")


@pytest.mark.parametrize("method", ["relevance", "gradient-rollout"])
@pytest.mark.parametrize(
    ("kind", "number"),
    [("block", 1), ("gradient_block", 0), ("method_layer", 1), ("method_layer", 0)],
)
def test_cancelled_in_the_middle(cases, method, kind, number):
    trace = replace(cases["distilled"].trace, kept=(), known={})
    wanted = ask(cases["distilled"].trace, method).values
    name = method if kind == "method_layer" else ""

    def impatient(now, fraction):
        assert 0 <= fraction < 1
        if (now.kind, now.number, now.name) == (kind, number, name):
            raise Cancelled

    with pytest.raises(Cancelled):
        ask(trace, method, report=impatient)
    assert np.array_equal(ask(trace, method).values, wanted)


def test_memory_that_runs_out_is_a_refusal(cases, monkeypatch):
    def full(*_, **__):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 GB")

    monkeypatch.setattr(Trace, "window_blocks", full)
    with pytest.raises(NotEnoughMemory, match="gradient rollout over 37 tokens"):
        ask(cases["distilled"].trace, "gradient-rollout")


def test_why_this_class_and_not_that(cases):
    """The number is the difference of two logits; without a map of its own nothing is added."""
    trace = cases["distilled"].trace
    network = copy.deepcopy(trace.network).double()
    seen = plain(network, torch.tensor(trace.image[None]).double(), 4, 2)
    question = Question((0,), target=4, contrast=2)
    found = METHODS["relevance"].explain(trace, question, silent)
    assert (found.target, found.contrast) == (4, 2)
    close(found.values[:, 0], autograd.relevance(seen)[:, 0])
    gone = replace(question, contrast=77)
    assert METHODS["relevance"].explain(trace, gone, silent).contrast is None


@pytest.mark.parametrize("method", CLASS_SPECIFIC)
def test_a_class_is_not_set_against_itself(cases, method):
    trace = cases["distilled"].trace
    for target in (3, None):
        contrast = trace.target(target)
        question = Question((0,), target=target, contrast=contrast)
        with pytest.raises(VitvizError, match="are the same"):
            METHODS[method].explain(trace, question, silent)


@pytest.mark.parametrize("method", CLASS_SPECIFIC)
def test_both_classes_are_in_the_answer(cases, method):
    trace = cases["distilled"].trace
    found = METHODS[method].explain(trace, Question((0,), target=1, contrast=5), silent)
    assert (found.target, found.contrast) == (1, 5)
