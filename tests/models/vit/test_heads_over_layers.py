"""Linear heads over four layers: DINO's of small networks, and DINOv2's linear4."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

import vitviz
from tests.models.networks import SMALL, random_network
from vitviz.errors import VitvizError
from vitviz.imaging.samples import sample_photos
from vitviz.models.checkpoints.said import Said
from vitviz.models.loading import Model, load_model
from vitviz.models.network import softmax_attention

BODY = replace(SMALL, depth=6, classes=0)
SAID = {"heads": 3, "input_size": (12, 20), "positioned_prefix": 1}


def opened(tokens: int, folder: Path, wrapped: bool = False) -> tuple[Model, dict[str, Tensor]]:
    """A network with a head in a file of its own that reads the numbers of some tokens."""
    network = random_network(BODY)
    names = {"reg_token": "register_tokens"}
    save_file(
        {names.get(n, n): t.contiguous() for n, t in network.state_dict().items()},
        folder / "body.safetensors",
    )
    torch.manual_seed(3)
    head = {"weight": torch.randn(7, tokens * 24), "bias": torch.randn(7)}
    file = {"state_dict": {f"module.linear.{n}": t for n, t in head.items()}} if wrapped else head
    torch.save(file, folder / "head.pth")
    said = Said(network=SAID, head=str(folder / "head.pth"))
    return load_model(folder / "body.safetensors", "cpu", corrections=said), head


def by_hand(image: Tensor) -> list[Tensor]:
    """The normalised tokens of each layer."""
    network, found = random_network(BODY), []
    z = network.embed(image)
    for step in network.steps((12, 20)):
        z = step(z, softmax_attention)
        found.append(network.norm(z))
    return found


@pytest.mark.parametrize("wrapped", [False, True], ids=["DINOv2", "DINO"])
@pytest.mark.parametrize("tokens", [4, 5])
def test_the_answer_is_read_from_four_layers(tokens: int, wrapped: bool, tmp_path: Path) -> None:
    model, head = opened(tokens, tmp_path, wrapped)
    image = torch.randn(2, 3, 12, 20)
    layers = by_hand(image)
    read = [z[:, 0] for z in layers[-4:]] + [layers[-1][:, 3:].mean(dim=1)] * (tokens == 5)
    expected = torch.cat(read, dim=1) @ head["weight"].T + head["bias"]
    torch.testing.assert_close(model.network(image), expected, rtol=1e-4, atol=1e-4)
    outline = model.card.outline
    assert outline.read_layers == 4
    assert outline.parameters == sum(p.numel() for p in model.network.parameters())


@pytest.mark.parametrize(
    "method", ["attention", "rollout", "grad-cam", "relevance", "leave-one-out", "libragrad"]
)
def test_maps_are_of_that_answer(method: str, tmp_path: Path) -> None:
    model, _ = opened(5, tmp_path)
    photo = vitviz.load_photo(sample_photos()[0])
    trace = vitviz.trace(photo, model)
    found = vitviz.explain(trace, method, layer=-1)
    assert found.values.shape == (3, 5)
    assert found.values.std() > 0


def test_no_layer_by_itself_has_an_answer(tmp_path: Path) -> None:
    model, _ = opened(4, tmp_path)
    assert not model.card.outline.reads_all_depths
    z = model.network.embed(torch.randn(1, 3, 12, 20))
    with pytest.raises(VitvizError, match="last 4 layers together"):
        model.network.classify(z)


def test_gradients_reach_every_layer_that_is_read(tmp_path: Path) -> None:
    model, _ = opened(4, tmp_path)
    image = torch.randn(1, 3, 12, 20)
    states = [model.network.embed(image).requires_grad_()]
    for step in model.network.steps((12, 20)):
        states.append(step(states[-1], softmax_attention))
    model.network.classify(states[-1])[0, 2].backward()
    assert states[0].grad is not None
    assert [z.shape[-1] for z in states] == [24, 24, 24, 24, 48, 72, 96]
