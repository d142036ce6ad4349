"""What to type: the commands that do the work of a spec."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

MERGE = "merge"
"""Instead of the photos, for the results of parts."""

PARTS = 8
"""In the command that is shown; how many there are is up to whoever runs it."""


def commands_for(
    spec: Path, source: Path, out: Path, more: Sequence[str] = ()
) -> tuple[str, str, str]:
    """What does the work of a spec: one part of several, their merging, and all of it on Ray.

    Args:
        spec: The file.
        source: Of the photos.
        out: Where the results go.
        more: Options on top.
    """
    begin = ["batch", str(source), "--spec", str(spec), "--out", str(out), *more]
    return (
        command([*begin, "--shard", f"1/{PARTS}"]),
        command(["batch", MERGE, str(out)]),
        command([*begin, "--engine", "ray"]),
    )


def command(arguments: list[str]) -> str:
    """What to type to run the same again."""
    words = ["vitviz", *(word for word in arguments if word != "--restart")]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
