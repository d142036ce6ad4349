"""What the guide tells people to type works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.end2end.test_cli import here, small_photo
from vitviz.__main__ import main
from vitviz.gui.commands.help import GUIDE

__all__ = ["here"]


def section(title: str) -> str:
    text = GUIDE.read_text("utf-8")
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
