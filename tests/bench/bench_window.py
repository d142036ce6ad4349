"""How soon the window is there, and how long it ever keeps anybody waiting.

Run: ``python tests/bench/bench_window.py``. Each figure is the median of fresh processes, with
the worst in brackets. "Gap" is the longest time between two turns of the window's event loop: a
click in it waits that long. The first paint is also told as a multiple of that of an empty PySide6
window with NumPy and Pillow imported, of processes that ran in turns with ours: this number does
not depend much on the computer, nor on what else it does. ``--paint`` measures only that.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 5

PAINTS = 15
"""Of the window and of an empty one, in turns."""

EMPTY = """
import os, sys, time
import numpy, PIL.Image
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QMainWindow
app = QApplication(["empty"])
window = QMainWindow()
window.resize(1400, 880)
class Painted(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            window.removeEventFilter(self)
            QTimer.singleShot(0, tell)
        return False
def tell():
    print(time.time() - float(os.environ["VITVIZ_BENCH_STARTED"]))
    app.quit()
painted = Painted()
window.installEventFilter(painted)
window.show()
sys.exit(app.exec())
"""

PAINT = """
import os, sys, time
from pathlib import Path
from vitviz.gui import app as application
from vitviz.gui.settings import Settings
from vitviz.gui.window import FIRST_SIZE, Window
app = application.application(["vitviz"])
window = Window(Settings(Path(os.environ["VITVIZ_BENCH_FOLDER"])), FIRST_SIZE)
def tell():
    print(time.time() - float(os.environ["VITVIZ_BENCH_STARTED"]))
    window.close()
application.FirstPaint(window).done.connect(tell)
window.show()
sys.exit(app.exec())
"""

CHILD = """
import json, os, sys, time
from pathlib import Path
started = float(os.environ["VITVIZ_BENCH_STARTED"])
from PySide6.QtCore import Qt, QTimer
from vitviz.gui import app as application
from vitviz.gui.app import FirstPaint
from vitviz.gui.commands import go
from vitviz.gui.settings import Settings
from vitviz.gui.window import FIRST_SIZE, Window
app = application.application(["vitviz"])
window = Window(Settings(Path(os.environ["VITVIZ_BENCH_FOLDER"])), FIRST_SIZE)
times = {}
window.show()
gaps, last, phase = {}, time.perf_counter(), "torch loads"
def turn():
    global last
    now = time.perf_counter()
    gaps[phase] = max(gaps.get(phase, 0.0), now - last)
    last = now
# A turn every 2 ms: a busier heart would take the interpreter from the worker it measures.
heart = QTimer(); heart.setTimerType(Qt.TimerType.PreciseTimer); heart.setInterval(2)
heart.timeout.connect(turn)
checkpoint = os.environ["VITVIZ_BENCH_MODEL"]
def look():
    global phase, last
    cell = window.controller.shown_cell
    if cell is None or not window.panels.layers.filmstrip.complete:
        return
    if phase == "torch loads":
        times["first_map_s"] = time.time() - started
        phase = "ViT-B/16 loads"
        window.documents.use_model(checkpoint)
    elif phase == "ViT-B/16 loads" and cell.request.model == checkpoint:
        phase = "ViT-B/16 runs"
        go.next_photo(window)
    elif phase == "ViT-B/16 runs" and cell.request.photo == window.store.session.photos[1]:
        watch.stop(); heart.stop()
        times["forward_s"] = cell.forward_s
        print(json.dumps({"times": times, "gaps": gaps}), flush=True)
        window.close()
watch = QTimer(); watch.setInterval(20); watch.timeout.connect(look)
def begin():
    global last
    times["painted_s"] = time.time() - started
    last = time.perf_counter()
    heart.start(); watch.start()
    window.begin([])
FirstPaint(window).done.connect(begin)
sys.exit(app.exec())
"""


def checkpoint(folder: Path) -> Path:
    """A ViT-B/16 with random weights: its speed is a trained one's."""
    from safetensors.torch import save_file

    from vitviz.models.vit.network import VisionTransformer, vit_config

    path = folder / "vit_b_16.safetensors"
    save_file(VisionTransformer(vit_config("B", 16)).state_dict(), path)
    return path


def start(program: str, folder: Path, model: str = "") -> str:
    """Runs a program in a process of its own; the last line it says."""
    environment = os.environ | {
        "QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen"),
        "VITVIZ_BENCH_FOLDER": tempfile.mkdtemp(dir=folder),
        "VITVIZ_BENCH_MODEL": model,
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),  # as installed: compiled once
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["VITVIZ_BENCH_STARTED"] = str(time.time())
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[-1]


def run(folder: Path, model: Path) -> dict[str, dict[str, float]]:
    """One start of the program."""
    result: dict[str, dict[str, float]] = json.loads(start(CHILD, folder, str(model)))
    return result


def first_paints(folder: Path) -> None:
    """Prints how long the first paint takes, and an empty window's."""
    pairs = [[float(start(one, folder)) for one in (EMPTY, PAINT)] for _ in range(PAINTS + 1)][1:]
    empty, ours = zip(*pairs, strict=True)
    for title, seconds in (("empty window painted", empty), ("our window painted", ours)):
        median, least = statistics.median(seconds), min(seconds)
        print(f"{title:42} {1000 * median:7.0f} ms  (least {1000 * least:.0f} ms)")
    times, least = statistics.median(ours) / statistics.median(empty), min(ours) / min(empty)
    words = f"{times:7.2f} times  (of the least {least:.2f})"
    print(f"{'painted, against an empty window':42} {words:24} aim 2")


def main() -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first_paints(folder)
        if "--paint" in sys.argv:
            return
        model = checkpoint(folder)
        runs = [run(folder, model) for _ in range(RUNS + 1)][1:]  # the first fills the disk cache
    rows = [
        ("window painted after start", [r["times"]["painted_s"] for r in runs], "1 s"),
        ("first map painted after start", [r["times"]["first_map_s"] for r in runs], ""),
        ("gap while torch loads, to the first map", [r["gaps"]["torch loads"] for r in runs],
         "300 ms"),
        ("gap while ViT-B/16 loads", [r["gaps"]["ViT-B/16 loads"] for r in runs], ""),
        ("gap while ViT-B/16 runs", [r["gaps"]["ViT-B/16 runs"] for r in runs], "50 ms"),
        ("forward of ViT-B/16 in it", [r["times"]["forward_s"] for r in runs], ""),
    ]  # fmt: skip
    for title, seconds, aim in rows:
        words = f"{1000 * statistics.median(seconds):7.0f} ms  ({1000 * max(seconds):.0f} ms)"
        print(f"{title:42} {words:24} {f'aim {aim}' if aim else ''}")


if __name__ == "__main__":
    main()
