"""Killed at random points, and gone on with: nothing half, nothing lost, the same in the end.

The process kills itself at the so-manieth thing that it asks the system to do with its results,
which hits the middle of writing as often as the time between. ``VITVIZ_KILLS`` is how many kills
each run gets; ``VITVIZ_SEED`` chooses the points.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.batch.test_batch_run import files_in, photos
from tests.samples import names_in
from tests.training.conftest import classes, teacher
from tests.training.test_runs import assert_same, lasting
from vitviz.batch.listing import JOURNAL
from vitviz.session import session_file
from vitviz.session.last import LastSession
from vitviz.session.state import PhotoRef, Session, View
from vitviz.writing import PART

__all__ = ["classes", "photos", "teacher"]

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("VITVIZ_KILLS", "2"))
SEED = int(os.environ.get("VITVIZ_SEED", "11"))

DYING = """
import os, signal, sys

place, point, count = sys.argv[1], int(sys.argv[2]), 0
kinds = {"open", "os.rename", "os.remove", "os.mkdir", "os.link", "os.truncate"}

def watch(event, arguments):
    global count
    if event in kinds and isinstance(arguments[0], str) and arguments[0].startswith(place):
        count += 1
        if count == point:
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

sys.addaudithook(watch)
"""

COMMAND = """
from vitviz.__main__ import main

code = main(sys.argv[3:])
print(count)
sys.exit(code)
"""

KEEP = """
from pathlib import Path
from vitviz.session.last import LastSession
from vitviz.session.state import PhotoRef, Session, View

LastSession(Path(place)).keep(Session((PhotoRef("a"),), view=View(layer=int(sys.argv[3]))))
print(count)
"""


def run(code: str, place: Path, point: int, *arguments: str) -> tuple[int, int]:
    """The exit code, and how many things were asked for in ``place`` by one that was not killed."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", DYING + code, str(place), str(point), *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert done.returncode < 1 or os.name == "nt", done.stderr
    return done.returncode, int(done.stdout.split()[-1]) if done.returncode == 0 else 0


def parts_in(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if PART.fullmatch(path.name)]


def points(total: int) -> list[int]:
    """Where to kill."""
    assert total > KILLS
    return sorted(random.Random(SEED).sample(range(1, total + 1), KILLS))


def test_a_batch(photos: Path, checkpoint: Path, tmp_path: Path) -> None:
    def command(out: Path) -> list[str]:
        return ["batch", str(photos), "--out", str(out), "--model", str(checkpoint), "--map", "png",
                "--values", "npz", "--device", "cpu", "--quiet"]  # fmt: skip

    whole = tmp_path / "whole"
    code, total = run(COMMAND, whole, 0, *command(whole))
    assert code == 0
    for point in points(total):
        out = tmp_path / f"killed-{point}"
        code, _ = run(COMMAND, out, point, *command(out))
        assert code != 0
        left = files_in(out) if out.exists() else {}
        for name in left:
            if not PART.fullmatch(name.rpartition("/")[2]):
                assert left[name] == files_in(whole)[name], f"half of {name} after kill {point}"
        assert run(COMMAND, out, 0, *command(out))[0] == 0
        assert files_in(out) == files_in(whole), f"after kill {point}"
        assert (out / JOURNAL).exists()


def test_a_fine_tuning(teacher: Path, classes: Path, tmp_path: Path) -> None:
    def command(out: Path) -> list[str]:
        return ["train", "finetune", str(classes), "--model", str(teacher), "--out", str(out),
                "--epochs", "2", "--device", "cpu", "--quiet"]  # fmt: skip

    whole = tmp_path / "whole" / "run"
    code, total = run(COMMAND, whole, 0, *command(whole))
    assert code == 0
    for point in points(total):
        out = tmp_path / f"killed-{point}" / "run"
        code, _ = run(COMMAND, out, point, *command(out))
        assert code != 0
        assert run(COMMAND, out, 0, *command(out))[0] == 0
        assert_same(lasting(out), lasting(whole))
        assert parts_in(out) == [], f"after kill {point}"


def test_the_last_session(tmp_path: Path) -> None:
    def started(folder: Path) -> Path:
        for layer in (0, 1):
            LastSession(folder).keep(Session((PhotoRef("a"),), view=View(layer=layer)))
        return folder

    code, total = run(KEEP, started(tmp_path / "whole"), 0, "2")
    assert code == 0
    for point in points(total):
        folder = started(tmp_path / f"killed-{point}")
        assert run(KEEP, folder, point, "2")[0] != 0
        last = LastSession(folder)
        layers = {session_file.read(folder / name).view.layer
                  for name in names_in(folder) if name.endswith(".vitviz")}  # fmt: skip
        assert session_file.read(last.path).view.layer in (1, 2), f"after kill {point}"
        assert {0, 1} <= layers, f"after kill {point}"
        last.keep(Session((PhotoRef("a"),), view=View(layer=3)))
        assert parts_in(folder) == []
