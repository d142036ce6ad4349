"""A network without some patches, against the plain way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.families.toy_cnn import CNNConfig
from tests.families.toy_cnn import build as build_cnn
from tests.families.toy_stages import StagesConfig
from tests.families.toy_stages import build as build_stages
from tests.models.networks import (
    RELATIVES,
    SMALL,
    VARIANTS,
    naive_logits,
    random_input,
    random_network,
)
from vitviz.errors import Cancelled, VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.models.vit.config import ViTConfig
from vitviz.probing import filling
from vitviz.probing.probe import Probe
from vitviz.probing.removal import removals
from vitviz.progress import Stage

GEOMETRY = Geometry((12, 20), (12, 20), (0, 0), (12, 20), 4)


def sets_of(patches: int, count: int = 6) -> np.ndarray:
    rng = np.random.default_rng(4)
    removed = rng.random((count, patches)) < np.linspace(0, 0.9, count)[:, None]
    removed[:, 1] = False
    removed[0] = False
    return removed


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)
def test_dropped_tokens_against_a_network_written_a_second_time(config: ViTConfig) -> None:
    network, image = random_network(config), random_input(12, 20, batch=1)[0]
    probe, removed = Probe(network, image.numpy(), GEOMETRY), sets_of(15)
    assert probe.removal == "drop"
    answers, prefix = probe.logits(removed), len(config.prefix)
    for answer, gone in zip(answers, removed, strict=True):
        kept = [*range(prefix), *(prefix + np.flatnonzero(~gone))]
        expected = naive_logits(config, network.state_dict(), image, kept)
        np.testing.assert_allclose(answer, expected, rtol=2e-4, atol=2e-4)


def test_probabilities_are_the_softmax_of_the_logits() -> None:
    network, image = random_network(SMALL), random_input(12, 20, batch=1)[0].numpy()
    probe, removed = Probe(network, image, GEOMETRY), sets_of(15)
    logits = probe.logits(removed).astype(np.float64)
    expected = np.exp(logits[:, 3]) / np.exp(logits).sum(1)
    np.testing.assert_allclose(probe.probabilities(removed, 3), expected, rtol=1e-6)
    of_two = 1 / (1 + np.exp(logits[:, 5] - logits[:, 3]))
    found = probe.probabilities(removed, 3, against=5)
    np.testing.assert_allclose(found, of_two, rtol=1e-6)


@pytest.mark.parametrize("removal", ["mean", "blur"])
def test_a_network_that_cannot_drop_sees_a_filled_input(removal: Any) -> None:
    network = build_cnn(CNNConfig()).eval()
    image = random_input(24, 40, batch=1)[0]
    # The patches of the last layer do not divide the input: the last ones are cut off.
    geometry = Geometry((24, 40), (24, 40), (0, 0), (24, 40), 16)
    probe = Probe(network, image.numpy(), geometry, removal)
    removed = sets_of(6, 40)  # more than go together
    removed[-1] = True  # here all may be gone
    instead = image.mean((1, 2), keepdim=True).expand_as(image)
    if removal == "blur":
        instead = filling.blurred(image[None])[0]
    expected = []
    for gone in removed:
        changed = image.clone()
        for patch in np.flatnonzero(gone):
            row, col = divmod(int(patch), 3)
            here = np.s_[:, row * 16 : row * 16 + 16, col * 16 : col * 16 + 16]
            changed[here] = instead[here]
        with torch.no_grad():
            expected.append(network(changed[None])[0].numpy())
    np.testing.assert_allclose(probe.logits(removed), np.array(expected), rtol=1e-4, atol=1e-5)


def test_what_goes_together_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    network = build_stages(StagesConfig()).eval()
    image = random_input(12, 20, batch=1)[0].numpy()
    probe, removed = Probe(network, image, GEOMETRY, "road", seed=3), sets_of(15, 20)
    together = probe.logits(removed)
    monkeypatch.setattr("vitviz.probing.probe.BATCH_BYTES", 1)
    np.testing.assert_allclose(probe.logits(removed), together, rtol=1e-4, atol=1e-5)
    other = Probe(network, image, GEOMETRY, "road", seed=4).logits(removed)
    assert np.abs(other - together)[1:].max() > 1e-5


def test_a_blur_against_its_definition() -> None:
    image = random_input(7, 12, batch=1)
    sigma = 0.1 * 7
    reach = max(1, round(3 * sigma))
    at = np.arange(-reach, reach + 1)
    weights = np.exp(-(at**2) / (2 * sigma**2))
    weights /= weights.sum()
    padded = np.pad(image[0].numpy(), ((0, 0), (reach, reach), (reach, reach)), "edge")
    expected = np.zeros((3, 7, 12))
    for down, v in enumerate(weights):
        for right, h in enumerate(weights):
            expected += v * h * padded[:, down : down + 7, right : right + 12]
    np.testing.assert_allclose(filling.blurred(image)[0], expected, rtol=1e-4, atol=1e-5)


def test_road_against_a_dense_solution() -> None:
    size, image = (9, 11), random_input(9, 11, batch=1)
    rng = np.random.default_rng(7)
    gone = rng.random((3, 1, *size)) < np.array([0.3, 0.9, 1.0])[:, None, None, None]
    behind = torch.zeros_like(image)
    found = filling.filled(image, torch.tensor(gone), "road", behind).numpy()
    for one, hole in zip(found, gone[:, 0], strict=True):
        if hole.all():
            expected = np.broadcast_to(image[0].mean((1, 2), keepdim=True).numpy(), (3, *size))
        else:
            expected = _dense_road(image[0].numpy(), hole)
        np.testing.assert_allclose(one, expected, atol=5e-3)


def _dense_road(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """x_i = sum_j w_ij x_j / sum_j w_ij for removed i, by one dense solve."""
    height, width = hole.shape
    matrix, values = np.eye(height * width), image.reshape(3, -1).T.astype(np.float64)
    for row, col in np.argwhere(hole):
        i, total = row * width + col, 0.0
        matrix[i], values[i] = 0, 0
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                at = row + down, col + right
                if (down or right) and 0 <= at[0] < height and 0 <= at[1] < width:
                    weight = 1 / 12 if down and right else 1 / 6
                    matrix[i, at[0] * width + at[1]] = -weight
                    total += weight
        matrix[i, i] = total
    return np.linalg.solve(matrix, values).T.reshape(image.shape)


def test_what_is_refused() -> None:
    cnn, image = build_cnn(CNNConfig()).eval(), random_input(24, 40, batch=1)[0].numpy()
    geometry = Geometry((24, 40), (24, 40), (0, 0), (24, 40), 4)
    with pytest.raises(VitvizError, match="cannot be run without some") as caught:
        Probe(cnn, image, geometry, "drop")
    assert "mean, blur, road" in caught.value.hint
    assert removals(cnn.outline((24, 40)))[0] == "mean"
    probe = Probe(random_network(SMALL), random_input(12, 20, batch=1)[0].numpy(), GEOMETRY)
    with pytest.raises(ValueError, match="has to stay"):
        probe.logits(np.ones((1, 15), bool))
    with pytest.raises(ValueError, match="sets of"):
        probe.logits(np.zeros((1, 14), bool))


def test_an_answer_that_is_no_number_is_said() -> None:
    network = random_network(SMALL)
    network.head.bias[2] = torch.nan
    probe = Probe(network, random_input(12, 20, batch=1)[0].numpy(), GEOMETRY)
    with pytest.raises(VitvizError, match="not a number"):
        probe.logits(sets_of(15))


def test_progress_is_told_before_each_forward_and_may_cancel() -> None:
    probe = Probe(random_network(SMALL), random_input(12, 20, batch=1)[0].numpy(), GEOMETRY)
    told: list[tuple[int, int]] = []

    def progress(stage: Stage, fraction: float) -> None:
        told.append((stage.number, stage.of))
        if stage.number == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        probe.logits(sets_of(15), progress)
    assert told == [(0, 6), (1, 6), (2, 6)]


@pytest.mark.parametrize("name", ["no positions in blocks", "rotary", "relative"])
def test_sequences_of_one_length_go_together_where_blocks_do_not_ask_where_they_lie(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {
        "no positions in blocks": SMALL, "rotary": RELATIVES["mixed RoPE"],
        "relative": RELATIVES["BEiT"],
    }[name]  # fmt: skip
    network, image = random_network(config), random_input(12, 20, batch=1)[0].numpy()
    rng, removed = np.random.default_rng(8), np.zeros((7, 15), bool)
    for row, count in zip(removed, (4, 9, 4, 4, 9, 4, 2), strict=True):
        row[rng.choice(15, count, replace=False)] = True
    sizes: list[int] = []
    through = Probe._through
    monkeypatch.setattr(
        Probe, "_through", lambda *given: (sizes.append(len(given[1])), through(*given))[1]
    )
    answers = Probe(network, image, GEOMETRY).logits(removed)
    assert sizes == ([1, 4, 2] if name == "no positions in blocks" else [1] * 7)
    monkeypatch.setattr("vitviz.probing.probe.LARGEST_BATCH", 1)
    alone = Probe(network, image, GEOMETRY).logits(removed)
    np.testing.assert_allclose(answers, alone, rtol=1e-5, atol=1e-5)
    assert np.abs(np.diff(alone, axis=0)).max(1).min() > 1e-4  # each set has its own answer
