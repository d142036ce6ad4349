"""No socket is ever opened: not by the window, explain, batch, figure or training, nor a child."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.samples import save_checkpoint, save_photo

pytestmark = pytest.mark.slow

CUT = """
import os, sys

def watch(event, arguments):
    if event.startswith("socket."):
        print(f"NETWORK {event} {arguments}", flush=True)
        os._exit(99)

sys.addaudithook(watch)
"""
"""Put first into every Python that the test starts, and that those start (``sitecustomize``)."""

LOOK = """
import os, sys
from vitviz.__main__ import main

code = main(sys.argv[1:])
folder = "/proc/self/fd"  # what C code opens is not told to Python
for fd in os.listdir(folder) if os.path.isdir(folder) else ():
    if os.path.islink(f"{folder}/{fd}") and os.readlink(f"{folder}/{fd}").startswith("socket:"):
        print("NETWORK", fd)
print("end", code, "PySide6.QtNetwork" in sys.modules)
"""


def run(tmp_path: Path, code: str, *arguments: str) -> str:
    """What a program prints whose sockets end it; its home is empty."""
    (tmp_path / "sitecustomize.py").write_text(CUT, encoding="utf-8")
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(REPOSITORY))),
        "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_STATE_HOME": str(tmp_path / "state"), "QT_QPA_PLATFORM": "offscreen",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_the_cut_is_noticed(tmp_path: Path) -> None:
    assert "NETWORK socket" in run(tmp_path, "import socket; socket.socket()")
    asked = "import socket; socket.getaddrinfo('localhost', 80)"
    assert "NETWORK socket.getaddrinfo" in run(tmp_path, asked)


@pytest.mark.parametrize("command", ["explain", "figure", "batch"])
def test_commands(tmp_path: Path, command: str) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    photo = save_photo(folder / "a.png", 1)
    checkpoint = save_checkpoint(tmp_path / "small.safetensors")
    what, out = (folder, "results") if command == "batch" else (photo, "out.png")
    said = run(tmp_path, LOOK, command, str(what), "--model", str(checkpoint), "--out", out)
    assert (tmp_path / out).exists(), said
    assert "end 0 False" in said
    assert "NETWORK" not in said


def test_the_window(tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "a.png", 1)
    said = run(tmp_path, LOOK, str(photo), "--screenshot", "window.png")
    assert (tmp_path / "window.png").exists(), said
    assert "NETWORK" not in said
