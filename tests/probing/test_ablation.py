"""Networks without heads and patches, against the plain way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.families.toy_cnn import CNNConfig
from tests.families.toy_cnn import build as build_cnn
from tests.families.toy_stages import StagesConfig
from tests.families.toy_stages import build as build_stages
from tests.models.networks import SMALL, VARIANTS, naive_logits, random_input, random_network
from vitviz.errors import VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.models.network import Network, softmax_attention
from vitviz.models.vit.config import ViTConfig
from vitviz.probing.ablated import Ablated
from vitviz.probing.ablation import Ablation, Fill
from vitviz.probing.heads import head_drops
from vitviz.probing.probe import Probe
from vitviz.probing.silence import mean_over
from vitviz.tracing.run import run

GEOMETRY = Geometry((24, 40), (12, 20), (0, 0), (12, 20), 4)
IMAGE = random_input(12, 20, batch=1)


def without(*patches: tuple[int, int]) -> Ablation:
    removed = np.zeros((3, 5), bool)
    removed[tuple(zip(*patches, strict=True))] = True
    return Ablation().with_patches(GEOMETRY, removed)


def edited(network: torch.nn.Module, edit: Callable[[int, Tensor], Tensor]) -> Tensor:
    """The network's answer where what the heads of each layer put out is changed before it is
    projected: by hooks, which know nothing of ``attend``.
    """
    handles = [
        block.attn.proj.register_forward_pre_hook(
            lambda _, inputs, layer=layer: (edit(layer, inputs[0]),)
        )
        for layer, block in enumerate(network.blocks)
    ]
    with torch.no_grad():
        answer = network(IMAGE)
    for handle in handles:
        handle.remove()
    return answer


@pytest.mark.parametrize("fill", ["zero", "mean"])
def test_silent_heads_against_hooks(fill: Fill) -> None:
    network = random_network(SMALL)
    heads = ((0, 1), (1, 0), (1, 2))
    ablated = Ablated(network, Ablation((*heads, (1, 900), (70, 0)), fill), GEOMETRY)

    def edit(layer: int, mixed: Tensor) -> Tensor:
        apart = mixed.clone().unflatten(2, (3, 8))  # batch tokens heads head_dim
        for of, head in heads:
            if of == layer:
                mean = apart[:, :, head].mean(1, keepdim=True)
                apart[:, :, head] = 0 if fill == "zero" else mean
        return apart.flatten(2)

    torch.testing.assert_close(ablated(IMAGE), edited(network, edit), rtol=1e-4, atol=1e-4)
    assert (ablated(IMAGE) - network(IMAGE)).abs().max() > 0.01


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)
def test_removed_patches_are_as_if_they_were_not_there(config: ViTConfig) -> None:
    network = random_network(config)
    gone = [(0, 0), (1, 2), (2, 4)]
    ablated = Ablated(network, without(*gone), GEOMETRY)
    prefix = len(config.prefix)
    patches = [p for p in range(15) if divmod(p, 5) not in gone]
    kept = [*range(prefix), *(prefix + p for p in patches)]
    expected = naive_logits(config, network.state_dict(), IMAGE[0], kept)
    np.testing.assert_allclose(ablated(IMAGE)[0].numpy(), expected, rtol=2e-4, atol=2e-4)
    trace = run(ablated, IMAGE[0].numpy(), GEOMETRY)
    np.testing.assert_allclose(trace.logits, expected, rtol=2e-4, atol=2e-4)


def test_each_head_of_a_distilled_network_reads_what_is_left() -> None:
    network = random_network(VARIANTS["distilled"])
    ablated = Ablated(network, without((0, 1), (2, 2)), GEOMETRY)
    z = ablated.embed(IMAGE)
    for step in ablated.steps((12, 20)):
        z = step(z, softmax_attention)
    found = ablated.readouts(z)
    assert len(found) == 2
    torch.testing.assert_close(found.mean(0), ablated(IMAGE), rtol=1e-4, atol=1e-4)


def test_a_silent_head_projects_nothing() -> None:
    network = random_network(SMALL)
    ablated = Ablated(network, Ablation(((1, 0), (1, 2), (1, 9))), GEOMETRY)
    assert torch.equal(ablated.projection(0), network.projection(0))
    whole, found = network.projection(1), ablated.projection(1)
    assert torch.equal(found[:, 8:16], whole[:, 8:16])
    assert found[:, :8].abs().max() == found[:, 16:].abs().max() == 0
    z = ablated.embed(IMAGE)
    for step in ablated.steps((12, 20)):
        z = step(z, softmax_attention)
    torch.testing.assert_close(ablated.features(z), network.features(z))


def test_its_trace_is_the_trace_of_any_network() -> None:
    """Nobody looks at what is gone, and every method can be asked."""
    network, ablation = random_network(SMALL), without((1, 2)).with_head(1, 0, silent=True)
    ablated = Ablated(network, ablation, GEOMETRY)
    trace = run(ablated, IMAGE[0].numpy(), GEOMETRY)
    np.testing.assert_allclose(trace.logits, ablated(IMAGE)[0].numpy(), rtol=1e-4, atol=1e-4)
    gone = 3 + 7
    for layer in range(2):
        assert trace.column(layer, gone).max() == 0
        rows = torch.cat([block for _, block in trace.row_blocks(layer)], dim=1)
        np.testing.assert_allclose(rows.sum(-1), 1, atol=1e-5)
    gradients = trace.gradients(trace.aim(2), lambda stage, fraction: None)
    silent = gradients.rows(1, slice(0, 1), slice(0, 18))
    assert silent.abs().max() == 0  # what a silent head looks at changes nothing
    assert gradients.rows(1, slice(1, 3), slice(0, 1)).abs().max() > 0


def test_more_can_be_taken_from_it() -> None:
    """The line under a map of an ablated network drops patches from that network."""
    network = random_network(SMALL)
    ablated = Ablated(network, without((0, 3), (1, 2)), GEOMETRY)
    probe = Probe(ablated, IMAGE[0].numpy(), GEOMETRY)
    more = np.zeros((1, 15), bool)
    more[0, [0, 7]] = True  # one of them gone already
    kept = [*range(3), *(3 + p for p in range(15) if p not in (0, 3, 7))]
    expected = naive_logits(SMALL, network.state_dict(), IMAGE[0], kept)
    np.testing.assert_allclose(probe.logits(more)[0], expected, rtol=2e-4, atol=2e-4)
    nothing = probe.logits(np.zeros((1, 15), bool))
    torch.testing.assert_close(torch.tensor(nothing), ablated(IMAGE), rtol=1e-4, atol=1e-4)


def test_networks_that_cannot_drop_see_the_mean_colour() -> None:
    network, image = build_cnn(CNNConfig()).eval(), random_input(24, 40, batch=1)
    geometry = Geometry((24, 40), (24, 40), (0, 0), (24, 40), 4)  # the first layer's: 6 x 10
    removed = np.zeros((6, 10), bool)
    removed[2:4, 5:] = True
    ablated = Ablated(network, Ablation().with_patches(geometry, removed), geometry)
    changed = image.clone()
    changed[..., 8:16, 20:] = image.mean((2, 3), keepdim=True)
    torch.testing.assert_close(ablated(image), network(changed))


@pytest.mark.parametrize("fill", ["zero", "mean"])
@pytest.mark.parametrize("build", [lambda: random_network(SMALL), lambda: build_stages(
    StagesConfig()).eval()], ids=["vit", "stages"])  # fmt: skip
def test_the_grid_of_heads_against_one_at_a_time(
    build: Callable[[], torch.nn.Module], fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vitviz.probing.heads.MOST_TOGETHER", 2)  # three or four heads
    network = build()
    logit, layers = head_drops(network, IMAGE, 1, fill)
    with torch.no_grad():
        assert logit == pytest.approx(float(network(IMAGE)[0, 1]), abs=1e-4)
    for layer, drops in layers:
        for head, drop in enumerate(drops):
            one = Ablated(network, Ablation(((layer, head),), fill), GEOMETRY)
            with torch.no_grad():
                alone = float(one(IMAGE)[0, 1])
            assert drop == pytest.approx(logit - alone, abs=2e-3)


def test_the_mean_over_windows_leaves_padding_out() -> None:
    """Two images, three windows of four slots, of ten tokens."""
    windows = torch.tensor([[0, 1, 5, 6], [2, 3, 7, 8], [4, -1, 9, -1]])
    mixed = torch.randn(6, 2, 4, 3, generator=torch.Generator().manual_seed(1))
    found = mean_over(mixed, windows)
    for image in range(2):
        own = mixed[image * 3 : image * 3 + 3]
        tokens = [own[w, :, s] for w in range(3) for s in range(4) if windows[w, s] >= 0]
        expected = torch.stack(tokens).mean(0)
        for window in range(3):
            for slot in range(4):
                torch.testing.assert_close(found[image * 3 + window, :, slot], expected)


def test_removed_patches_on_another_grid_are_those_over_the_same_place() -> None:
    ablation = without((0, 1), (2, 4))
    np.testing.assert_array_equal(np.argwhere(ablation.removed(GEOMETRY)), [[0, 1], [2, 4]])
    fine = replace(GEOMETRY, resized_size=(24, 40), input_size=(24, 40))  # twice as fine
    expected = np.zeros((6, 10), bool)
    expected[0:2, 2:4] = expected[4:6, 8:10] = True
    np.testing.assert_array_equal(ablation.removed(fine), expected)
    coarse = replace(GEOMETRY, patch=10)
    assert ablation.removed(coarse).sum() == 0  # no centre of a larger patch lies in a smaller one
    cropped = replace(GEOMETRY, window_origin=(0, 4), input_size=(12, 16))
    np.testing.assert_array_equal(np.argwhere(ablation.removed(cropped)), [[0, 0], [2, 3]])


def test_heads_are_switched_off_and_on() -> None:
    ablation = Ablation().with_head(3, 1, silent=True).with_head(0, 2, silent=True)
    assert ablation.heads == ((0, 2), (3, 1))
    assert ablation.silenced(3) == (1,)
    assert not ablation.with_head(3, 1, silent=False).with_head(0, 2, silent=False)


def test_a_photo_without_any_patch_is_refused() -> None:
    ablation = Ablation().with_patches(GEOMETRY, np.ones((3, 5), bool))
    with pytest.raises(VitvizError, match="Every patch is removed"):
        Ablated(random_network(SMALL), ablation, GEOMETRY)


def test_whatever_a_network_can_do_an_ablated_one_does_its_own_way() -> None:
    """A part of the contract that is not passed on would be answered by the whole network's rule,
    or by none.
    """
    parts = {name for name, part in vars(Network).items() if callable(part) and name[0] != "_"}
    parts -= {"forward"}  # which goes through the others
    assert parts <= set(vars(Ablated))
