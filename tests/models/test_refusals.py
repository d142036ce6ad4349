"""Each way in which a checkpoint can be wrong has a message of its own: what, why, what to do."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from tests.models.networks import SMALL, random_network
from vitviz.errors import CheckpointError
from vitviz.models.loading import load_model

CONFIG = replace(SMALL, width=128, heads=2)
"""Wide enough for the usual rule for heads, on a grid of 3 x 5 with three tokens before it."""


def weights() -> dict[str, Tensor]:
    return dict(random_network(CONFIG).state_dict())


def saved(tensors: dict[str, Tensor], folder: Path) -> Path:
    save_file(tensors, folder / "mine.safetensors")
    return folder / "mine.safetensors"


def missing(folder: Path) -> Path:
    tensors = weights()
    del tensors["blocks.1.norm2.bias"]
    return saved(tensors, folder)


def extra(folder: Path) -> Path:
    return saved(weights() | {"blocks.1.adapter.weight": torch.zeros(2, 2)}, folder)


def misshapen(folder: Path) -> Path:
    return saved(weights() | {"norm.weight": torch.zeros(129)}, folder)


def unknown_heads(folder: Path) -> Path:
    return saved(dict(random_network(SMALL).state_dict()), folder)


def empty(folder: Path) -> Path:
    return saved(weights() | {"blocks.0.mlp.fc2.weight": torch.zeros(0, 256)}, folder)


class Unwanted:
    """What a hostile pickle would do."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.system, ("touch ran",)


def code(folder: Path) -> Path:
    torch.save(weights() | {"extra": Unwanted()}, folder / "mine.pth")
    return folder / "mine.pth"


def bomb(folder: Path) -> Path:
    torch.save({"a": torch.zeros(100_000)}, folder / "plain.pth")
    with (
        zipfile.ZipFile(folder / "plain.pth") as source,
        zipfile.ZipFile(folder / "mine.pth", "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for member in source.namelist():
            target.writestr(member, source.read(member))
    return folder / "mine.pth"


def too_large(folder: Path) -> Path:
    torch.save(weights() | {"a": torch.zeros(1).expand(10**6, 10**5)}, folder / "mine.pth")
    return folder / "mine.pth"


@pytest.mark.parametrize(
    ("make", "cause", "hint"),
    [
        (missing, "1 missing (blocks.1.norm2.bias)", "cut short"),
        (extra, "1 unexpected (blocks.1.adapter.weight)", "parts that vitviz does not know"),
        (misshapen, "1 of another shape (norm.weight is 129, not 128)", "does not know"),
        (unknown_heads, "do not say how many attention heads share a width of 24", "heads=12"),
        (
            empty,
            '"blocks.0.mlp.fc2.weight" has the shape 0 x 256: it holds no numbers',
            "save them whole",
        ),
        (code, "would run code", "state_dict"),
        (bomb, "would grow", ""),
        (too_large, "claims 100,000,000,000 numbers", ""),
    ],
)
def test_each_has_a_message_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], Path], cause: str,
    hint: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    path = make(tmp_path)
    with pytest.raises(CheckpointError) as caught:
        load_model(path, "cpu")
    assert path.name in caught.value.message
    assert cause in caught.value.message
    assert caught.value.hint
    assert hint in caught.value.hint
    assert not (tmp_path / "ran").exists()


def test_no_registers_are_no_registers(tmp_path: Path) -> None:
    """DINOv2 with ``num_register_tokens=0`` has a parameter of no numbers."""
    config = replace(CONFIG, prefix=("cls",), positioned_prefix=1)
    tensors = dict(random_network(config).state_dict())
    tensors["register_tokens"] = torch.zeros(1, 0, 128)
    card = load_model(saved(tensors, tmp_path), "cpu").card
    assert card.outline.prefix == ("cls",)


def test_a_lightning_checkpoint_opens(tmp_path: Path) -> None:
    """Its layout (version 2), with a loss that has weights, and what its callbacks remember."""
    own = {f"net.{name}": tensor for name, tensor in weights().items()}
    parameters = [torch.nn.Parameter(tensor.clone()) for tensor in own.values()]
    optimiser = torch.optim.AdamW(parameters, lr=1e-4)
    torch.stack([parameter.sum() for parameter in parameters]).sum().backward()
    optimiser.step()
    torch.save(
        {
            "epoch": 9, "global_step": 100, "pytorch-lightning_version": "2.5.0",
            "state_dict": own | {"criterion.weight": torch.ones(7)},
            "loops": {"fit_loop": {"epoch_progress": {"total": {"ready": 10}}}},
            "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.5)}},
            "optimizer_states": [optimiser.state_dict()], "lr_schedulers": [],
            "hparams_name": "kwargs", "hyper_parameters": {"name": "vit_small", "lr": 1e-4},
        },
        tmp_path / "epoch=9-step=100.ckpt",
    )  # fmt: skip
    model = load_model(tmp_path / "epoch=9-step=100.ckpt", "cpu")
    for name, tensor in model.network.state_dict().items():
        assert torch.equal(tensor, own[f"net.{name}"])
    assert any("criterion" in note for note in model.card.notes)
