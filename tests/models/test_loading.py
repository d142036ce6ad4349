"""From a name or a file to a network that runs."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.models.networks import SMALL, random_input, random_network, square
from vitviz.errors import Cancelled, CheckpointError, NotEnoughMemory, VitvizError
from vitviz.imaging.preprocess import Preprocessing
from vitviz.models import building, loading
from vitviz.models.card import ModelCard, to_json
from vitviz.models.loading import Device, bundled, choose_device, devices, load_model
from vitviz.models.vit.parameters import parameters
from vitviz.progress import Stage

CARD = ModelCard(
    "my-model", "My model", SMALL, Preprocessing((12, 20), 4, (0.5,) * 3, (0.5,) * 3, "squash", 20)
)


def saved(folder: Path, card: ModelCard | None = CARD, name: str = "mine") -> Path:
    path = folder / f"{name}.safetensors"
    config = card.config if card else square(replace(SMALL, width=128, heads=2, classes=1000))
    save_file(dict(random_network(config).state_dict()), path)
    if card:
        path.with_suffix(".json").write_text(to_json(card), encoding="utf-8")
    return path


def test_cards_are_listed_without_torch() -> None:
    code = (
        "import sys; from vitviz.models.loading import bundled; "
        "from vitviz.models.labels import class_names; "
        "assert bundled() and class_names(bundled()[0].classes); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_bundled_model_loads_in_float32_and_frozen() -> None:
    stages: list[float] = []
    model = load_model(bundled()[0].id, "cpu", lambda _, done: stages.append(done))
    assert model.card == bundled()[0]
    assert model.device == "cpu"
    assert not model.network.training
    parameters = list(model.network.parameters())
    assert {p.dtype for p in parameters} == {torch.float32}
    assert not any(p.requires_grad or p.is_meta for p in parameters)
    assert stages == sorted(stages)
    assert (stages[0], stages[-1]) == (0, 1)
    assert model.network(torch.zeros(1, 3, 224, 160)).shape == (1, 1000)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("half", [False, True])
def test_a_file_with_a_card_gives_the_same_network(tmp_path: Path, suffix: str, half: bool) -> None:
    original = random_network(SMALL)
    tensors = {k: v.half() if half else v for k, v in original.state_dict().items()}
    path = tmp_path / f"mine{suffix}"
    save_file(tensors, path) if suffix == ".safetensors" else torch.save(tensors, path)
    path.with_suffix(".json").write_text(to_json(CARD), encoding="utf-8")
    model = load_model(path, "cpu")
    image = random_input(12, 20)
    close = {"rtol": 0.05, "atol": 0.05} if half else {"rtol": 0, "atol": 0}
    torch.testing.assert_close(model.network(image), original(image), **close)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    dtype = "float16" if half else "float32"
    facts = {"sha256": digest, "bytes": path.stat().st_size, "keys": "timm", "dtype": dtype}
    assert model.card == replace(CARD, **facts)


def test_the_network_outlives_its_file(tmp_path: Path) -> None:
    for suffix in (".safetensors", ".pth"):
        path = saved(tmp_path)
        if suffix == ".pth":
            torch.save(dict(random_network(SMALL).state_dict()), path)
        network = load_model(path, "cpu").network
        before = network(random_input(12, 20))
        path.write_bytes(bytes(path.stat().st_size))
        torch.testing.assert_close(network(random_input(12, 20)), before, rtol=0, atol=0)


def test_without_a_card_assumptions_are_noted(tmp_path: Path) -> None:
    card = load_model(str(saved(tmp_path, None)), "cpu").card
    assert (card.id, card.classes, card.preprocessing.interpolation) == (
        "mine", "imagenet-1k", "bicubic",
    )  # fmt: skip
    for subject in ("Preprocessing", "imagenet-1k", "heads"):
        assert sum(subject in note for note in card.notes) == 1


def test_json_of_others_beside_it_is_left_alone(tmp_path: Path) -> None:
    path = saved(tmp_path, None)
    path.with_suffix(".json").write_text('{"epoch": 3, "loss": 0.5}', encoding="utf-8")
    assert any("mine.json" in note for note in load_model(path, "cpu").card.notes)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"depth": 3}, "depth 3, not 2"),
        ({"patch": 2}, "patch 2, not 4"),
        ({"width": 48}, "width 48, not 24"),
        ({"class_count": 8}, "classes 8, not 7"),
        ({"prefix_tokens": ["cls"], "positioned_prefix": 1}, "prefix"),
        ({"input_size": [20, 20]}, "5 x 5 patches is said"),
        ({"positioned_prefix": 2}, "positioned_prefix 2, not 1"),
        ({"sha256": "0" * 64}, "not the file"),
        ({"bytes": 3}, "not the file"),
        ({"keys": "torchvision"}, "not the file"),
        ({"patch": "big"}, "cannot be used"),
    ],
)
def test_a_card_that_disagrees_is_refused(
    tmp_path: Path, change: dict[str, object], named: str
) -> None:
    path = saved(tmp_path)
    value = json.loads(to_json(CARD)) | change
    del value["parameters"]
    path.with_suffix(".json").write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(CheckpointError, match=named):
        load_model(path, "cpu")


def test_names_that_are_no_model(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no model called") as caught:
        load_model("vit-enormous")
    assert bundled()[0].id in caught.value.hint
    for wrong in (tmp_path / "missing.pth", "", "."):
        with pytest.raises(CheckpointError):
            load_model(wrong)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(tmp_path: Path, value: float) -> None:
    path = saved(tmp_path)
    tensors = dict(random_network(SMALL).state_dict())
    tensors["norm.bias"][3] = value
    save_file(tensors, path)
    with pytest.raises(CheckpointError, match=r'"norm\.bias" holds values that are not finite'):
        load_model(path, "cpu")


def test_what_would_not_fit_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "available_bytes", lambda: 1000)
    with pytest.raises(NotEnoughMemory) as caught:
        load_model(saved(tmp_path), "cpu")
    assert caught.value.needed_bytes == 4 * parameters(SMALL)
    assert caught.value.available_bytes == 1000


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_memory_that_runs_out_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*args: object, **kwargs: object) -> torch.Tensor:
        raise error

    path = saved(tmp_path)
    monkeypatch.setattr(torch.Tensor, "to", fail)
    with pytest.raises(NotEnoughMemory, match=r"mine\.safetensors needs"):
        load_model(path, "cpu")


def test_loading_can_be_cancelled(tmp_path: Path) -> None:
    def cancel(stage: Stage, fraction: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        load_model(saved(tmp_path), "cpu", cancel)


def test_devices_end_with_the_cpu() -> None:
    assert devices()[-1] == Device("cpu", "CPU")
    assert choose_device("auto") == devices()[0].name


def test_the_best_device_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    there = (Device("cuda:0", "A"), Device("cuda:1", "B"), Device("cpu", "CPU"))
    monkeypatch.setattr(loading, "devices", lambda: there)
    assert [choose_device(d) for d in ("auto", "cuda", "cuda:1", "cpu")] == [
        "cuda:0", "cuda:0", "cuda:1", "cpu",
    ]  # fmt: skip
    with pytest.raises(VitvizError, match='no device "mps"'):
        choose_device("mps")


def test_cuda_would_compute_as_the_cpu_does() -> None:
    load_model(bundled()[0].id, "cpu")
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.allow_tf32
