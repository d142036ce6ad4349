"""What people correct of a model: how it is, what was assumed, and trying what they say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.models.networks import SMALL, random_network
from vitviz.errors import CheckpointError, VitvizError
from vitviz.models.checkpoints import corrections
from vitviz.models.checkpoints.said import NOT_SAID
from vitviz.models.correcting import assumed, check, choose_part, correct, said_of, values
from vitviz.models.loading import load_model

WIDE = replace(SMALL, width=128, heads=4, input_size=(24, 24), prefix=("cls", "reg1"))


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a user of their own."""
    monkeypatch.setattr(corrections, "folder", lambda: tmp_path / "memory")
    return tmp_path / "memory"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A checkpoint without a card, whose 4 heads are taken for 2 of 64."""
    save_file(dict(random_network(WIDE).state_dict()), tmp_path / "mine.safetensors")
    return tmp_path / "mine.safetensors"


def test_what_a_model_is_taken_for_and_why(path: Path) -> None:
    card = load_model(path, "cpu").card
    known, why = values(card), assumed(card)
    assert known["heads"] == "2"
    assert known["grid"] == "6x6"
    assert known["rule"] == "crop"
    assert known["classes"] == "own"
    assert "are assumed" in why["heads"]
    assert {"mean", "std", "rule", "interpolation"} <= why.keys()
    assert "activation" not in why


def test_a_correction_is_tried_and_remembered_for_the_file(path: Path, tmp_path: Path) -> None:
    card = load_model(path, "cpu").card
    made = correct(str(path), card, said_of(card, {"heads": "4"}))
    assert made.outline.layers[0].heads == 4
    moved = path.rename(tmp_path / "renamed.pth")
    again = load_model(moved, "cpu").card
    assert again.outline.layers[0].heads == 4
    assert again.corrected == ("heads=4",)
    assert "heads" not in assumed(again)
    both = correct(str(moved), again, said_of(again, {"interpolation": "lanczos"}))
    assert both.corrected == ("heads=4", "interpolation=lanczos")
    correct(str(moved), both, NOT_SAID)
    assert load_model(moved, "cpu").card.outline.layers[0].heads == 2


def test_what_cannot_be_is_refused_and_not_remembered(path: Path, memory: Path) -> None:
    card = load_model(path, "cpu").card
    with pytest.raises(CheckpointError, match="not a multiple of 5 heads"):
        correct(str(path), card, said_of(card, {"heads": "5"}))
    assert not (memory / corrections.FILE).exists()
    with pytest.raises(VitvizError, match="whole number"):
        said_of(card, {"heads": "many"})


@pytest.mark.parametrize(
    ("name", "text", "good"),
    [
        ("heads", "12", True), ("heads", "0", False), ("heads", "", False),
        ("grid", "6x8", True), ("grid", "6 × 8", True), ("grid", "6", False),
        ("mean", "0.5, 0.5, 0.5", True), ("mean", "0.5, 0.5", False), ("mean", "nan,0,0", False),
        ("norm_eps", "1e-6", True), ("norm_eps", "1", False),
        ("activation", "gelu", True), ("activation", "relu", False),
    ],
)  # fmt: skip
def test_values_are_checked_as_they_are_typed(name: str, text: str, good: bool) -> None:
    assert (check(name, text) == "") is good


def test_names_of_classes_stay_when_something_else_is_said(path: Path, tmp_path: Path) -> None:
    card = load_model(path, "cpu").card
    names = tuple("abcdefg")
    named = correct(str(path), card, said_of(card, {}, names))
    assert named.class_names == names
    assert correct(str(path), named, said_of(named, {"heads": "4"})).class_names == names


def test_another_network_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "train.pth"
    raw, ema = (dict(random_network(WIDE, seed).state_dict()) for seed in (0, 1))
    torch.save({"model": raw, "model_ema": ema, "epoch": 3}, path)
    card = load_model(path, "cpu").card
    assert set(card.parts) == {"model", "model_ema"}
    first, second = card.parts
    other = choose_part(str(path), card, second)
    assert other.parts[0] == second
    model = load_model(path, "cpu")
    assert model.card.parts[0] == second
    expected = {"model": raw, "model_ema": ema}[second]["head.weight"]
    assert torch.equal(model.network.state_dict()["head.weight"], expected)
    assert choose_part(str(path), other, first).parts[0] == first
