"""A small teacher in a file, and photos to train on."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

from tests.models.networks import SMALL, random_network
from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.card import ModelCard, to_json

TEACHER = replace(SMALL, depth=4)
"""Three rows, five columns, three prefix tokens."""

PREPROCESSING = Preprocessing(
    TEACHER.input_size, TEACHER.patch, (0.4, 0.5, 0.6), (0.2, 0.3, 0.25), "squash", 20, "bilinear"
)


def write_photo(path: Path, seed: int, size: tuple[int, int] = (40, 28), tint: int = 0) -> Path:
    """A photo of random blots; size: width and height; tint: the channel that is strong."""
    path.parent.mkdir(parents=True, exist_ok=True)
    blots = np.random.default_rng(seed).integers(0, 120, (5, 7, 3), dtype=np.uint8)
    blots[..., tint] += 120
    Image.fromarray(blots).resize(size, Image.Resampling.BICUBIC).save(path)
    return path


@pytest.fixture(scope="session")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with its card."""
    path = tmp_path_factory.mktemp("teacher") / "teacher.safetensors"
    network = random_network(TEACHER)
    save_file({n: t.contiguous() for n, t in network.state_dict().items()}, path)
    card = ModelCard("teacher", "Teacher", TEACHER, PREPROCESSING, licence="CC0-1.0")
    path.with_suffix(".json").write_text(to_json(card), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty photos of several sizes, in two folders."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(40):
        size = (40, 28) if number % 2 else (16, 20)
        write_photo(folder / f"part {number % 2}" / f"{number:02}.png", number, size)
    return folder


@pytest.fixture(scope="session")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes that colour tells apart, ten photos each."""
    folder = tmp_path_factory.mktemp("classes")
    for tint, name in enumerate(("reds", "greens", "blues")):
        for number in range(10):
            write_photo(folder / name / f"{number}.png", 100 * tint + number, tint=tint)
    return folder


def zipped(folder: Path, path: Path) -> Path:
    """An archive of a folder."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.png")):
            archive.write(file, file.relative_to(folder).as_posix())
    return path
