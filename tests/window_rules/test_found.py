"""What files are that were dropped: by their names where these say it, else by what is in them."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
import torch

from tests.models.networks import SMALL, random_network
from tests.samples import save_checkpoint, save_photo
from vitviz.errors import Cancelled
from vitviz.gui.found import FEW, Kind, are_many, kind_of, look_through
from vitviz.progress import Stage
from vitviz.session.state import PhotoRef


def saved(path: Path, *, zipped: bool = True) -> Path:
    state = dict(random_network(SMALL).state_dict())
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    return path


def archive(path: Path, name: str) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(name, b"something")
    return path


def make(folder: Path, name: str) -> Path:
    """A file of the kind that its name tells."""
    path = folder / name
    match name:
        case "weights.model" | "epoch=3.ckpt.1" | "x.zip":
            return saved(path)
        case "old.weights":
            return saved(path, zipped=False)
        case "plain":
            return save_checkpoint(folder / "plain.safetensors").rename(path)
        case "photos.zip":
            return archive(path, "a/b.jpg")
        case "folder.jpg":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case _:
            path.write_bytes(b"PK\x03\x04" if name.endswith("cut") else b"words")
    return path


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("weights.model", "model"),
        ("epoch=3.ckpt.1", "model"),
        ("x.zip", "model"),
        ("old.weights", "model"),
        ("plain", "model"),
        ("y.ckpt", "model"),
        ("Y.PTH", "model"),
        ("photos.zip", "photo"),
        ("zip.cut", "photo"),
        ("notes", "photo"),
        ("cat.JPG", "photo"),
        ("folder.jpg", "folder"),
        ("s.vitviz", "session"),
        ("figure.pdf", "export"),
        ("values.npz", "export"),
        pytest.param(
            "pipe", "photo", marks=pytest.mark.skipif(os.name == "nt", reason="has no pipes")
        ),
    ],
)
def test_kinds(tmp_path: Path, name: str, kind: Kind) -> None:
    assert kind_of(make(tmp_path, name)) == kind


def test_names_of_nothing() -> None:
    for name in ("gone", "x" * 5000, "nul\0", ""):
        assert kind_of(name) == "photo", "opening it says what is wrong"


def test_a_mixture_in_order_and_each_once(tmp_path: Path) -> None:
    folder, bare = tmp_path / "folder", tmp_path / "bare"
    folder.mkdir()
    bare.mkdir()
    names = ("10.png", "2.png")
    inside = [save_photo(folder / name, seed) for seed, name in enumerate(names)]
    weights = saved(tmp_path / "some.weights")
    found = look_through([inside[0], folder, bare, weights, "gone.png", str(inside[1])])
    assert [Path(ref.path).name for ref in found.photos] == ["10.png", "2.png"]
    assert found.photos[0] == PhotoRef(str(inside[0]))
    assert all(Path(ref.path).is_absolute() for ref in found.photos)
    assert found.others == (("model", weights),)
    assert {error.message for error in found.refused} == {
        "There are no photos in bare.", "There is no file gone.png.",
    }  # fmt: skip


def test_many_are_looked_through_with_progress_and_can_be_cancelled(tmp_path: Path) -> None:
    assert not are_many(["a.png"] * FEW)
    assert are_many(["a.png"] * (FEW + 1))
    assert are_many([tmp_path])
    told: list[tuple[Stage, float]] = []

    def progress(stage: Stage, fraction: float) -> None:
        told.append((stage, fraction))
        if len(told) == 3:
            raise Cancelled

    names = [f"{number}.png" for number in range(10 * FEW)]
    with pytest.raises(Cancelled):
        look_through(names, progress)
    assert [fraction for _, fraction in told] == [0, 0.1, 0.2]
    assert told[1][0] == Stage("files", FEW, 10 * FEW)
