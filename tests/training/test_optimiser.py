"""Optimisers against torch's own and against closed forms."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from vitviz.training.optimiser import Optimiser, Rates, clip, learning_rate, orthogonalised


def matrices(seed: int, *shapes: tuple[int, ...]) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(seed)
    return {str(i): torch.randn(shape, generator=random) for i, shape in enumerate(shapes)}


def test_adamw_is_torch_s() -> None:
    ours = matrices(0, (5, 3), (4,))
    theirs = {name: tensor.clone().requires_grad_() for name, tensor in ours.items()}
    optimiser = Optimiser(ours, {name: Rates(2.0, 0.1) for name in ours}, (0.8, 0.95))
    reference = torch.optim.AdamW(
        list(theirs.values()), lr=0.02, betas=(0.8, 0.95), weight_decay=0.1
    )
    for step in range(1, 6):
        gradients = matrices(step, (5, 3), (4,))
        for name, gradient in gradients.items():
            optimiser.step(name, gradient, 0.01, step)
            theirs[name].grad = gradient
        reference.step()
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[name].detach())


@pytest.mark.parametrize("shape", [(6, 20), (20, 6), (9, 9)])
def test_a_matrix_is_made_nearly_orthogonal(shape: tuple[int, int]) -> None:
    matrix = matrices(1, shape)["0"]
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    found = orthogonalised(matrix)
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.5
    assert values.max() < 1.3
    # Its singular vectors stay: in their frame it is diagonal.
    inside = left.T @ found @ right.T
    assert (inside - inside.diagonal().diag()).abs().max() < 1e-4


def test_muon_moves_by_the_momentum_with_all_its_directions_alike() -> None:
    start = matrices(2, (8, 12))["0"]
    moved = start.clone()
    optimiser = Optimiser({"0": moved}, {"0": Rates(decay=0.1, orthogonal=True)})
    gradients = [matrices(seed, (8, 12))["0"] for seed in (3, 4)]
    momentum = torch.zeros(8, 12)
    wanted = start.clone()
    for number, gradient in enumerate(gradients, 1):
        optimiser.step("0", gradient, 0.01, number)
        momentum = 0.95 * momentum + gradient
        wanted = wanted * (1 - 0.01 * 0.1)
        wanted -= 0.01 * 0.2 * 12**0.5 * orthogonalised(gradient + 0.95 * momentum)
    torch.testing.assert_close(moved, wanted)


def test_queries_keys_and_values_are_three_matrices() -> None:
    moved = torch.zeros(12, 4)
    gradient = matrices(5, (12, 4))["0"]
    Optimiser({"0": moved}, {"0": Rates(decay=0, orthogonal=True)}).step("0", gradient, 1.0, 1)
    for part, own in zip(moved.chunk(3), gradient.chunk(3), strict=True):
        torch.testing.assert_close(part, -0.2 * 2 * orthogonalised(1.95 * own))


def test_an_update_is_as_large_as_adam_s() -> None:
    moved = torch.zeros(32, 48)
    gradient = matrices(6, (32, 48))["0"]
    Optimiser({"0": moved}, {"0": Rates(orthogonal=True)}).step("0", gradient, 1.0, 1)
    assert 0.15 < float(moved.square().mean().sqrt()) < 0.25


def test_a_rate_may_be_another_once_it_is_not_boosted() -> None:
    rates = Rates(scale=8.0, decay=0.0, later=0.5)
    assert (rates.at(boosted=True), rates.at(boosted=False)) == (8.0, 0.5)
    assert Rates(scale=8.0).at(boosted=False) == 8.0
    moves = []
    for boosted in (True, False):
        moved = torch.zeros(4)
        Optimiser({"0": moved}, {"0": rates}).step("0", torch.ones(4), 0.01, 1, boosted=boosted)
        moves.append(float(moved[0]))
    assert moves == pytest.approx([-0.08, -0.005])


@pytest.mark.parametrize("most", [0.5, 100.0])
def test_clipping_is_torch_s(most: float) -> None:
    gradients = matrices(7, (3, 4), (5,))
    parameters = [torch.zeros_like(g).requires_grad_() for g in gradients.values()]
    for parameter, gradient in zip(parameters, gradients.values(), strict=True):
        parameter.grad = gradient.clone()
    norm = torch.nn.utils.clip_grad_norm_(parameters, most)
    assert clip(gradients, most) == pytest.approx(float(norm), rel=1e-5)
    for parameter, gradient in zip(parameters, gradients.values(), strict=True):
        assert parameter.grad is not None
        torch.testing.assert_close(gradient, parameter.grad, rtol=1e-4, atol=1e-6)


def test_the_rate_goes_up_stays_and_goes_down() -> None:
    rates = [learning_rate(step, 10, 2, 4) for step in range(10)]
    assert rates == [0.5, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25]


def test_a_longer_run_has_the_same_rates_until_the_shorter_one_cools_down() -> None:
    short = [learning_rate(step, 100, 10, 20) for step in range(80)]
    assert short == [learning_rate(step, 500, 10, 20) for step in range(80)]


def test_no_warm_up_and_no_cool_down() -> None:
    assert {learning_rate(step, 7, 0, 0) for step in range(7)} == {1.0}
