"""What the guide tells people to type works."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import REPOSITORY
from tests.end2end.test_cli import here, small_photo
from vitviz import api
from vitviz.__main__ import main
from vitviz.bundled import resource
from vitviz.imaging.photo import Photo
from vitviz.maps.heat_map import HeatMap
from vitviz.notebook import ShownMap

__all__ = ["here"]


def section(title: str) -> str:
    text = resource("guide.md").read_text("utf-8")
    (found,) = re.findall(rf"^## {title}\n(.*?)^## ", text, re.DOTALL | re.MULTILINE)
    return str(found)


def test_loading_values(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = small_photo(here / "photo.png")
    for name in ("values.npz", "values.csv"):
        assert main(["explain", str(photo), "--out", name]) == 0
    options = ["--format", "values-tiff", "--resolution", "photo", "--out", "values.tiff"]
    assert main(["explain", str(photo), *options]) == 0
    capsys.readouterr()
    snippets = re.findall(r"```python\n(.*?)```", section("Export data"), re.DOTALL)
    assert len(snippets) == 2
    for snippet in snippets:
        exec(compile(snippet, "guide.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"0\.\d+ rollout, x \d+ to \d+, y \d+ to \d+", lines[0])
    assert lines[2].endswith("[14, 14]")
    assert lines[3] == "(48, 64) float32 [48, 64]"


def test_a_notebook(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_photo(here / "photo.png").rename(here / "photo.jpg")
    seen: list[object] = []
    monkeypatch.setattr(api, "view", lambda model, photos: seen.append(photos))
    (snippet,) = re.findall(r"```python\n(.*?)```", section("In a notebook"), re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(snippet, "guide.md", "exec"), names)
    assert seen == [["photo.jpg"]]
    heat_map = names["heat_map"]
    assert isinstance(heat_map, ShownMap)
    assert heat_map.photo is names["photo"]


@pytest.mark.parametrize("page", ["README.md", "resources/guide.md"])
def test_python(here: Path, page: str) -> None:
    small_photo(here / "photo.png").rename(here / "photo.jpg")
    text = (REPOSITORY / page).read_text("utf-8")
    (snippet,) = re.findall(r"```python\n(import vitviz\n.*?)```", text, re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(snippet, page, "exec"), names)
    photo, heat_map, pixels = names["photo"], names["heat_map"], names["pixels"]
    assert isinstance(photo, Photo)
    assert isinstance(heat_map, HeatMap)
    assert heat_map.values.shape == heat_map.geometry.grid
    assert isinstance(pixels, np.ndarray)
    assert pixels.shape == photo.pixels.shape
    assert (pixels != photo.pixels).any()
