"""What comes with the program is there, whole, and has its licence named."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from tests.conftest import REPOSITORY
from vitviz.bundled import resource
from vitviz.imaging.samples import sample_photos

RESOURCES = resource()
ICONS = RESOURCES / "icons"
SYMBOLS = ("close", "list", "pause", "play", "plus", "redo", "undo")
ICON_SIZES_PX = (16, 24, 32, 48, 64, 128, 256, 512)


def test_every_sample_photo_opens_and_is_small() -> None:
    photos = sample_photos()
    assert 3 <= len(photos) <= 6
    for photo in photos:
        assert photo.stat().st_size < 250_000
        with Image.open(photo) as image:
            image.load()
            assert image.mode == "RGB"
            assert image.width > image.height >= 256  # not square: the crop is seen


def test_every_sample_photo_names_its_author_and_licence() -> None:
    table = (RESOURCES / "samples" / "README.md").read_text(encoding="utf-8").splitlines()
    on_disk = {p.name for p in (RESOURCES / "samples").iterdir() if p.suffix != ".md"}
    assert {photo.name for photo in sample_photos()} == on_disk
    for name in on_disk:
        row = next(line for line in table if line.startswith(f"| `{name}`"))
        _, _, shows, author, licence, *_ = (cell.strip() for cell in row.split("|"))
        assert shows
        assert author
        assert licence in ("CC0 1.0", "public domain")


@pytest.mark.parametrize("name", SYMBOLS)
def test_every_symbol_takes_the_colour_of_the_theme(name: str) -> None:
    text = (ICONS / f"{name}.svg").read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    assert root.get("viewBox") == "0 0 20 20"
    assert root.get("stroke-width") == "1.5"
    assert text.count("currentColor") == 1
    assert not re.search("#[0-9a-fA-F]{3}", text)


def test_every_symbol_on_disk_is_checked_above() -> None:
    assert {p.stem for p in ICONS.glob("*.svg")} == {*SYMBOLS, "vitviz"}


def load_renderer() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "render_icons", REPOSITORY / "tools" / "render_icons.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("size", ICON_SIZES_PX)
def test_every_icon_is_the_drawing(size: int, tmp_path: Path) -> None:
    load_renderer().render(ICONS / "vitviz.svg", size).save(str(tmp_path / "now.png"))
    with Image.open(tmp_path / "now.png") as image:
        now = np.asarray(image.convert("RGBA"), dtype=np.int16)
    with Image.open(ICONS / f"vitviz-{size}.png") as image:
        kept = np.asarray(image.convert("RGBA"), dtype=np.int16)
    assert kept.shape == (size, size, 4)
    # Rasterisers of two Qt versions may differ along edges, not over whole patches.
    assert np.abs(now - kept).mean() < 2


@pytest.mark.parametrize(
    "card", sorted((RESOURCES / "models").glob("*.json")), ids=lambda p: p.stem
)
def test_a_bundled_model_is_the_one_on_its_card(card: Path) -> None:
    facts = json.loads(card.read_text(encoding="utf-8"))
    weights = card.with_suffix(".safetensors").read_bytes()
    assert len(weights) == facts["bytes"]
    assert hashlib.sha256(weights).hexdigest() == facts["sha256"]
    labels = RESOURCES / "labels" / f"{facts['classes']}.txt"
    assert len(labels.read_text(encoding="utf-8").splitlines()) == 1000


def test_there_is_a_bundled_model() -> None:
    assert list((RESOURCES / "models").glob("*.safetensors"))


def test_every_folder_of_resources_has_its_row_in_the_licences() -> None:
    licences = (REPOSITORY / "docs" / "licences.md").read_text(encoding="utf-8")
    for folder in RESOURCES.iterdir():
        if folder.is_dir():
            assert f"resources/{folder.name}/" in licences
