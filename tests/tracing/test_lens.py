"""The logit lens, against the head written out on each state."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.tracing.conftest import CONFIG, Example
from vitviz.models.vit.network import VisionTransformer
from vitviz.progress import silent
from vitviz.tracing.lens import class_race, decided_at, depth_states, patch_race


def states_by_hand(example: Example) -> list[torch.Tensor]:
    network, image = example.network, torch.tensor(example.image[None])
    with torch.no_grad():
        states = [network.embed(image)]
        for block in network.blocks:
            states.append(block(states[-1]))
    return states


def test_each_depth_is_the_head_on_that_state(example: Example) -> None:
    """Both heads of a distilled network read their own token, through the final norm."""
    network, image = example.network, torch.tensor(example.image[None])
    assert network.outline((12, 28)).reads_all_depths
    found = class_race(network, depth_states(network, image))
    assert found.shape == (CONFIG.depth + 1, CONFIG.classes)
    with torch.no_grad():
        for depth, z in enumerate(states_by_hand(example)):
            normed = network.norm(z)[0]
            cls, dist = network.head(normed[0]), network.head_dist(normed[1])
            np.testing.assert_allclose(found[depth], (cls + dist).numpy() / 2, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(found[-1], network(image)[0].numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("pool", ["cls", "mean", "cls+mean", "map"])
def test_a_patch_is_read_alone_whatever_the_head_pools(
    pool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a sequence of whose tokens all are that patch, of any length; a few at a time."""
    from dataclasses import replace

    config = replace(CONFIG, pool=pool, prefix=("cls", "reg1"), positioned_prefix=1)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = VisionTransformer(config).eval()
    image = torch.randn(1, 3, 12, 28, generator=torch.Generator().manual_seed(2))
    states = depth_states(network, image)
    monkeypatch.setattr("vitviz.tracing.lens.TOGETHER_BYTES", 4 * 3 * 24 * 2)
    found = list(patch_race(network, states, 2, 4, silent))
    assert len(found) == CONFIG.depth + 1
    with torch.no_grad():
        for readings, z in zip(found, states, strict=True):
            for patch in (0, 9, 20):
                alone = z[:, 2 + patch].expand(1, 23, -1)
                shares = network.classify(alone)[0].softmax(-1)
                assert readings.best[patch] == int(shares.argmax())
                np.testing.assert_allclose(readings.share[patch], float(shares.max()), rtol=1e-4)
                np.testing.assert_allclose(readings.target[patch], float(shares[4]), rtol=1e-4)


def test_where_it_is_decided() -> None:
    first = np.eye(3, dtype=np.float32)[[2, 1, 0, 1, 1]]
    assert decided_at(first) == 3, "from there on class 1 is always the first"
    assert decided_at(first[3:]) == 0, "it was so before the first layer"
