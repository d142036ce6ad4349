"""A short run of the monkey, and that it notices what it is there to notice."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY
from tests.monkey.guard import guarded

pytestmark = pytest.mark.slow

SABOTAGE = """
import os, threading, time
from PySide6.QtCore import qWarning
from vitviz.gui.documents import Documents
from vitviz.gui.window import Window
from tests.monkey import __main__ as monkey

def add(documents, paths):
    raise LookupError("in a slot")

def resized(window, event):
    qWarning("of Qt's")
    time.sleep(0.6)

def closed(window, event, close=Window.closeEvent):
    threading.Thread(target=threading.Event().wait, name="vitviz-left", daemon=True).start()
    close(window, event)

Documents.add, Window.resizeEvent, Window.closeEvent = add, resized, closed
monkey.ENDING_S = 0.1
code = monkey.play(seed=1, actions=120, go_on=True, show=False, gap_s=0.5)
os._exit(code)
"""

CRASH = """
import faulthandler, sys
from vitviz.gui.window import Window
from tests.monkey import __main__ as monkey

Window.resizeEvent = lambda window, event: window.isVisible() and faulthandler._sigsegv()
monkey.play(seed=1, actions=120, go_on=True, show=False, gap_s=60, diary=sys.argv[-1])
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("seed", [11, 12])
def test_a_monkey_breaks_nothing(seed: int) -> None:
    # Gaps are no failure here: how long they are depends on what else the computer does.
    done = run("-m", "tests.monkey", str(seed), "300", "--gap", "60")
    assert f"seed {seed}: 300 actions" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0, done.stdout


def test_a_monkey_notices_what_breaks() -> None:
    done = run("-c", SABOTAGE)
    assert done.returncode == 1, done.stdout + done.stderr
    # An exception may come by way of a function of Qt's, which puts its own words in between.
    for failure in ("LookupError: ", "in a slot", "Qt: of Qt's", "the window was away",
                    "vitviz-left"):  # fmt: skip
        assert failure in done.stdout
    assert "FAILURE, seed 1, action " in done.stdout, "it says how to see it again"


def test_a_monkey_whose_program_dies_says_what_it_did(capfd: pytest.CaptureFixture[str]) -> None:
    assert guarded([sys.executable, "-c", CRASH], 1) == 1
    said, where = capfd.readouterr()
    assert "FAILURE, seed 1: the program is dead (SIGSEGV)" in said
    assert said.splitlines()[-1].endswith("'(this one)'"), "what it was at"
    assert "resizeEvent" in where or "<lambda>" in where, "where in the program"
