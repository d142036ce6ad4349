"""How long closing the window takes, from the click to the end of the process, whatever runs.

Run by hand: ``python -m tests.bench.closing``. Each case is a process of its own, in which C code
that nobody can interrupt is played by sleeping for a minute.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QTimer

from tests.bench.soak import make
from vitviz.engine import photos as photos_module
from vitviz.gui.app import application
from vitviz.gui.settings import Settings
from vitviz.gui.threads.desk import end_threads
from vitviz.gui.threads.jobs import Job
from vitviz.gui.window import FIRST_SIZE, Window

CASES = ("idle", "maps", "photos", "jobs", "thousands", "all")
"""What cannot be interrupted, or is there many times."""

CLOSING = "closing"
ENDLESS_S = 60.0
RUNNING_MS = 3000
"""After this the window is closed."""


def sleep(*_args: object, **_options: object) -> None:
    time.sleep(ENDLESS_S)


def hinder(window: Window, case: str, folder: Path) -> list[Path]:
    """Has one part of the window do what does not end; returns what to open."""
    if case in ("maps", "all"):
        window.service.engine.answer = sleep  # type: ignore[method-assign,assignment]
    if case in ("jobs", "all"):
        window.jobs.begin(Job("Sleeping", sleep))
    photos = make(folder, 2)
    if case in ("photos", "all"):
        photos_module.load = sleep  # type: ignore[assignment]
    if case in ("thousands", "all"):
        photos += [folder / f"IMG_{number:05}.jpg" for number in range(20_000)]
    return photos


def play(case: str) -> None:
    """Opens the window, and closes it in the middle of its work."""
    app = application(["vitviz"])
    with tempfile.TemporaryDirectory(prefix="vitviz-closing-") as name:
        folder = Path(name)
        window = Window(Settings(folder / "settings"), FIRST_SIZE)
        window.show()

        def begin() -> None:
            window.begin(hinder(window, case, folder))
            QTimer.singleShot(RUNNING_MS, close)

        def close() -> None:
            print(CLOSING, flush=True)
            window.close()

        QTimer.singleShot(0, begin)
        code = app.exec()
        end_threads(code)


def main() -> None:
    """Plays one case, or prints the seconds of all."""
    if sys.argv[1:]:
        play(sys.argv[1])
        return
    for case in CASES:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.closing", case], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        while (line := process.stdout.readline()).strip() != CLOSING:
            if not line:
                raise SystemExit(f"{case}: it ended before it was closed")
        begin = time.monotonic()
        code = process.wait()
        print(f"{case:>10}: {time.monotonic() - begin:.2f} s, exit code {code}", flush=True)


if __name__ == "__main__":
    main()
