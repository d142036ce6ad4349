"""The window from a script, and maps in a notebook."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vitviz
from tests.end2end.test_cli import small_photo
from vitviz import notebook
from vitviz.errors import PhotoError, VitvizError
from vitviz.notebook import ShownMap

SCRIPT = """
import sys, numpy as np, timm, vitviz
module = timm.create_model("vit_tiny_patch16_224", depth=2, embed_dim=128, num_heads=2)
window = vitviz.view(
    module, [sys.argv[1], np.zeros((30, 50, 3), np.uint8)],
    arguments=("--screenshot", sys.argv[2]),
)
print(window)
"""


def folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob(f"{notebook.PREFIX}*"))


@pytest.mark.slow
def test_view_from_a_script(tmp_path: Path) -> None:
    before, photo = folders(), small_photo(tmp_path / "photo.png", size=(96, 64))
    picture = tmp_path / "window.png"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, photo, picture], capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "<vitviz window, closed>\n"
    with Image.open(picture) as image:
        assert image.width > 1000
    assert folders() <= before


def test_a_window_that_cannot_be_opened_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = folders()
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    if sys.platform != "linux":
        pytest.skip("there is always a screen")
    with pytest.raises(VitvizError, match="there is no display") as caught:
        vitviz.view(None, small_photo(tmp_path / "photo.png"), block=True)
    assert "vitviz explain" in caught.value.hint
    assert folders() <= before


def test_what_is_no_photo_is_refused_before_a_window_opens(tmp_path: Path) -> None:
    before = folders()
    (tmp_path / "text.png").write_text("none")
    with pytest.raises(PhotoError):
        vitviz.view(None, tmp_path / "text.png")
    with pytest.raises(VitvizError, match="float64"):
        vitviz.view(None, [np.zeros((4, 4, 3))])
    assert folders() <= before


def test_a_map_shows_itself(tmp_path: Path) -> None:
    photo = vitviz.load_photo(small_photo(tmp_path / "photo.png", size=(960, 480)))
    trace = vitviz.trace(photo, vitviz.load_model(device="cpu"))
    heat_map = vitviz.explain(trace, layer=1, head=2)
    assert isinstance(heat_map, ShownMap)
    assert heat_map._repr_png_().startswith(b"\x89PNG")
    assert heat_map.pixels().shape == (240, 480, 3)
    page = heat_map._repr_html_()
    assert "attention, layer 2, head 3: " in page
    assert "went to CLS" in page
    plain = notebook.shown(heat_map, None)
    assert plain.pixels().shape == (240, 480, 3)
    assert (plain.pixels() != heat_map.pixels()).any()
    assert (plain.values == heat_map.values).all()


def test_a_prompt_is_told_from_a_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sys, "ps1", raising=False)
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert not notebook._at_a_prompt()
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    assert notebook._at_a_prompt()
