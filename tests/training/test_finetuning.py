"""What a classifier learns: targets, stochastic depth, rates, and when it is enough."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from tests.models.networks import VARIANTS, random_input, random_network
from tests.training.conftest import PREPROCESSING, TEACHER
from vitviz.models.network import Network, softmax_attention
from vitviz.models.vit.training import TRAINING, classifier_of, forward, roles
from vitviz.progress import silent
from vitviz.training.finetune.classes import labelled_photos
from vitviz.training.finetune.objective import (
    Finetuning,
    cross_entropy,
    is_best,
    keep_rates,
    rates_of,
    smoothed,
)
from vitviz.training.recipes import FinetuneOptions, Variety

OPTIONS = FinetuneOptions("teacher", Path(), Path(), batch=8)


def nothing(network: Network, history: list[dict[str, float]], best: bool, /) -> None:
    pass


def objective(classes: Path, options: FinetuneOptions = OPTIONS) -> Finetuning:
    photos = labelled_photos(classes, None, 0.2, silent)
    return Finetuning(random_network(TEACHER), TRAINING, PREPROCESSING, photos, options, nothing)


def measured(*accuracies: float) -> list[dict[str, float]]:
    return [{"accuracy": value, "validation loss": 1.0} for value in accuracies]


def test_smoothing_is_torch_s() -> None:
    logits, labels = random_input(4, 5)[0, 0], torch.tensor([3, 0, 1, 4])
    for smoothing in (0.0, 0.3):
        ours = cross_entropy(logits, smoothed(labels, 5, smoothing))
        torch.testing.assert_close(ours, F.cross_entropy(logits, labels, label_smoothing=smoothing))


@pytest.mark.parametrize("name", VARIANTS)
def test_with_every_branch_kept_it_is_the_forward(name: str) -> None:
    network, images = random_network(VARIANTS[name]), random_input(12, 20)
    ones = torch.ones(len(network.blocks), 2, 2)
    torch.testing.assert_close(forward(network, images, ones), network(images))


def test_each_image_has_its_own_branches() -> None:
    network, images = random_network(TEACHER), random_input(12, 20)
    kept = torch.ones(4, 2, 2)
    kept[:, :, 0] = 0
    found = forward(network, images, kept)
    torch.testing.assert_close(found[1:], network(images)[1:])
    torch.testing.assert_close(found[:1], network.classify(network.embed(images))[:1])


def test_later_blocks_are_left_out_more_often(classes: Path) -> None:
    torch.testing.assert_close(keep_rates(5, 0.4), torch.tensor([1.0, 0.9, 0.8, 0.7, 0.6]))
    assert keep_rates(1, 0.4).tolist() == [1.0]
    goal = objective(classes, replace(OPTIONS, stochastic_depth=0.5))
    kept = torch.cat([part.kept for step in range(300) for part in goal.batch(step)], dim=2)
    assert kept[0].unique().tolist() == [1.0]
    assert sorted(kept[3].unique().tolist()) == [0.0, 2.0]
    assert float((kept[3] > 0).float().mean()) == pytest.approx(0.5, abs=0.03)
    assert float(kept.mean()) == pytest.approx(1, abs=0.03)  # nothing changes on average


def test_every_photo_is_shown_once_an_epoch(classes: Path) -> None:
    plain = replace(OPTIONS, smoothing=0, variety=Variety(1, 1, 0, 0), stochastic_depth=0)
    goal = objective(classes, plain)
    assert goal.steps_an_epoch == 3
    for first in (0, 3):
        parts = [part for step in range(first, first + 3) for part in goal.batch(step)]
        images = torch.cat([part.images for part in parts])
        assert len(images) == 24
        assert len({min(i.numpy().tobytes(), i.flip(2).numpy().tobytes()) for i in images}) == 24
        assert torch.cat([part.targets for part in parts]).sum(dim=0).tolist() == [8, 8, 8]


def test_mixed_photos_have_mixed_targets(classes: Path) -> None:
    goal = objective(classes, replace(OPTIONS, variety=Variety(mixed=1.0), smoothing=0.1))
    targets = torch.cat([part.targets for step in range(20) for part in goal.batch(step)])
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(len(targets)))
    assert float(targets.min()) >= 0.1 / 3 - 1e-6
    assert float(((targets > 0.05).sum(dim=1) > 1).float().mean()) > 0.4


def test_few_photos_are_one_batch(classes: Path) -> None:
    goal = objective(classes, replace(OPTIONS, batch=1000, parts=2))
    assert (goal.batch_size, goal.steps_an_epoch) == (24, 1)
    assert [len(part.images) for part in goal.batch(0)] == [12, 12]


def test_accuracy_and_loss_are_those_of_the_validation_photos(classes: Path) -> None:
    photos = labelled_photos(classes, None, 0.2, silent)
    network = classifier_of(random_network(TEACHER), 3)
    torch.nn.init.normal_(network.head.weight, generator=torch.Generator().manual_seed(0))
    goal = Finetuning(network, TRAINING, PREPROCESSING, photos, OPTIONS, nothing)
    from vitviz.training.batches import model_inputs

    with torch.no_grad():
        logits = network(model_inputs([one.photo for one in photos.validation], PREPROCESSING))
    wanted = torch.tensor([one.label for one in photos.validation])
    found = goal.measure(network)
    assert found["accuracy"] == int((logits.argmax(1) == wanted).sum()) / 6
    assert found["validation loss"] == pytest.approx(
        float(F.cross_entropy(logits, wanted)), rel=1e-4
    )


def last_state(network: Network, images: torch.Tensor) -> torch.Tensor:
    z = network.embed(images)
    for step in network.steps((images.shape[2], images.shape[3])):
        z = step(z, softmax_attention)
    return z


@pytest.mark.parametrize("name", VARIANTS)
def test_a_classifier_keeps_all_but_the_head(name: str) -> None:
    network, images = random_network(VARIANTS[name]), random_input(12, 20)
    classifier = classifier_of(network, 5)
    assert classifier.config == replace(network.config, classes=5)
    assert classifier(images).tolist() == torch.zeros(2, 5).tolist()
    torch.testing.assert_close(last_state(classifier, images), last_state(network, images))


def test_rates_fall_from_the_head_down() -> None:
    options = replace(OPTIONS, layer_decay=0.5)
    rates = rates_of(roles(random_network(TEACHER)), TEACHER.depth, options)
    scales = [
        rates[name].scale
        for name in ("head.weight", "norm.bias", "blocks.3.mlp.fc1.bias", "blocks.0.norm1.bias",
                     "pos_embed", "patch_embed.proj.weight")
    ]  # fmt: skip
    assert scales == [1, 1, 0.5, 0.5**4, 0.5**5, 0.5**5]
    assert rates["head.weight"].decay
    assert not rates["head.bias"].decay


def test_head_only_freezes_all_else() -> None:
    frozen = replace(OPTIONS, freeze="all but the head")
    rates = rates_of(roles(random_network(TEACHER)), TEACHER.depth, frozen)
    assert set(rates) == {"head.weight", "head.bias"}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_parameter_has_a_role(name: str) -> None:
    network = random_network(VARIANTS[name])
    found = roles(network)
    assert list(found) == [name for name, _ in network.named_parameters()]
    assert {role.layer for role in found.values()} == {-1, 0, 1, 2}
    heads = {name for name, role in found.items() if role.head}
    assert heads >= {"head.weight", "head.bias"}
    assert all(name.startswith("head") for name in heads)
    before = {name: role.kind for name, role in found.items() if role.layer < 0}
    assert before.pop("patch_embed.proj.weight") == "matrix"
    assert before.pop("patch_embed.proj.bias") == "vector"
    assert set(before.values()) == {"tokens"}
    blocks = {role.kind for role in found.values() if role.layer in (0, 1)}
    assert blocks == {"matrix", "vector"}


def test_the_best_is_the_most_accurate_and_then_the_surest() -> None:
    assert is_best(measured(0.5))
    assert is_best(measured(0.5, 0.6))
    assert not is_best(measured(0.5, 0.5))
    assert is_best([*measured(0.5), {"accuracy": 0.5, "validation loss": 0.9}])


def test_it_ends_when_nothing_got_better_for_so_long(classes: Path) -> None:
    goal = objective(classes, replace(OPTIONS, patience=2))
    accuracies = (0.3, 0.5, 0.4, 0.6, 0.5, 0.6)
    ends = [goal.enough(measured(*accuracies[:count])) for count in range(1, 7)]
    assert ends == [False, False, False, False, False, True]
    never = objective(classes, replace(OPTIONS, patience=0))
    assert not never.enough(measured(*[0.5] * 50))
