"""The program as a user starts it: in a process of its own, with nothing set up before."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who has never started it, without a network."""
    home = tmp_path / "home"
    home.mkdir()
    unreachable = "http://127.0.0.1:9"
    return os.environ | {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "QT_QPA_PLATFORM": "offscreen",
        "HTTPS_PROXY": unreachable,
        "HTTP_PROXY": unreachable,
    }


def start(home: dict[str, str], folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "vitviz", *arguments],
        env=home,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_the_first_start_ends_with_a_map(home: dict[str, str], tmp_path: Path) -> None:
    done = start(home, tmp_path, "--screenshot", "window.png")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    with Image.open(tmp_path / "window.png") as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    assert pixels.shape[0] >= 500
    assert pixels.shape[1] >= 700
    height, width = pixels.shape[:2]
    middle = pixels[height // 4 : height // 2, width // 4 : width // 2]
    assert len(np.unique(middle.reshape(-1, 3), axis=0)) > 1000, "a photo is there"
    kept = list((tmp_path / "home").rglob("last.vitviz"))
    assert kept == [], "a picture for others leaves nothing of its own behind"


def test_a_photo_on_the_command_line(home: dict[str, str], tmp_path: Path) -> None:
    photo = tmp_path / "wide photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 130, 3), dtype=np.uint8)).save(
        photo
    )
    done = start(home, tmp_path, "--screenshot", "window.png", photo.name)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "window.png") as image:
        assert image.width >= 700


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a display")
def test_without_a_display_it_names_the_other_way(home: dict[str, str], tmp_path: Path) -> None:
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        home.pop(name, None)
    done = start(home, tmp_path)
    assert done.returncode == 2
    assert "vitviz explain" in done.stderr


def test_the_window_is_built_without_torch(home: dict[str, str], tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from vitviz.gui.app import application\n"
        "from vitviz.gui.settings import Settings\n"
        "from vitviz.gui.window import Window\n"
        "app = application(['vitviz'])\n"
        "window = Window(Settings(Path('settings')))\n"
        "window.show()\n"
        "app.processEvents()\n"
        "loaded = [n for n in ('torch', 'torchvision', 'matplotlib', 'timm') if n in sys.modules]\n"
        "window.close()\n"
        "sys.exit(f'loaded: {loaded}' if loaded else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=home, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_an_exception_in_a_slot_is_shown_and_kept(home: dict[str, str], tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from PySide6.QtCore import QTimer\n"
        "from PySide6.QtWidgets import QApplication\n"
        "from vitviz.gui import app\n"
        "from vitviz.gui.window import Window\n"
        "begin = Window.begin\n"
        "def fails(window, paths):\n"
        "    def look():\n"
        "        if window.banner.isVisible():\n"
        "            print(window.banner.text.text())\n"
        "            timer.stop()\n"
        "            window.close()\n"
        "    timer = QTimer(window)\n"
        "    timer.timeout.connect(look)\n"
        "    timer.start(10)\n"
        "    raise LookupError('in a slot')\n"
        "Window.begin = fails\n"
        "sys.exit(app.start([]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=home, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "LookupError: in a slot" in done.stdout
    logs = list((tmp_path / "home").rglob("vitviz.log"))
    assert len(logs) == 1
    assert "LookupError: in a slot" in logs[0].read_text(encoding="utf-8")
