"""The program folder, which has only a part of torch, can train too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

SCRIPT = """
import sys

sys.path.insert(0, {packaging!r})
from bundle import EXCLUDED

def without(finder):
    find = finder.find_spec

    def find_spec(name, *arguments, **options):
        if any(name == out or name.startswith(out + ".") for out in EXCLUDED):
            return None
        return find(name, *arguments, **options)

    return find_spec

for finder in sys.meta_path:
    finder.find_spec = without(finder)
import importlib.util
assert importlib.util.find_spec("sympy") is None
from vitviz.__main__ import main

sys.exit(main({arguments!r}))
"""


def run(*arguments: object) -> str:
    words = [str(argument) for argument in arguments]
    script = SCRIPT.format(packaging=str(REPOSITORY / "tools" / "packaging"), arguments=words)
    command = [sys.executable, "-W", "ignore", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=250)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_distilling_and_fine_tuning_without_what_the_folder_leaves_out(
    teacher: Path, photos: Path, classes: Path, tmp_path: Path
) -> None:
    few = ["--device", "cpu", "--batch", "4"]
    student = tmp_path / "student"
    run("train", "distil", teacher, photos, "--out", student, "--depth", 2, "--embedding", 1,
        "--end-to-end", 1, "--steps", 3, "--cool-down", 1, "--full-size", 1, "--sides", 8,
        *few)  # fmt: skip
    assert (student / "student.safetensors").exists()
    tuned = tmp_path / "tuned"
    run("train", "finetune", classes, "--model", student / "student.safetensors", "--out", tuned,
        "--epochs", 1, *few)  # fmt: skip
    assert (tuned / "tuned.safetensors").exists()
