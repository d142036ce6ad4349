"""Has the monkey play in a process of its own, and tells what it did last where that dies."""

from __future__ import annotations

import signal
import subprocess
import tempfile
from pathlib import Path

LAST = 20
"""Actions printed with a failure."""


def guarded(command: list[str], seed: int) -> int:
    """Runs a monkey, and returns its exit code: 0, or 1 for a failure.

    Args:
        command: That plays; it gets ``--diary`` with the name of a file for its actions. Where it
            died, it has said by itself (``faulthandler``).
        seed: Of the monkey.
    """
    with tempfile.TemporaryDirectory(prefix="vitviz-monkey-") as folder:
        diary = Path(folder) / "actions"
        code = subprocess.call([*command, "--diary", str(diary)])
        if code in (0, 1):
            return code
        lines = diary.read_text(encoding="utf-8").splitlines() if diary.is_file() else []
    how = signal.Signals(-code).name if -code in set(signal.Signals) else f"exit code {code}"
    print(f"FAILURE, seed {seed}: the program is dead ({how}). What it did last:")
    print("\n".join(lines[-2 * LAST :]), flush=True)  # most are there twice: before and after
    return 1
