"""Checkpoints as people reported them: each opens as its reporter expected, or says why not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vitviz.errors import CheckpointError
from vitviz.models.card import ModelCard
from vitviz.models.checkpoints.corrections import read_words
from vitviz.models.checkpoints.said import NOT_SAID
from vitviz.models.loading import Model, load_model

pytestmark = pytest.mark.shared


def opened(shared: Path, name: str, *words: str) -> Model:
    said = read_words(words) if words else NOT_SAID
    return load_model(shared / "data" / "cases" / name, "cpu", corrections=said)


def noted(card: ModelCard, text: str) -> bool:
    return any(text in note for note in card.notes)


def fields(card: ModelCard) -> set[str]:
    return {assumption.field for assumption in card.assumed}


EXPECTED: dict[str, Callable[[ModelCard], bool]] = {
    "A1_torchvision_heads_linear.pth": lambda card: card.outline.classes == 3,
    "A3_torchvision_pre_logits.pth": lambda card: card.config.pre_logits > 0,
    "A4_timm_head_dropout_linear.pth": lambda card: card.outline.classes > 0,
    "A7_several_heads.pth": lambda card: card.outline.classes > 0 and noted(card, "head1"),
    "B1_model_state_dict.pth": lambda card: card.outline.classes > 0,
    "B4_ijepa.pth": lambda card: card.parts == ("target_encoder", "encoder"),
    "C1_model_prefix_and_loss.ckpt": lambda card: noted(card, "criterion.weight"),
    "C3_vit_prefix_timm_names.pth": lambda card: card.keys == "timm",
    "D1_grid_6x8.pth": lambda card: card.config.grid == (6, 8) and "input_size" in fields(card),
    "D2_grid_2x8.pth": lambda card: card.config.grid == (4, 4) and "input_size" in fields(card),
    "E1_no_qkv_bias.pth": lambda card: not card.config.qkv_bias,
    "F1_one_output.pth": lambda card: card.outline.classes == 1,
    "G1_no_cls.pth": lambda card: card.outline.pool == "mean",
    "G3_mean_pooled_with_cls.pth": lambda card: card.outline.pool == "mean",
    "H3_google_jax_port.bin": lambda card: card.outline.classes == 3,
    "J1_width80.pth": lambda card: card.outline.heads == 5,
    "J2_hub_folder": lambda card: (
        card.preprocessing.mean == (0.5, 0.5, 0.5) and len(card.class_names) == card.outline.classes
    ),
    "V1_one_channel.pth": lambda card: noted(card, "grey"),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_reported_checkpoint_opens_as_expected(shared: Path, name: str) -> None:
    model = opened(shared, name)
    assert EXPECTED[name](model.card), model.card
    logits = model.network(torch.zeros(1, 3, *model.card.preprocessing.input_size))
    assert logits.isfinite().all()


def test_names_of_one_s_own_are_named_where_they_do_not_fit(shared: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        opened(shared, "H1_home_made_names.pth")
    # Not those that are timm's, too.
    assert "patch_embed.proj.weight" not in caught.value.message
    assert "encoder.0" in caught.value.message


@pytest.mark.parametrize(
    ("name", "word", "grid"),
    [("D1_grid_6x8.pth", "grid=8x6", (8, 6)), ("D2_grid_2x8.pth", "grid=2x8", (2, 8))],
)
def test_a_grid_can_be_said(shared: Path, name: str, word: str, grid: tuple[int, int]) -> None:
    card = opened(shared, name, word).card
    assert card.config.grid == grid
    assert "input_size" not in fields(card)
    assert noted(card, word)


def test_the_student_of_several_networks(shared: Path) -> None:
    card = opened(shared, "B4_ijepa.pth", "part=encoder").card
    assert card.parts == ("encoder", "target_encoder")


@pytest.mark.parametrize(
    ("name", "grid"),
    [("deit_tiny_patch16_224.pth", (14, 14)), ("dinov2_small_saliency.safetensors", (37, 37))],
)
def test_real_weights_open_with_nothing_asked(
    shared: Path, name: str, grid: tuple[int, int]
) -> None:
    card = load_model(shared / "data" / "checkpoints" / name, "cpu", corrections=NOT_SAID).card
    assert card.config.grid == grid
    # Their positions tell the grid, so that it is no assumption.
    assert "input_size" not in fields(card)


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("vit_cifar10.npz", "no names"),
        ("vit4mnist_torchscript.ptl", "TorchScript"),
        ("vitviz_small_v0.json", "JSON"),
    ],
)
def test_what_is_refused_says_why(shared: Path, name: str, named: str) -> None:
    with pytest.raises(CheckpointError, match=named) as caught:
        load_model(shared / "data" / "checkpoints" / name, "cpu")
    assert caught.value.hint
