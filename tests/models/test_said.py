"""What lies beside a checkpoint, what is said of it, and where its files are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.models.networks import SMALL, random_input, random_network
from vitviz.errors import CheckpointError, VitvizError
from vitviz.models.checkpoints.checkpoint import read_tensors
from vitviz.models.checkpoints.configs import read_config, read_processor
from vitviz.models.checkpoints.corrections import (
    read_words,
    remember,
    remembered,
    sha256,
    words_of,
)
from vitviz.models.checkpoints.places import find
from vitviz.models.checkpoints.said import NOT_SAID, Said
from vitviz.models.loading import load_model

WORDS = ("heads=3", "grid=3x5", "mean=0.5,0.25,0.5", "rule=squash", "outputs=labels")


def test_words_say_the_same_when_they_are_read_again() -> None:
    said = read_words(WORDS)
    assert said.network == {"heads": 3, "grid": (3, 5)}
    assert said.preprocessing == {"mean": (0.5, 0.25, 0.5), "rule": "squash"}
    assert set(words_of(said)) == set(WORDS)


@pytest.mark.parametrize("word", ["heads", "heads=0", "heads=x", "mean=1,2", "std=nan,1,1", "x=1"])
def test_words_that_say_nothing(word: str) -> None:
    with pytest.raises(VitvizError):
        read_words([word])


def test_what_the_user_said_is_remembered_for_the_file(tmp_path: Path) -> None:
    network = random_network(SMALL)
    path, memory = tmp_path / "mine.safetensors", tmp_path / "memory"
    save_file(dict(network.state_dict()), path)
    with pytest.raises(CheckpointError, match="how many attention heads"):
        load_model(path, "cpu", corrections=NOT_SAID)
    said = read_words(["heads=3", "grid=3x5"])
    model = load_model(path, "cpu", corrections=said)
    image = random_input(12, 20)
    torch.testing.assert_close(model.network(image), network(image), rtol=0, atol=0)
    assert model.card.corrected == ("heads=3", "grid=3x5")
    remember(model.card.sha256, model.card.bytes, said, memory)
    assert remembered((path,), memory).network == said.network
    path.rename(tmp_path / "elsewhere.pth")  # of the content, not of the name
    assert remembered((tmp_path / "elsewhere.pth",), memory).network == said.network
    remember(model.card.sha256, model.card.bytes, NOT_SAID, memory)
    assert remembered((tmp_path / "elsewhere.pth",), memory).is_nothing


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 2, "files": []}', "\0"])
def test_a_memory_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "corrections.json").write_text(text)
    assert remembered((tmp_path / "corrections.json",), tmp_path).is_nothing


def test_one_word_over_another() -> None:
    said = Said("user", network={"heads": 3}).over(
        Said("timm", "vit_tiny", {"a": 1}, {"heads": 2, "patch": 4}, names=("x",))
    )
    assert (said.kind, said.architecture) == ("timm", "vit_tiny")
    assert said.network == {"heads": 3, "patch": 4}


def test_a_card_of_one_field(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    save_file(dict(random_network(SMALL).state_dict()), path)
    card = {"heads": 3, "input_size": [12, 20]}
    path.with_suffix(".json").write_text(json.dumps(card))
    assert load_model(path, "cpu", corrections=NOT_SAID).card.outline.heads == 3
    path.with_suffix(".json").write_text(json.dumps(card | {"heads": "three"}))
    with pytest.raises(CheckpointError):
        load_model(path, "cpu", corrections=NOT_SAID)


def sharded(folder: Path, names: tuple[str, str]) -> Path:
    tensors = dict(random_network(SMALL).state_dict())
    keys = list(tensors)
    halves = keys[: len(keys) // 2], keys[len(keys) // 2 :]
    for name, half in zip(names, halves, strict=True):
        save_file({key: tensors[key] for key in half}, folder / name)
    where = {key: name for name, half in zip(names, halves, strict=True) for key in half}
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": where}))
    return index


SHARDS = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"


def test_parts_of_a_checkpoint_are_one(tmp_path: Path) -> None:
    index = sharded(tmp_path, SHARDS)
    for path in (index, tmp_path, tmp_path / SHARDS[1]):
        assert [file.name for file in find(path).files] == list(SHARDS)
    said = read_words(["heads=3", "grid=3x5"])
    card = load_model(tmp_path, "cpu", corrections=said).card
    assert card.sha256 == sha256([tmp_path / name for name in SHARDS])
    (tmp_path / SHARDS[0]).unlink()
    with pytest.raises(CheckpointError, match="1 of the 2 parts"):
        find(index)


@pytest.mark.parametrize("name", ["../other.safetensors", "/etc/passwd", "a/b", "c:x", "..\\a"])
def test_an_index_reads_nothing_outside_of_its_folder(tmp_path: Path, name: str) -> None:
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(CheckpointError, match="outside of its folder"):
        find(index)


def test_a_model_in_the_cache_of_a_hub(tmp_path: Path) -> None:
    repository = tmp_path / "models--owner--vit"
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (repository / "blobs").mkdir()
    for name, text in (("model.safetensors", "w"), ("config.json", "{}")):
        (repository / "blobs" / f"hash-{name}").write_text(text)
        (snapshot / name).symlink_to(repository / "blobs" / f"hash-{name}")
    for path in (repository, snapshot / "model.safetensors",
                 repository / "blobs" / "hash-model.safetensors"):  # fmt: skip
        assert "config.json" in find(path).beside
    assert find(repository).name == "owner/vit"


def test_a_folder_with_several_checkpoints_asks(tmp_path: Path) -> None:
    for name in ("a.pth", "b.pth", "optimizer.pt"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(CheckpointError, match=r"2 checkpoints: a\.pth, b\.pth"):
        find(tmp_path)


def test_timm_s_crop() -> None:
    cfg = {"input_size": [3, 224, 256], "crop_pct": 0.9, "crop_mode": "center", "mean": [0.5] * 3}
    said = read_config({"architecture": "vit_x", "pretrained_cfg": cfg, "global_pool": "avg"})
    assert said is not None
    assert said.preprocessing["edge"] == 248  # floor of 248.9
    assert said.preprocessing["input_size"] == (224, 256)
    assert said.network["pool"] == "mean"


@pytest.mark.parametrize(
    ("given", "rule", "size", "edge"),
    [
        ({"size": {"height": 224, "width": 256}}, "squash", (224, 256), 256),
        ({"size": 224, "feature_extractor_type": "ViTFeatureExtractor"}, "squash", (224, 224), 224),
        ({"size": {"shortest_edge": 256}, "do_center_crop": True,
          "crop_size": {"height": 224, "width": 224}},
         "shortest edge, then centre crop", (224, 224), 256),
        ({"size": {"height": 256, "width": 256}, "do_center_crop": True,
          "crop_size": {"height": 224, "width": 224}},
         "squash, then centre crop", (224, 224), 256),
    ],
)  # fmt: skip
def test_image_processors(given: dict[str, object], rule: str, size: object, edge: int) -> None:
    found = read_processor(given | {"image_mean": [0.5] * 3, "resample": 2})
    assert (found["rule"], found["input_size"], found["edge"]) == (rule, size, edge)
    assert found["interpolation"] == "bilinear"


def test_named_arrays_of_numpy(tmp_path: Path) -> None:
    arrays = {"a/kernel": np.arange(6.0, dtype=np.float32).reshape(2, 3), "b": np.ones(2, ">f8")}
    np.savez(tmp_path / "w.npz", **arrays)
    found = read_tensors(tmp_path / "w.npz")
    assert found["a.kernel"].tolist() == arrays["a/kernel"].tolist()
    assert found["b"].dtype == torch.float64
    np.savez_compressed(tmp_path / "bomb.npz", a=np.zeros(1_000_000))
    with pytest.raises(CheckpointError, match="would grow"):
        read_tensors(tmp_path / "bomb.npz")
    np.savez(tmp_path / "objects.npz", a=np.array([{}], dtype=object))
    with pytest.raises(CheckpointError, match="no array of plain numbers"):
        read_tensors(tmp_path / "objects.npz")
