"""The window's first paint loads what it paints, and nothing that is used later or never."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

PAINT = """
import sys
before = set(sys.modules)
import json
from pathlib import Path
from vitviz.gui import app as application
from vitviz.gui.settings import Settings
from vitviz.gui.window import FIRST_SIZE, Window
app = application.application(["vitviz"])
window = Window(Settings(Path(sys.argv[1])), FIRST_SIZE)
def painted():
    print(json.dumps(sorted(set(sys.modules) - before)))
    window.close()
application.FirstPaint(window).done.connect(painted)
window.show()
sys.exit(app.exec())
"""

PACKAGES = {
    "PIL", "numpy", "platformdirs", "vitviz",
    "PySide6", "__feature__", "shiboken6", "shibokensupport", "signature_bootstrap",  # Qt
}  # fmt: skip
"""That are not Python's own: neither torch nor matplotlib, nor jaxtyping, psutil or tifffile."""

LATER = (
    "api", "batch", "cli", "exporting", "figures", "gui.batch", "gui.dialogs", "gui.figure",
    "gui.finetune", "gui.threads.batch", "gui.threads.training", "gui.views.compare",
    "gui.views.heads", "gui.views.patches", "licences", "selfcheck", "training",
)  # fmt: skip
"""Parts of vitviz that are loaded when they are first used."""

AT_ONCE = {"vitviz.figures", "vitviz.figures.spec", "vitviz.gui.finetune",
           "vitviz.gui.finetune.line"}  # fmt: skip
"""What is not: a session holds the choices of a figure, and the status bar a line for training."""


def modules_at_first_paint(folder: Path) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", PAINT, str(folder)],
        cwd=REPOSITORY,
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_first_paint_loads_what_it_paints(tmp_path: Path) -> None:
    modules = modules_at_first_paint(tmp_path)
    assert "vitviz.gui.views.look" in modules
    later = tuple(f"vitviz.{part}" for part in LATER)
    early = {
        name for name in modules - AT_ONCE for part in later
        if name == part or name.startswith(f"{part}.")
    }  # fmt: skip
    assert early == set(), "loaded before there is a use for it"
    packages = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names
    assert packages <= PACKAGES
