"""Heads silenced where attention lies in windows, which the grid does not fill."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.models.swin.test_rollout import CONFIGS, IMAGE, SIZE, network_of
from vitviz.imaging.geometry import Geometry
from vitviz.models.network import softmax_attention
from vitviz.probing.ablated import Ablated
from vitviz.probing.ablation import Ablation, Fill
from vitviz.probing.heads import head_drops
from vitviz.probing.probe import Probe

GEOMETRY = Geometry(SIZE, SIZE, (0, 0), SIZE, 4)


@pytest.mark.parametrize("fill", ["zero", "mean"])
@pytest.mark.parametrize("how", CONFIGS.values(), ids=CONFIGS)
def test_silent_heads_token_by_token(how: dict, fill: Fill) -> None:
    network, silent = network_of(how), ((0, 1), (3, 0), (4, 2))
    layer = -1

    def attend(q: Tensor, k: Tensor, v: Tensor, bias=None, windows=None) -> Tensor:
        mixed = softmax_attention(q, k, v, bias, windows).clone()
        for of, head in silent:
            if of == layer:
                places = [(int(w), int(s)) for w, s in zip(*np.nonzero(windows.numpy() >= 0),
                                                           strict=True)]  # fmt: skip
                tokens = torch.stack([mixed[w, head, s] for w, s in places])
                mixed[:, head] = 0 if fill == "zero" else tokens.mean(0)
        return mixed

    with torch.no_grad():
        image = torch.tensor(IMAGE[None])
        z = network.embed(image)
        for layer, step in enumerate(network.steps(SIZE)):  # noqa: B007
            z = step(z, attend)
        expected = network.classify(z)
        found = Ablated(network, Ablation(silent, fill), GEOMETRY)(image)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("fill", ["zero", "mean"])
def test_the_grid_of_heads_in_windows(fill: Fill) -> None:
    network, image = network_of(CONFIGS["torchvision"]), torch.tensor(IMAGE[None])
    logit, layers = head_drops(network, image, 2, fill)
    assert [len(drops) for _, drops in layers] == [2, 2, 2, 2, 4]
    for layer, drops in layers[1::2]:
        for head, drop in enumerate(drops):
            with torch.no_grad():
                one = Ablated(network, Ablation(((layer, head),), fill), GEOMETRY)(image)
            assert drop == pytest.approx(logit - float(one[0, 2]), abs=1e-4)


def test_patches_of_a_stage_are_filled_in() -> None:
    """The last stage's patches are 16 pixels; the input does not divide into them."""
    network = network_of(CONFIGS["timm"])
    geometry = network.outline(SIZE).geometry(4, GEOMETRY)
    probe = Probe(network, IMAGE, geometry)
    assert (probe.removal, probe.grid) == ("mean", (3, 5))
    removed = np.zeros((2, 15), bool)
    removed[1, [3, 9]] = True
    changed = IMAGE.copy()
    mean = IMAGE.mean((1, 2), keepdims=True)
    changed[:, 0:16, 48:64] = mean
    changed[:, 16:32, 64:] = mean
    with torch.no_grad():
        expected = network(torch.tensor(np.stack([IMAGE, changed])))
    np.testing.assert_allclose(probe.logits(removed), expected.numpy(), rtol=1e-3, atol=1e-4)
