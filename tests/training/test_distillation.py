"""What a student learns: losses against closed forms, states and attention against the trace."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from tests.models.networks import VARIANTS, random_input, random_network
from tests.training.conftest import PREPROCESSING, TEACHER
from vitviz.models.vit.training import roles, student_of
from vitviz.training.batches import model_inputs
from vitviz.training.distil.objective import (
    Distillation,
    attention_divergence,
    logit_divergence,
    observe,
    rates_of,
    state_error,
)
from vitviz.training.loop import Schedule
from vitviz.training.photos import find_photos, open_photos
from vitviz.training.recipes import DistilOptions


@pytest.fixture
def options(photos: Path) -> DistilOptions:
    return DistilOptions(
        "teacher", (photos,), Path(), depth=2, embedding=2, end_to_end=5, steps=10, cool_down=4,
        full_size=4, batch=6,
        sides=(8, 12, 16),
    )  # fmt: skip


def objective(options: DistilOptions) -> Distillation:
    photos = open_photos(find_photos(options.photos)).photos
    teacher = random_network(TEACHER)
    return Distillation(
        teacher, PREPROCESSING, photos, model_inputs(photos[:9], PREPROCESSING), options
    )


@pytest.mark.parametrize("name", VARIANTS)
def test_an_observed_forward_is_the_forward(name: str) -> None:
    network, images = random_network(VARIANTS[name]), random_input(12, 20)
    found = observe(network, images)
    torch.testing.assert_close(found.logits, network(images), rtol=1e-4, atol=1e-5)
    assert len(found.states) == 1 + len(found.attention) == 1 + len(network.blocks)
    for rows in found.attention:
        torch.testing.assert_close(rows.exp().sum(dim=-1), torch.ones(rows.shape[:-1]))


def test_attention_is_the_softmax_of_queries_and_keys() -> None:
    network, images = random_network(TEACHER), random_input(12, 20)
    block = network.blocks[0]
    qkv = block.attn.qkv(block.norm1(network.embed(images)))
    q, k, _ = qkv.unflatten(2, (3, TEACHER.heads, -1)).permute(2, 0, 3, 1, 4).double()
    wanted = (q @ k.mT / TEACHER.head_dim**0.5).softmax(dim=-1)
    found = observe(network, images).attention[0].exp().double()
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-6)


def test_every_other_block_counts() -> None:
    network, images = random_network(TEACHER), random_input(12, 20)
    every, other = observe(network, images), observe(network, images, 2)
    assert len(other.states) == 3
    for index in range(3):
        assert torch.equal(other.states[index], every.states[2 * index])
    for index in range(2):
        assert torch.equal(other.attention[index], every.attention[2 * index + 1])


def test_a_block_that_is_given_its_input_does_not_see_the_one_before() -> None:
    network, images = random_network(TEACHER), random_input(12, 20)
    wanted = observe(network, images)
    broken = copy.deepcopy(network)
    broken.blocks[1].mlp.fc2.bias.fill_(5.0)
    found = observe(broken, images, given=wanted.states)
    same = [
        torch.allclose(a, b, atol=1e-5) for a, b in zip(found.states, wanted.states, strict=True)
    ]
    assert same == [True, True, False, True, True]
    torch.testing.assert_close(found.logits, wanted.logits)


def test_divergences_are_torch_s_and_nothing_between_equals() -> None:
    student, teacher = random_input(4, 5), random_input(4, 5, seed=2)
    one, other = student.log_softmax(dim=-1), teacher.log_softmax(dim=-1)
    wanted = F.kl_div(one, other, log_target=True, reduction="sum") / (2 * 3 * 4)
    torch.testing.assert_close(attention_divergence(one, other), wanted)
    assert attention_divergence(one, one) == 0
    logits, others = student[:, 0, 0], teacher[:, 0, 0]
    p, q = others.softmax(-1), logits.softmax(-1)
    by_hand = (p * (p.log() - q.log())).sum(-1).mean()
    torch.testing.assert_close(logit_divergence(logits, others), by_hand)
    assert float(logit_divergence(logits, logits + 3)) == pytest.approx(0, abs=1e-6)


def test_a_state_error_is_in_units_of_the_spread() -> None:
    teacher = torch.zeros(2, 3, 4)
    spread = torch.tensor([1.0, 2.0, 4.0, 8.0])
    assert state_error(teacher + 2 * spread, teacher, spread) == 4


@pytest.mark.parametrize("step", [0, 3, 7])
def test_the_teacher_itself_has_nothing_to_learn(options: DistilOptions, step: int) -> None:
    goal = objective(replace(options, depth=4))
    (part, *_) = goal.batch(step)
    for value in goal.losses(random_network(TEACHER), part, step).values():
        assert abs(float(value)) < 1e-5
    assert goal.measure(random_network(TEACHER)) == {"first": 1, "among five": 1}


def test_block_by_block_no_gradient_crosses_a_block(options: DistilOptions) -> None:
    goal, student = objective(options), student_of(random_network(TEACHER), 2, 0)
    (part, *_) = goal.batch(0)
    for step, crosses in ((2, False), (5, True)):
        losses = goal.losses(student, part, step)
        first = student.blocks[0].mlp.fc2.weight
        (gradient,) = torch.autograd.grad(losses["logits"], first, allow_unused=True)
        assert (gradient is not None) == crosses


def test_at_first_only_the_embedding_learns(options: DistilOptions) -> None:
    goal, student = objective(options), student_of(random_network(TEACHER), 2, 0)
    losses = goal.losses(student, goal.batch(0)[0], 0)
    names = [name for name, _ in student.named_parameters()]
    found = torch.autograd.grad(losses["states"], list(student.parameters()), allow_unused=True)
    moved = {name for name, gradient in zip(names, found, strict=True) if gradient is not None}
    tokens = {"cls_token", "reg_token", "pos_embed"}
    assert moved == tokens | {"patch_embed.proj.weight", "patch_embed.proj.bias"}


def test_the_rate_comes_down_from_its_boost() -> None:
    pace = Schedule(100, 0.1, warm_up=0, cool_down=10, boost=4, boosted=30)
    rates = [pace.rate_at(step) for step in (0, 10, 15, 30, 90, 95)]
    assert rates == pytest.approx([0.4, 0.3, 0.25, 0.1, 0.1, 0.05])


def test_logits_weigh_more_and_more_in_the_cool_down(options: DistilOptions) -> None:
    goal, student = objective(options), student_of(random_network(TEACHER), 2, 0)
    (part, *_) = goal.batch(0)
    with torch.no_grad():
        found = [float(goal.losses(student, part, step)["logits"]) for step in (5, 6, 8, 9)]
        plain = float(logit_divergence(student(part), random_network(TEACHER)(part)))
    assert [weight / plain for weight in found] == pytest.approx(
        [0.05, 0.05, 0.525, 0.7625], rel=1e-3
    )


def test_stages_go_with_the_steps_unless_they_are_chosen() -> None:
    options = DistilOptions("teacher", (), Path())
    assert options.stages == (300, 150, 2_000, 100)
    assert replace(options, steps=40, full_size=0, cool_down=7).stages == (4, 1, 7, 0)


def test_sides_take_turns_and_the_beginning_and_the_end_are_at_full_size(
    options: DistilOptions,
) -> None:
    goal = objective(options)
    sizes = [tuple(goal.batch(step)[0].shape[2:]) for step in range(10)]
    assert sizes == [(12, 20)] * 2 + [(16, 16), (8, 8), (12, 12), (16, 16)] + [(12, 20)] * 4


def test_parts_are_the_batch_cut(options: DistilOptions) -> None:
    whole = objective(replace(options, parts=1)).batch(4)
    parts = objective(replace(options, parts=3)).batch(4)
    assert [len(part) for part in parts] == [2, 2, 2]
    assert torch.equal(torch.cat(parts), whole[0])


def test_a_student_has_nothing_of_its_teacher() -> None:
    teacher = random_network(TEACHER)
    student, other = student_of(teacher, 2, 0), student_of(teacher, 2, 1)
    assert len(student.blocks) == 2
    weights = dict(teacher.named_parameters())
    for (name, tensor), again in zip(student.named_parameters(), other.parameters(), strict=True):
        assert not torch.equal(tensor, weights[name])
        if tensor.ndim == 2:
            assert not torch.equal(tensor, again)


def test_only_matrices_decay_and_all_but_the_head_s_are_orthogonalised() -> None:
    rates = rates_of(roles(student_of(random_network(TEACHER), 2, 0)), 0.1)
    assert rates["blocks.1.attn.qkv.weight"].orthogonal
    assert rates["patch_embed.proj.weight"].orthogonal
    assert not rates["head.weight"].orthogonal
    decaying = {name for name, rate in rates.items() if rate.decay}
    assert {"head.weight", "patch_embed.proj.weight"} < decaying
    assert not {"pos_embed", "cls_token", "head.bias", "blocks.0.norm1.weight"} & decaying


def test_agreement_is_counted_over_all_held_out_photos(options: DistilOptions) -> None:
    goal = objective(options)
    student = student_of(random_network(TEACHER), 2, 0)
    images = model_inputs(open_photos(find_photos(options.photos)).photos[:9], PREPROCESSING)
    wanted = random_network(TEACHER)(images).argmax(1)
    order = student(images).argsort(dim=1, descending=True)
    measured = goal.measure(student)
    assert measured["first"] == float((order[:, 0] == wanted).float().mean())
    among = (order[:, :5] == wanted[:, None]).any(1).float().mean()
    assert measured["among five"] == pytest.approx(float(among))
